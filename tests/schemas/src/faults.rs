//! [`Fault`]: how a registry may fail.

use std::sync::Arc;

use axum::{
    http::StatusCode,
    response::{IntoResponse, Response},
};
use tokio::sync::Notify;

/// How requests end instead of as they should.
#[derive(Debug, Clone)]
pub enum Fault {
    /// 503, and no word of a registry's.
    Down,
    /// 500, in the registry's words.
    Broken,
    /// A proxy's page that says 404.
    NotThere,
    /// 200, and something that is not JSON.
    Babble,
    /// Nothing, until it is told to go on; then as it should.
    Held(Arc<Notify>),
    /// Registrations alone fail with 503.
    ReadOnly,
}

impl Fault {
    pub(crate) async fn answer(self, is_write: bool) -> Option<Response> {
        Some(match self {
            Self::Down => (StatusCode::SERVICE_UNAVAILABLE, "no healthy upstream").into_response(),
            Self::Broken => super::refused(StatusCode::INTERNAL_SERVER_ERROR, 50001, "the store is gone"),
            Self::NotThere => (StatusCode::NOT_FOUND, "<html>nothing here</html>").into_response(),
            Self::Babble => "<html>please log in</html>".into_response(),
            Self::ReadOnly if is_write => (StatusCode::SERVICE_UNAVAILABLE, "read only").into_response(),
            Self::ReadOnly => return None,
            Self::Held(go_on) => {
                go_on.notified().await;
                return None;
            }
        })
    }
}

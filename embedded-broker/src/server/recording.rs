//! Keeps what a client asks, for tests that look at it.

use std::sync::Arc;

use super::connection::Connection;
use super::faulty::Request;
use crate::fault::api_name::Api;
use crate::inspect::requests::RecordedRequest;
use crate::security::sasl::login::Login;

impl Connection {
    /// Keeps a request as it comes in, before anything is done about it.
    pub(super) fn record(&self, login: Option<&Login>, frame: &[u8]) {
        let cluster = &self.door.cluster;
        let Some(request) = Request::read(cluster, login, frame) else { return };
        let Some(api) = Api::from_key(request.header.key) else { return };
        cluster.recorder.record(RecordedRequest {
            api,
            version: request.header.version,
            node_id: self.door.node_id,
            client_id: Arc::from(request.client_id),
            listener: Arc::clone(&self.session.listener),
            timestamp: cluster.clock.wall_ms(),
        });
    }
}

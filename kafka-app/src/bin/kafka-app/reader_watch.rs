//! [`ReaderWatch`]: whether anybody reads standard output.

/// Watches the other end of standard output: who waits for records would learn that it is closed only with the next one.
pub(crate) struct ReaderWatch {
    /// Nothing is written by it. A file cannot be watched, and has no reader who goes away.
    #[cfg(unix)]
    end: Option<tokio::net::unix::pipe::Sender>,
}

#[cfg(unix)]
impl ReaderWatch {
    pub(crate) fn new() -> Self {
        use std::{io, os::fd::AsFd as _};
        // Unchecked, as it is to stay blocking for those who write to it.
        let end = io::stdout().as_fd().try_clone_to_owned();
        Self { end: end.and_then(tokio::net::unix::pipe::Sender::from_owned_fd_unchecked).ok() }
    }

    /// Resolves when nobody reads any more, as `head` has when it has read enough.
    pub(crate) async fn gone(&self) {
        if let Some(end) = &self.end
            && end.ready(tokio::io::Interest::ERROR).await.is_ok()
        {
            return;
        }
        std::future::pending().await
    }
}

#[cfg(not(unix))]
impl ReaderWatch {
    pub(crate) fn new() -> Self {
        Self {}
    }

    pub(crate) async fn gone(&self) {
        std::future::pending().await
    }
}

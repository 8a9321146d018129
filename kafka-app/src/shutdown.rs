//! The signals that end a program.

use std::io;

/// Resolves on Ctrl-C or, on Unix, SIGTERM: what a terminal and what an orchestrator send.
///
/// # Errors
/// If the handlers cannot be installed.
pub(crate) async fn signal() -> io::Result<&'static str> {
    #[cfg(unix)]
    {
        let mut terminate = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
        tokio::select! {
            interrupt = tokio::signal::ctrl_c() => interrupt.map(|()| "Ctrl-C"),
            _ = terminate.recv() => Ok("SIGTERM"),
        }
    }
    #[cfg(not(unix))]
    tokio::signal::ctrl_c().await.map(|()| "Ctrl-C")
}

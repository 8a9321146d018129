//! [`Output`]: standard output, and whether anybody reads it.

use std::io::{self, Stdout, Write as _};

use crate::failure::Failure;

/// Standard output. A reader that has read enough, as `head` has, is noticed also while nothing is written.
pub(crate) struct Output {
    stdout: Stdout,
    /// The same, only to be told that its reader has gone: nothing is written by it.
    #[cfg(unix)]
    watched: Option<tokio::net::unix::pipe::Sender>,
}

impl Output {
    pub(crate) fn new() -> Self {
        Self {
            stdout: io::stdout(),
            #[cfg(unix)]
            watched: watched(),
        }
    }

    /// Writes all of it, at once.
    ///
    /// # Errors
    /// Nobody reads any more, or the system refuses.
    pub(crate) fn write(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        self.stdout.write_all(bytes)?;
        Ok(self.stdout.flush()?)
    }

    /// Resolves when nobody reads any more.
    pub(crate) async fn closed(&self) {
        #[cfg(unix)]
        if let Some(watched) = &self.watched
            && watched.ready(tokio::io::Interest::ERROR).await.is_ok()
        {
            return;
        }
        std::future::pending().await
    }
}

/// Files cannot be watched, and have no reader who goes away.
#[cfg(unix)]
fn watched() -> Option<tokio::net::unix::pipe::Sender> {
    use std::{fs::File, os::fd::AsFd as _};
    let stdout = io::stdout().as_fd().try_clone_to_owned().ok()?;
    // Unchecked, as it is to stay blocking for those who share it.
    tokio::net::unix::pipe::Sender::from_file_unchecked(File::from(stdout)).ok()
}

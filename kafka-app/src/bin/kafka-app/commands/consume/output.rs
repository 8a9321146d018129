//! [`Output`]: standard output, and whether anybody reads it.

use std::io::{self, Stdout, Write as _};

use crate::{failure::Failure, reader_watch::ReaderWatch};

/// Standard output. A reader that has read enough, as `head` has, is noticed also while nothing is written.
pub(crate) struct Output {
    stdout: Stdout,
    watch: ReaderWatch,
}

impl Output {
    pub(crate) fn new() -> Self {
        Self { stdout: io::stdout(), watch: ReaderWatch::new() }
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
        self.watch.gone().await;
    }
}

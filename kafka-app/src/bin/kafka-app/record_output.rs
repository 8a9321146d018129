//! [`RecordOutput`]: records on standard output, whose reader may be slow, or go away.

use std::{
    fs::File,
    io::{self, Write as _},
    sync::Arc,
    time::Duration,
};

use crate::{failure::Failure, reader_watch::ReaderWatch, stop::Stop};

/// So long after a signal it is waited for a reader that does not read.
const GRACE: Duration = Duration::from_secs(1);

/// Standard output. A reader that has read enough, as `head` has, is noticed also while nothing is written, and one that does
/// not read keeps nobody from ending.
pub(crate) struct RecordOutput {
    /// Not the library's own, whose lock a write that does not end would hold.
    file: Arc<File>,
    watch: ReaderWatch,
}

impl RecordOutput {
    /// # Errors
    /// The system refuses.
    pub(crate) fn new() -> io::Result<Self> {
        Ok(Self { file: Arc::new(standard_output()?), watch: ReaderWatch::new() })
    }

    /// Writes all of it at once, and leaves nothing in it.
    ///
    /// # Errors
    /// Nobody reads any more, or the system refuses; or a signal has come and the reader does not read.
    pub(crate) async fn write(&self, bytes: &mut Vec<u8>, stop: &mut Stop) -> Result<(), Failure> {
        if bytes.is_empty() {
            return Ok(());
        }
        let (file, written) = (Arc::clone(&self.file), std::mem::take(bytes));
        let write = move || {
            let result = (&*file).write_all(&written);
            (written, result)
        };
        let mut writing = tokio::task::spawn_blocking(write);
        let joined = tokio::select! {
            biased;
            joined = &mut writing => joined,
            code = stop.requested() => match tokio::time::timeout(GRACE, writing).await {
                Ok(joined) => joined,
                Err(_unread) => return Err(Failure::Stopped(code)),
            },
        };
        // It is not given up, so that it can only have panicked.
        let (written, result) = joined.unwrap_or_else(|error| std::panic::resume_unwind(error.into_panic()));
        *bytes = written;
        bytes.clear();
        Ok(result?)
    }

    /// Resolves when nobody reads any more.
    pub(crate) async fn closed(&self) {
        self.watch.gone().await;
    }
}

#[cfg(unix)]
fn standard_output() -> io::Result<File> {
    use std::os::fd::AsFd as _;
    Ok(io::stdout().as_fd().try_clone_to_owned()?.into())
}

#[cfg(windows)]
fn standard_output() -> io::Result<File> {
    use std::os::windows::io::AsHandle as _;
    Ok(io::stdout().as_handle().try_clone_to_owned()?.into())
}

//! [`Stop`]: the signals that end a tool, and the exit codes that they leave.

use std::{future::pending, process};

use tokio::sync::watch;

use crate::{failure::Failure, shutdown};

/// Tells of the first Ctrl-C or SIGTERM; a second one ends the program at once.
#[derive(Debug, Clone)]
pub(crate) struct Stop(watch::Receiver<Option<u8>>);

impl Stop {
    /// From now on signals do not end the program by themselves.
    ///
    /// # Errors
    /// The system refuses.
    pub(crate) fn listen() -> Result<Self, Failure> {
        let (told, stop) = watch::channel(None);
        tokio::spawn(async move {
            loop {
                let Ok(name) = shutdown::signal().await else { return };
                let code = exit_code(name);
                if told.borrow().is_some() {
                    process::exit(i32::from(code));
                }
                told.send_replace(Some(code));
            }
        });
        Ok(Self(stop))
    }

    /// Resolves to the exit code once a signal has come.
    pub(crate) async fn requested(&mut self) -> u8 {
        match self.0.wait_for(Option::is_some).await {
            Ok(code) => code.unwrap_or_default(),
            // No signal can be listened for.
            Err(_) => pending().await,
        }
    }

    /// The exit code, if a signal has come.
    pub(crate) fn code(&self) -> Option<u8> {
        *self.0.borrow()
    }
}

/// As a shell tells which signal ended a program.
fn exit_code(signal: &str) -> u8 {
    match signal {
        "SIGTERM" => 143,
        _ => 130,
    }
}

//! [`Log`]: what the framework logs while the tests of this process run.

use std::{
    io,
    sync::{Mutex, Once},
};

use tracing_subscriber::EnvFilter;

static LINES: Mutex<String> = Mutex::new(String::new());

/// The lines of all tests, from the first that wants to see them: who looks for one names what no other test has, such as a
/// broker's address.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Log(&'static Mutex<String>);

impl Log {
    /// Warnings and errors are kept from now on.
    pub(crate) fn keep() -> Self {
        static ONCE: Once = Once::new();
        ONCE.call_once(|| {
            let log = tracing_subscriber::fmt().with_env_filter(EnvFilter::new("kafka_app=warn"));
            log.with_ansi(false).with_writer(|| Lines).init();
        });
        Self(&LINES)
    }

    /// Whether one line has all of these in it.
    pub(crate) fn says(self, parts: &[&str]) -> bool {
        let lines = self.0.lock().expect("nobody panics with it");
        lines.lines().any(|line| parts.iter().all(|part| line.contains(part)))
    }
}

struct Lines;

impl io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        LINES.lock().expect("nobody panics with it").push_str(&String::from_utf8_lossy(bytes));
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

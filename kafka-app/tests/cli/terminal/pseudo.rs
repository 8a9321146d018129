//! [`Terminal`]: the program as a person sees it who types to it.

use std::{
    fs::File,
    io::{Read as _, Write as _},
    num::NonZero,
    os::{fd::OwnedFd, unix::process::ExitStatusExt as _},
    process::{Child, Stdio},
    sync::mpsc,
    time::{Duration, Instant},
};

use pty_process::{Size, blocking::Command};
use vt100::Parser;

use crate::program;

/// More than a busy machine needs for anything here.
const PATIENCE: Duration = Duration::from_secs(60);

pub(super) const CTRL_C: &str = "\x03";
pub(super) const CTRL_D: &str = "\x04";

/// A program at a terminal of its own.
pub(super) struct Terminal {
    child: Child,
    keys: File,
    written: mpsc::Receiver<Vec<u8>>,
    screen: Parser,
    /// All that was written, with what moves the cursor.
    pub(super) all: String,
}

/// How the program is started.
#[derive(Default)]
pub(super) struct Setup<'s> {
    pub(super) environment: &'s [(&'s str, &'s str)],
    /// Standard output goes elsewhere.
    pub(super) is_redirected: bool,
    /// Rows and columns, if not 24 and 80.
    pub(super) size: Option<(u16, u16)>,
}

impl Setup<'_> {
    pub(super) fn start(&self, arguments: &[&str]) -> Terminal {
        let (rows, columns) = self.size.unwrap_or((24, 80));
        let (pty, other_end) = pty_process::blocking::open().unwrap();
        pty.resize(Size::new(rows, columns)).unwrap();
        // Who runs the tests in the background has Ctrl-C ignored, and so would the program.
        let command = Command::new("env").arg("--default-signal=INT").arg(program::path()).args(arguments);
        let mut command = command.env("TERM", "xterm-256color");
        for name in ["NO_COLOR", "CLICOLOR_FORCE", "CI", "RUST_LOG"] {
            command = command.env_remove(name);
        }
        command = command.envs(self.environment.iter().copied());
        if self.is_redirected {
            command = command.stdout(Stdio::null());
        }
        let child = command.spawn(other_end).unwrap();
        let keys = File::from(OwnedFd::from(pty));
        let written = read_all(keys.try_clone().unwrap());
        Terminal {
            child,
            keys,
            written,
            screen: Parser::new(NonZero::new(rows).unwrap(), NonZero::new(columns).unwrap(), 0),
            all: String::new(),
        }
    }
}

/// On a thread of its own, to the end: where the other end of a terminal is closed, that is an error.
fn read_all(mut terminal: File) -> mpsc::Receiver<Vec<u8>> {
    let (sender, written) = mpsc::channel();
    std::thread::spawn(move || {
        let mut buffer = [0; 4096];
        while let Ok(length @ 1..) = terminal.read(&mut buffer) {
            if sender.send(buffer[..length].to_vec()).is_err() {
                return;
            }
        }
    });
    written
}

impl Terminal {
    pub(super) fn start(arguments: &[&str]) -> Self {
        Setup::default().start(arguments)
    }

    pub(super) fn press(&mut self, keys: &str) {
        self.keys.write_all(keys.as_bytes()).unwrap();
    }

    /// What is on the screen: its lines, without the empty ones below.
    pub(super) fn screen(&self) -> String {
        self.screen.screen().contents()
    }

    /// Waits until the screen is like that.
    pub(super) fn until(&mut self, what: &str, is_so: impl Fn(&str) -> bool) {
        let deadline = Instant::now() + PATIENCE;
        while !is_so(&self.screen()) {
            let left = deadline.saturating_duration_since(Instant::now());
            let Ok(bytes) = self.written.recv_timeout(left) else {
                panic!("no {what} on the screen:\n{}\n{:?}", self.screen(), self.all)
            };
            self.take(&bytes);
        }
    }

    /// Waits until this is on the screen.
    pub(super) fn until_shown(&mut self, text: &str) {
        self.until(text, |screen| screen.contains(text));
    }

    /// Waits for the end: its exit code as a shell has it.
    pub(super) fn end(&mut self) -> i32 {
        loop {
            match self.written.recv_timeout(PATIENCE) {
                Ok(bytes) => self.take(&bytes),
                Err(mpsc::RecvTimeoutError::Disconnected) => break,
                Err(mpsc::RecvTimeoutError::Timeout) => panic!("it does not end:\n{}", self.screen()),
            }
        }
        let status = self.child.wait().unwrap();
        status.code().unwrap_or_else(|| 128 + status.signal().expect("a signal ended it"))
    }

    /// The column where the cursor stands: 0 where a shell may write its prompt.
    pub(super) fn column(&self) -> u16 {
        self.screen.screen().cursor_position().1
    }

    fn take(&mut self, bytes: &[u8]) {
        self.screen.process(bytes);
        self.all += &String::from_utf8_lossy(bytes);
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        // It has ended, if the test went well.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

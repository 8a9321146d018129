//! Runs the program and reads what it says, within a time limit.

use std::{
    env,
    ffi::OsString,
    process::{Output, Stdio},
    time::Duration,
};

use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader, Lines},
    process::{Child, ChildStderr, ChildStdin, ChildStdout, Command},
    time::timeout,
};

/// More than a busy machine needs for anything here.
const PATIENCE: Duration = Duration::from_secs(30);

/// The program, running; killed when dropped.
pub(crate) struct Program {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
    /// None if nobody is to hear it.
    errors: Option<BufReader<ChildStderr>>,
    /// What was read of its standard error already.
    said: String,
    /// So many bytes of it are behind what was waited for last.
    heard: usize,
    input: Option<ChildStdin>,
}

/// The program of this build, or the one that is named, such as one with OpenSSL.
pub(crate) fn path() -> OsString {
    env::var_os(NAMED).unwrap_or_else(|| env!("CARGO_BIN_EXE_kafka-app").into())
}

/// Names another program.
pub(crate) const NAMED: &str = "KAFKA_APP_TEST_PROGRAM";

/// With pipes everywhere.
fn spawn(arguments: &[&str]) -> Child {
    let mut command = Command::new(path());
    command.args(arguments).env_remove("RUST_LOG").kill_on_drop(true);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

impl Program {
    pub(crate) fn start(arguments: &[&str]) -> Self {
        let mut child = spawn(arguments);
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let errors = child.stderr.take().map(BufReader::new);
        let input = child.stdin.take();
        Self { child, lines, errors, said: String::new(), heard: 0, input }
    }

    /// Types a line.
    pub(crate) async fn say(&mut self, line: &str) {
        let input = self.input.as_mut().expect("its standard input is open");
        timeout(PATIENCE, input.write_all(format!("{line}\n").as_bytes())).await.expect("it reads in time").unwrap();
    }

    /// Ends its standard input, as the end of a file does.
    pub(crate) fn say_no_more(&mut self) {
        self.input = None;
    }

    /// Closes its standard error, so that what it says is heard by nobody.
    pub(crate) fn close_errors(&mut self) {
        self.errors = None;
    }

    /// The next line of standard output.
    pub(crate) async fn line(&mut self) -> String {
        timeout(PATIENCE, self.lines.next_line()).await.expect("a line in time").unwrap().expect("a line")
    }

    /// Waits until it says something with this text in it on standard error, after what was waited for last.
    pub(crate) async fn hear(&mut self, text: &str) {
        let heard = async {
            let errors = self.errors.as_mut().expect("its standard error is open");
            loop {
                if let Some(begin) = self.said[self.heard..].find(text) {
                    self.heard += begin + text.len();
                    return true;
                }
                let mut line = String::new();
                if errors.read_line(&mut line).await.unwrap() == 0 {
                    return false;
                }
                self.said += &line;
            }
        };
        let is_heard = timeout(PATIENCE, heard).await.unwrap_or(false);
        assert!(is_heard, "it never said {text:?}, but: {}", self.said);
    }

    /// Sends a signal.
    pub(crate) async fn signal(&self, signal: &str) {
        let pid = self.child.id().expect("it runs").to_string();
        assert!(Command::new("kill").args([signal, &pid]).status().await.unwrap().success());
    }

    /// Sends a signal and waits for the end: the exit code, what was printed after the lines already read, and what was
    /// said on standard error.
    pub(crate) async fn end_with(self, signal: &str) -> (Option<i32>, String, String) {
        self.signal(signal).await;
        self.end().await
    }

    /// Waits for its end: the exit code, what was printed after the lines already read, and what was said on standard
    /// error.
    pub(crate) async fn end(self) -> (Option<i32>, String, String) {
        let Self { mut child, mut lines, errors, said, input: _input, .. } = self;
        let mut rest = String::new();
        let ended =
            async { tokio::join!(child.wait(), lines.get_mut().read_to_string(&mut rest), rest_of(errors, said)) };
        let (status, printed, said) = timeout(PATIENCE, ended).await.expect("an end in time");
        printed.unwrap();
        (status.unwrap().code(), rest, said)
    }

    /// As [`Self::end`], with a standard output that stays open and that nobody reads.
    pub(crate) async fn end_held(self) -> (Option<i32>, String) {
        let Self { mut child, lines: _lines, errors, said, input: _input, .. } = self;
        let ended = async { tokio::join!(child.wait(), rest_of(errors, said)) };
        let (status, said) = timeout(PATIENCE, ended).await.expect("an end in time");
        (status.unwrap().code(), said)
    }

    /// Closes its standard output as a reader does that has read enough, and waits for its end: the exit code and what was
    /// said on standard error.
    pub(crate) async fn end_unread(self) -> (Option<i32>, String) {
        let Self { mut child, lines, errors, said, input: _input, .. } = self;
        drop(lines);
        let ended = async { tokio::join!(child.wait(), rest_of(errors, said)) };
        let (status, said) = timeout(PATIENCE, ended).await.expect("an end in time");
        (status.unwrap().code(), said)
    }
}

async fn rest_of(errors: Option<BufReader<ChildStderr>>, mut said: String) -> String {
    if let Some(mut errors) = errors {
        errors.read_to_string(&mut said).await.unwrap();
    }
    said
}

/// Runs the program to its end, with nothing to read: the exit code and what it said on standard output and standard error.
///
/// Its standard input is an empty pipe and not `/dev/null`, which is a file with lines in it where somebody has written to
/// one that is no device (a sandbox had it so).
pub(crate) async fn run(arguments: &[&str]) -> (Option<i32>, String, String) {
    let (code, printed, said) = run_with(arguments, &[]).await;
    (code, String::from_utf8(printed).unwrap(), said)
}

/// Runs the program to its end with these bytes on its standard input; what it printed stays bytes.
pub(crate) async fn run_with(arguments: &[&str], input: &[u8]) -> (Option<i32>, Vec<u8>, String) {
    let mut child = spawn(arguments);
    let mut standard_input = child.stdin.take().expect("it is piped");
    let written = async move {
        // One that ends before it has read all closes it.
        let _closed = standard_input.write_all(input).await;
    };
    let ended = timeout(PATIENCE, async { tokio::join!(written, child.wait_with_output()) });
    let ((), output) = ended.await.expect("an end in time");
    let Output { status, stdout, stderr } = output.unwrap();
    (status.code(), stdout, String::from_utf8(stderr).unwrap())
}

/// Runs the program until it has printed a line, closes its standard output as `head` does, and waits for its end: the
/// line, the exit code and what was said on standard error.
pub(crate) async fn run_for_a_line(arguments: &[&str]) -> (String, Option<i32>, String) {
    let mut program = Program::start(arguments);
    let line = program.line().await;
    let (code, said) = program.end_unread().await;
    (line, code, said)
}

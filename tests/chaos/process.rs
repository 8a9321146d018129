//! [`Process`]: a process of this program's own, started again as often as needed, and its signals.

use std::{
    fs::File,
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use anyhow::{Context, Result, ensure};
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    process::{Child, ChildStdout, Command},
    sync::watch,
};

use crate::lives::Lives;

/// How long a process may take to end after SIGTERM, or to say its first line.
const PATIENCE: Duration = Duration::from_secs(60);

/// How much of a log is shown.
const LAST_LINES: usize = 10;

/// This program again, with other arguments. Killed when it is dropped.
pub(crate) struct Process {
    args: Vec<String>,
    log: PathBuf,
    child: Child,
    /// The first line of its standard output, once there is one.
    said: watch::Receiver<Option<String>>,
    lives: Lives,
}

impl Process {
    /// Starts it; what it writes to standard error is appended to `log`.
    pub(crate) fn start(args: Vec<String>, log: PathBuf) -> Result<Self> {
        let (child, said) = spawn(&args, &log)?;
        Ok(Self { args, log, child, said, lives: Lives::default() })
    }

    /// From the next start on with these arguments.
    pub(crate) fn set_args(&mut self, args: Vec<String>) {
        self.args = args;
    }

    /// The first line of its standard output.
    pub(crate) async fn first_line(&mut self) -> Result<String> {
        let log = self.log.display();
        let said = tokio::time::timeout(PATIENCE, self.said.wait_for(Option::is_some)).await;
        let said = said.with_context(|| format!("{log} said nothing"))?;
        let said = said.with_context(|| format!("it ended before it served: see {log}"))?;
        Ok(said.clone().unwrap_or_default())
    }

    /// Whether it, or one before it in its place, has ever said a line.
    pub(crate) fn has_run(&self) -> bool {
        self.lives.has_run() || self.said.borrow().is_some()
    }

    /// The end of its log.
    pub(crate) fn last_words(&self) -> String {
        let log = std::fs::read(&self.log).unwrap_or_default();
        let log = String::from_utf8_lossy(&log);
        let lines: Vec<_> = log.lines().collect();
        let last = lines[lines.len().saturating_sub(LAST_LINES)..].join("\n");
        format!("the end of {}:\n{last}", self.log.display())
    }

    /// Writes a line to its standard input.
    pub(crate) async fn tell(&mut self, line: &str) -> Result<()> {
        let stdin = self.child.stdin.as_mut().context("its standard input is closed")?;
        Ok(stdin.write_all(format!("{line}\n").as_bytes()).await?)
    }

    /// SIGKILL, and one more in its place.
    pub(crate) async fn kill(&mut self) -> Result<()> {
        self.child.kill().await?;
        self.restart()
    }

    /// SIGTERM, and one more in its place once it has ended.
    pub(crate) async fn terminate(&mut self) -> Result<()> {
        self.end().await?;
        self.restart()
    }

    /// SIGTERM.
    ///
    /// # Errors
    /// It does not end in time; it was killed then.
    pub(crate) async fn end(&mut self) -> Result<()> {
        self.signal("TERM").await?;
        if tokio::time::timeout(PATIENCE, self.child.wait()).await.is_err() {
            self.child.kill().await?;
            anyhow::bail!("it did not end within {PATIENCE:?} of SIGTERM: see {}", self.log.display());
        }
        Ok(())
    }

    /// SIGSTOP.
    pub(crate) async fn freeze(&self) -> Result<()> {
        self.signal("STOP").await
    }

    /// SIGCONT.
    pub(crate) async fn thaw(&self) -> Result<()> {
        self.signal("CONT").await
    }

    /// Whether it ended by itself; then one more is started in its place.
    ///
    /// # Errors
    /// It ends again and again before it runs, so that the next one would as well.
    pub(crate) fn revive(&mut self) -> Result<bool> {
        let Some(status) = self.child.try_wait()? else { return Ok(false) };
        let is_hopeless = self.lives.ended_by_itself(self.said.borrow().is_some());
        ensure!(
            !is_hopeless,
            "it ended by itself {} times in a row before it ran, at last with {status}; {}",
            Lives::MOST_IN_VAIN,
            self.last_words()
        );
        self.restart()?;
        Ok(true)
    }

    fn restart(&mut self) -> Result<()> {
        if self.said.borrow().is_some() {
            self.lives.ran();
        }
        (self.child, self.said) = spawn(&self.args, &self.log)?;
        Ok(())
    }

    /// The standard library sends SIGKILL only, and its other signals are the shell's.
    async fn signal(&self, name: &str) -> Result<()> {
        let Some(id) = self.child.id() else { return Ok(()) };
        let status = Command::new("kill").args([format!("-{name}"), id.to_string()]).status().await?;
        ensure!(status.success() || self.child.id().is_none(), "process {id} took no SIG{name}");
        Ok(())
    }
}

fn spawn(args: &[String], log: &Path) -> Result<(Child, watch::Receiver<Option<String>>)> {
    let log = File::options().create(true).append(true).open(log).with_context(|| log.display().to_string())?;
    let mut child = Command::new(std::env::current_exe()?)
        .args(args)
        // Of an error that ends it the reason is wanted at the end of its log; panics keep their traces.
        .env("RUST_LIB_BACKTRACE", "0")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(log)
        .kill_on_drop(true)
        .spawn()?;
    let (say, said) = watch::channel(None);
    let stdout = child.stdout.take().context("its standard output is ours")?;
    tokio::spawn(async move {
        // One that ends without a word drops the sender, which is what who waits for it is told.
        if let Some(line) = first_line_of(stdout).await {
            say.send_replace(Some(line));
        }
    });
    Ok((child, said))
}

async fn first_line_of(stdout: ChildStdout) -> Option<String> {
    BufReader::new(stdout).lines().next_line().await.ok().flatten()
}

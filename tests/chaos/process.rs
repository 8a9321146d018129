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
    process::{Child, Command},
};

/// How long a process may take to end after SIGTERM, or to say its first line.
const PATIENCE: Duration = Duration::from_secs(60);

/// This program again, with other arguments. Killed when it is dropped.
pub(crate) struct Process {
    args: Vec<String>,
    log: PathBuf,
    child: Child,
}

impl Process {
    /// Starts it; what it writes to standard error is appended to `log`.
    pub(crate) fn start(args: Vec<String>, log: PathBuf) -> Result<Self> {
        let child = spawn(&args, &log)?;
        Ok(Self { args, log, child })
    }

    /// From the next start on with these arguments.
    pub(crate) fn set_args(&mut self, args: Vec<String>) {
        self.args = args;
    }

    /// The first line of its standard output.
    pub(crate) async fn first_line(&mut self) -> Result<String> {
        let stdout = self.child.stdout.take().context("the first line was read already")?;
        let mut line = String::new();
        let read = tokio::time::timeout(PATIENCE, BufReader::new(stdout).read_line(&mut line)).await;
        let n_bytes = read.with_context(|| format!("{} said nothing", self.log.display()))??;
        ensure!(n_bytes > 0, "it ended before it served: see {}", self.log.display());
        Ok(line.trim().to_owned())
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
    pub(crate) fn revive(&mut self) -> Result<bool> {
        let has_ended = self.child.try_wait()?.is_some();
        if has_ended {
            self.restart()?;
        }
        Ok(has_ended)
    }

    fn restart(&mut self) -> Result<()> {
        self.child = spawn(&self.args, &self.log)?;
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

fn spawn(args: &[String], log: &Path) -> Result<Child> {
    let log = File::options().create(true).append(true).open(log).with_context(|| log.display().to_string())?;
    Ok(Command::new(std::env::current_exe()?)
        .args(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(log)
        .kill_on_drop(true)
        .spawn()?)
}

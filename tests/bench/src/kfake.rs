//! kfake, the Kafka for tests of franz-go, where there is a Go to build it with.

use std::{
    io::{ErrorKind, Write},
    path::PathBuf,
    process::{Command, Stdio},
    time::Duration,
};

use anyhow::{Context, Result, bail};

use crate::wire;

const SOURCE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/kfake");

/// Builds it beside this program; says so if that cannot be.
pub(crate) fn build() -> Result<Option<PathBuf>> {
    let program = std::env::current_exe()?.with_file_name("kfake");
    let built = Command::new("go").current_dir(SOURCE).args(["build", "-o"]).arg(&program).arg(".").status();
    match built {
        Ok(status) if status.success() => return Ok(Some(program)),
        Ok(status) => eprintln!("without kfake: `go build` in {SOURCE} has ended with {status}"),
        Err(error) if error.kind() == ErrorKind::NotFound => eprintln!("without kfake: there is no Go"),
        Err(error) => eprintln!("without kfake: `go` cannot be run: {error}"),
    }
    Ok(None)
}

/// From nothing to the answer to the first request, in a process that runs already.
pub(crate) fn first_answer(program: &PathBuf, topic: &str, produce: &[u8]) -> Result<Duration> {
    let mut child = Command::new(program)
        .args(["first-ack", topic])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .context("starting kfake")?;
    child.stdin.take().context("kfake has no standard input")?.write_all(produce)?;
    let output = child.wait_with_output()?;
    if !output.status.success() {
        bail!("kfake has ended with {}", output.status);
    }
    let line = String::from_utf8(output.stdout)?;
    let (nanos, answer) = line.trim().split_once(' ').with_context(|| format!("kfake said `{line}`"))?;
    wire::check_produced(topic, &from_hex(answer)?)?;
    Ok(Duration::from_nanos(nanos.parse()?))
}

fn from_hex(text: &str) -> Result<Vec<u8>> {
    let digits = |at: usize| text.get(at..at + 2).context("half a byte");
    (0..text.len()).step_by(2).map(|at| Ok(u8::from_str_radix(digits(at)?, 16)?)).collect()
}

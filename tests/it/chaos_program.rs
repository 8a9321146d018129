//! What the chaos program says when it cannot say what it is for.

use std::{path::Path, process::Stdio};

use anyhow::{Context, Result};
use kafka_app_tests::PATIENCE;
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::Command,
    time::timeout,
};

#[tokio::test]
async fn a_pipeline_that_cannot_start_is_not_one_that_loses_records() -> Result<()> {
    let mut chaos = Command::new(env!("CARGO_BIN_EXE_chaos"));
    chaos.args(["--dir", env!("CARGO_TARGET_TMPDIR"), "--set", "kafka.listener.ack-mode=x"]);
    // It keeps its promise by losing everything. There would be trouble for longer than anybody waits.
    chaos.args(["--delivery", "at-most-once", "--seconds", "3600", "--pause-ms", "100", "--seed", "5", "--rate", "10"]);
    let output = timeout(PATIENCE, chaos.kill_on_drop(true).output()).await??;
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(3), "{said}");
    for expected in ["the pipeline does not run", "5 times in a row", "kafka.listener.ack-mode", "THE RUN FAILED"] {
        assert!(said.contains(expected), "{expected}: {said}");
    }
    Ok(())
}

#[tokio::test]
#[cfg(target_os = "linux")]
async fn one_that_is_told_to_end_leaves_no_process_behind() -> Result<()> {
    let mut chaos = Command::new(env!("CARGO_BIN_EXE_chaos"));
    chaos.args(["--dir", env!("CARGO_TARGET_TMPDIR"), "--seconds", "3600", "--pause-ms", "100", "--rate", "10"]);
    let mut chaos = chaos.stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true).spawn()?;
    let id = chaos.id().context("it runs")?;
    let mut lines = BufReader::new(chaos.stdout.take().context("it is ours")?).lines();
    // The second line is the first trouble: all that it starts runs by then.
    for _ in 0..2 {
        timeout(PATIENCE, lines.next_line()).await??.context("it goes on")?;
    }
    let threads = std::fs::read_dir(format!("/proc/{id}/task"))?.flatten();
    let children: Vec<_> =
        threads.filter_map(|thread| std::fs::read_to_string(thread.path().join("children")).ok()).collect();
    let children: Vec<_> = children.iter().flat_map(|ids| ids.split_whitespace()).collect();
    assert!(children.len() >= 4, "a broker and three processes: {children:?}");

    assert!(Command::new("kill").arg(id.to_string()).status().await?.success());
    tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
    let output = timeout(PATIENCE, chaos.wait_with_output()).await??;
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(3), "{said}");
    assert!(said.contains("it was told to end"), "{said}");
    for child in children {
        let status = std::fs::read_to_string(Path::new("/proc").join(child).join("status")).unwrap_or_default();
        let state = status.lines().find(|line| line.starts_with("State:"));
        assert!(state.is_none_or(|state| state.contains('Z') || state.contains('X')), "process {child}: {state:?}");
    }
    Ok(())
}

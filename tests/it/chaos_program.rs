//! What the chaos program says when it cannot say what it is for.

use anyhow::Result;
use kafka_app_tests::PATIENCE;
use tokio::process::Command;

#[tokio::test]
async fn a_pipeline_that_cannot_start_is_not_one_that_loses_records() -> Result<()> {
    let mut chaos = Command::new(env!("CARGO_BIN_EXE_chaos"));
    chaos.args(["--dir", env!("CARGO_TARGET_TMPDIR"), "--set", "kafka.listener.ack-mode=x"]);
    // It keeps its promise by losing everything. There would be trouble for longer than anybody waits.
    chaos.args(["--delivery", "at-most-once", "--seconds", "3600", "--pause-ms", "100", "--seed", "5", "--rate", "10"]);
    let output = tokio::time::timeout(PATIENCE, chaos.kill_on_drop(true).output()).await??;
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(3), "{said}");
    for expected in ["the pipeline does not run", "5 times in a row", "kafka.listener.ack-mode", "THE RUN FAILED"] {
        assert!(said.contains(expected), "{expected}: {said}");
    }
    Ok(())
}

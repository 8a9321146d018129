//! The program with RustStream's clients, which is outside the workspace: measured where somebody has built it.

use std::path::PathBuf;

use anyhow::{Result, ensure};

/// Where cargo puts it when it is built in its own folder, as this program is built.
const BUILT: &str = if cfg!(debug_assertions) {
    concat!(env!("CARGO_MANIFEST_DIR"), "/../bench-ruststream/target/debug/kafka-app-bench-ruststream")
} else {
    concat!(env!("CARGO_MANIFEST_DIR"), "/../bench-ruststream/target/release/kafka-app-bench-ruststream")
};

/// The program that was named, which there has to be, or the one that was built, if there is one.
pub(crate) fn find(named: Option<PathBuf>) -> Result<Option<PathBuf>> {
    if let Some(named) = named {
        ensure!(named.is_file(), "--ruststream {}: there is no such file", named.display());
        return Ok(Some(named));
    }
    let built = PathBuf::from(BUILT);
    Ok(built.is_file().then_some(built))
}

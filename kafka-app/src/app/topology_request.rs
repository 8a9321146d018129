//! What an application writes instead of starting, when `kafka-app topology` asks it to.

use std::{env, fs, path::Path};

use crate::{
    error::{Error, ErrorKind, Result},
    topology::Topology,
};

/// The variable that asks: the file to write it to, as a chart for Mermaid if its name ends in `.mmd`.
const VARIABLE: &str = "KAFKA_APP_TOPOLOGY";

/// Writes the topology and is true, if that is what is asked for.
///
/// # Errors
/// The topology has mistakes, or cannot be written there.
pub(super) fn answer(topology: impl FnOnce() -> Result<Topology>) -> Result<bool> {
    let Some(file) = env::var_os(VARIABLE) else { return Ok(false) };
    write(&topology()?, Path::new(&file))?;
    Ok(true)
}

/// What an application that would go on otherwise ends with.
pub(super) fn not_started() -> Error {
    Error::new(ErrorKind::Stopped, format!("{VARIABLE} asks for the topology, so nothing was started"))
}

fn write(topology: &Topology, file: &Path) -> Result<()> {
    let is_chart = file.extension().is_some_and(|extension| extension == "mmd");
    let text = if is_chart { topology.to_mermaid() } else { topology.to_string() };
    fs::write(file, text).map_err(|error| {
        Error::new(ErrorKind::Config, format!("{VARIABLE}: {} cannot be written", file.display())).with_source(error)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_topology_is_written_as_the_name_of_the_file_says() {
        let folder = tempfile::tempdir().unwrap();
        let (text, chart) = (folder.path().join("topology"), folder.path().join("topology.mmd"));
        write(&Topology::of([]), &text).unwrap();
        write(&Topology::of([]), &chart).unwrap();
        assert_eq!(fs::read_to_string(text).unwrap(), "");
        assert!(fs::read_to_string(chart).unwrap().starts_with("flowchart"));
        let refused = write(&Topology::of([]), folder.path()).unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::Config);
    }
}

//! Where a tool connects to, and how: `--bootstrap-server` and `--command-config`.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use clap::Args;

use crate::{
    failure::Failure,
    java_properties,
    wire::{ClientSettings, Cluster},
};

/// The options that say which cluster a tool talks to.
#[derive(Debug, Args)]
pub(crate) struct Connection {
    /// The brokers to connect to first
    #[arg(long, value_name = "HOST:PORT,...")]
    bootstrap_server: String,

    /// Read the properties of the client from a file, as Java clients have them
    #[arg(long, value_name = "FILE")]
    command_config: Option<PathBuf>,
}

impl Connection {
    /// For a tool that can do without brokers, or reaches them in another way too.
    pub(crate) fn to(bootstrap_server: String, command_config: Option<PathBuf>) -> Self {
        Self { bootstrap_server, command_config }
    }

    /// The properties of the client by their Java names, with `bootstrap.servers`.
    ///
    /// # Errors
    /// The file cannot be read, or Java would not understand it.
    pub(crate) fn properties(&self) -> Result<BTreeMap<String, String>, Failure> {
        let mut properties = match &self.command_config {
            Some(path) => read_properties(path)?,
            None => BTreeMap::new(),
        };
        properties.insert("bootstrap.servers".to_owned(), self.bootstrap_server.clone());
        Ok(properties)
    }

    /// Connects to the cluster; `call` is what the tool asks first, by the name of Java's call.
    ///
    /// # Errors
    /// The properties are wrong, or no broker can be reached in time.
    pub(crate) async fn cluster(&self, call: &str) -> Result<Cluster, Failure> {
        let settings = ClientSettings::of(&self.properties()?)?;
        Ok(Cluster::connect(settings, call).await?)
    }
}

/// Properties of a client in a file as Java reads it.
///
/// # Errors
/// The file cannot be read, or Java would not understand it.
pub(crate) fn read_properties(path: &Path) -> Result<BTreeMap<String, String>, Failure> {
    let bytes =
        fs::read(path).map_err(|error| Failure::Failed(format!("{} cannot be read: {error}", path.display())))?;
    let parsed =
        java_properties::parse(&bytes).map_err(|error| Failure::Failed(format!("{}, {error}", path.display())))?;
    Ok(parsed.into_iter().collect())
}

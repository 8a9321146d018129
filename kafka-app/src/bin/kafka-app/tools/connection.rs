//! Where a tool connects to, and how: `--bootstrap-server`, `--bootstrap-controller` and `--command-config`.

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

/// The options of a tool that can talk to controllers, too.
#[derive(Debug, Args)]
#[group(id = "servers", required = true, args = ["bootstrap_server", "bootstrap_controller"])]
pub(crate) struct AnyConnection {
    #[command(flatten)]
    connection: OptionalConnection,
}

impl AnyConnection {
    /// Connects to the cluster; `call` is what the tool asks first, by the name of Java's call.
    ///
    /// # Errors
    /// The properties are wrong, or no node can be reached in time.
    pub(crate) async fn cluster(&self, call: &str) -> Result<Cluster, Failure> {
        Ok(Cluster::connect(self.settings()?, call).await?)
    }

    /// What a client has to know to reach the cluster.
    ///
    /// # Errors
    /// The file cannot be read, or a property is wrong.
    pub(crate) fn settings(&self) -> Result<ClientSettings, Failure> {
        self.connection.settings()
    }

    /// The file with the properties of the client.
    pub(crate) fn command_config(&self) -> Option<&Path> {
        self.connection.command_config.as_deref()
    }
}

/// The same options, of a tool that has words of its own for servers that are missing.
#[derive(Debug, Args)]
pub(crate) struct OptionalConnection {
    /// The brokers to connect to first
    #[arg(long, value_name = "HOST:PORT,...")]
    pub(crate) bootstrap_server: Option<String>,

    /// The controllers to connect to first, instead of brokers
    #[arg(long, value_name = "HOST:PORT,...")]
    pub(crate) bootstrap_controller: Option<String>,

    /// Read the properties of the client from a file, as Java clients have them
    #[arg(long, value_name = "FILE")]
    command_config: Option<PathBuf>,
}

impl OptionalConnection {
    /// What a client has to know to reach the cluster, once one of the servers is known to be given.
    ///
    /// # Errors
    /// The file cannot be read, or a property is wrong.
    pub(crate) fn settings(&self) -> Result<ClientSettings, Failure> {
        Servers::of(self.bootstrap_server.as_deref(), self.bootstrap_controller.as_deref())
            .settings(self.command_config.as_deref())
    }
}

/// The servers to connect to first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Servers<'s> {
    Brokers(&'s str),
    Controllers(&'s str),
}

impl<'s> Servers<'s> {
    /// As the options name them, of which one is given.
    pub(crate) fn of(brokers: Option<&'s str>, controllers: Option<&'s str>) -> Self {
        match controllers {
            Some(servers) => Self::Controllers(servers),
            None => Self::Brokers(brokers.unwrap_or_default()),
        }
    }

    /// What a client has to know to reach them, and what the file says.
    ///
    /// # Errors
    /// The file cannot be read, or a property is wrong.
    pub(crate) fn settings(self, command_config: Option<&Path>) -> Result<ClientSettings, Failure> {
        Ok(ClientSettings::of(&self.properties(command_config)?)?)
    }

    fn properties(self, command_config: Option<&Path>) -> Result<BTreeMap<String, String>, Failure> {
        let mut properties = command_config.map(read_properties).transpose()?.unwrap_or_default();
        let (key, other, servers) = match self {
            Self::Brokers(servers) => ("bootstrap.servers", "bootstrap.controllers", servers),
            Self::Controllers(servers) => ("bootstrap.controllers", "bootstrap.servers", servers),
        };
        properties.remove(other);
        properties.insert(key.to_owned(), servers.to_owned());
        Ok(properties)
    }
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
        Servers::Brokers(&self.bootstrap_server).properties(self.command_config.as_deref())
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

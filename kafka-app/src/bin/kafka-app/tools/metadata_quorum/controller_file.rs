//! [`Controller`]: what the properties of a controller say of it.

use std::{collections::BTreeMap, fmt, fs, path::Path};

use crate::{java_properties, tools::kafka_uuid, wire::ControllerEndpoint};

/// A controller that is to vote.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Controller {
    pub(super) id: i32,
    pub(super) directory: [u8; 16],
    pub(super) endpoints: Vec<ControllerEndpoint>,
}

/// As it is told who was added.
impl fmt::Display for Controller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let endpoint = |ControllerEndpoint { listener, host, port }: &ControllerEndpoint| match host.contains(':') {
            true => format!("{listener}://[{host}]:{port}"),
            false => format!("{listener}://{host}:{port}"),
        };
        let endpoints: Vec<String> = self.endpoints.iter().map(endpoint).collect();
        let directory = kafka_uuid::format(self.directory);
        write!(f, "controller {} with directory id {directory} and endpoints: {}", self.id, endpoints.join(", "))
    }
}

type Properties = BTreeMap<String, String>;

impl Controller {
    /// Reads the properties, and the id of the directory that they name.
    ///
    /// # Errors
    /// In Kafka's words, if these are no controller's, or its directory is not formatted.
    pub(super) fn of(properties: &Properties) -> Result<Self, String> {
        Ok(Self {
            id: id(properties)?,
            directory: directory_id(Path::new(directory(properties)?))?,
            endpoints: endpoints(properties)?,
        })
    }
}

fn id(properties: &Properties) -> Result<i32, String> {
    let unlikely =
        |words: &str| format!("{words} in configuration file. Is this a valid controller configuration file?");
    let id = properties.get("node.id").ok_or_else(|| unlikely("node.id not found"))?;
    let id: i32 = id.parse().map_err(|_| format!("For input string: \"{id}\""))?;
    if id < 0 {
        return Err(unlikely("node.id was negative"));
    }
    if !properties.get("process.roles").is_some_and(|roles| roles.contains("controller")) {
        return Err(unlikely("process.roles did not contain 'controller'"));
    }
    Ok(id)
}

fn directory(properties: &Properties) -> Result<&str, String> {
    if let Some(directory) = properties.get("metadata.log.dir") {
        return Ok(directory);
    }
    let first = properties.get("log.dirs").and_then(|all| all.trim().split(',').next());
    first.ok_or_else(|| {
        "Neither metadata.log.dir nor log.dirs were found. Is this a valid controller configuration file?".to_owned()
    })
}

fn directory_id(directory: &Path) -> Result<[u8; 16], String> {
    let bytes = fs::read(directory.join("meta.properties"))
        .map_err(|_| format!("Unable to read meta.properties from {}", directory.display()))?;
    let properties: Properties = java_properties::parse(&bytes)
        .map_err(|problem| format!("Unable to read meta.properties from {}: {problem}", directory.display()))?
        .into_iter()
        .collect();
    let id =
        properties.get("directory.id").ok_or_else(|| format!("No directory id found in {}", directory.display()))?;
    kafka_uuid::parse(id)
}

/// Where the listeners for controllers are reached: as advertised, where that is said.
fn endpoints(properties: &Properties) -> Result<Vec<ControllerEndpoint>, String> {
    let mut known = BTreeMap::new();
    for key in ["listeners", "advertised.listeners"] {
        let list = properties.get(key).map(String::as_str).unwrap_or_default();
        for one in list.split(',').map(str::trim).filter(|one| !one.is_empty()) {
            let endpoint = endpoint(one).ok_or_else(|| format!("Unable to parse {one} to a broker endpoint"))?;
            known.insert(endpoint.listener.clone(), endpoint);
        }
    }
    let names = properties.get("controller.listener.names").ok_or_else(|| {
        "controller.listener.names was not found. Is this a valid controller configuration file?".to_owned()
    })?;
    let mut endpoints: Vec<ControllerEndpoint> = Vec::new();
    for name in names.split(',') {
        let name = name.to_uppercase();
        let endpoint = known
            .get(&name)
            .ok_or_else(|| format!("Cannot find information about controller listener name: {name}"))?;
        if !endpoints.contains(endpoint) {
            endpoints.push(endpoint.clone());
        }
    }
    Ok(endpoints)
}

/// `NAME://HOST:PORT`, in which the host may be left out.
fn endpoint(text: &str) -> Option<ControllerEndpoint> {
    let (listener, address) = text.split_once("://")?;
    let (host, port) = address.rsplit_once(':')?;
    let host = match host.trim_matches(['[', ']']) {
        "" => "localhost",
        host => host,
    };
    Some(ControllerEndpoint { listener: listener.to_uppercase(), host: host.to_owned(), port: port.parse().ok()? })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn properties(text: &str) -> Properties {
        java_properties::parse(text.as_bytes()).unwrap().into_iter().collect()
    }

    #[test]
    fn a_controller_is_told_with_its_directory_and_its_endpoints() {
        let listeners = "controller.listener.names=controller,OTHER\n\
                         listeners=PLAINTEXT://:9092,CONTROLLER://:9093,other://[::1]:9094\n\
                         advertised.listeners=PLAINTEXT://a:9092\n";
        let endpoints = endpoints(&properties(listeners)).unwrap();
        let controller = Controller { id: 3, directory: [0; 16], endpoints };
        assert_eq!(
            controller.to_string(),
            "controller 3 with directory id AAAAAAAAAAAAAAAAAAAAAA and endpoints: CONTROLLER://localhost:9093, \
             OTHER://[::1]:9094"
        );
    }

    #[test]
    fn what_is_no_controllers_file_is_refused_in_kafkas_words() {
        let of = |text: &str| Controller::of(&properties(text)).unwrap_err();
        let asks = "Is this a valid controller configuration file?";
        assert_eq!(of(""), format!("node.id not found in configuration file. {asks}"));
        assert_eq!(of("node.id=-1"), format!("node.id was negative in configuration file. {asks}"));
        assert_eq!(
            of("node.id=1\nprocess.roles=broker"),
            format!("process.roles did not contain 'controller' in configuration file. {asks}")
        );
        let controller = "node.id=1\nprocess.roles=broker,controller\n";
        assert_eq!(of(controller), format!("Neither metadata.log.dir nor log.dirs were found. {asks}"));
        assert_eq!(
            of(&format!("{controller}log.dirs=/no/such,/other")),
            "Unable to read meta.properties from /no/such"
        );
        assert_eq!(
            endpoints(&properties("controller.listener.names=C\nlisteners=A://a:1")).unwrap_err(),
            "Cannot find information about controller listener name: C"
        );
    }
}

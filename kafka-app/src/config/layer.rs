//! [`Layer`]: one source of configuration as a table; the `config` crate lays them over one another.

use std::fmt;

use config::{ConfigError, Map, Source, Value, ValueKind};

/// One source as a table whose keys are already spelt our way, and whose values know where they were said.
#[derive(Clone, Default)]
pub(crate) struct Layer(Map<String, Value>);

impl Layer {
    pub(crate) fn new(table: Map<String, Value>) -> Self {
        Self(table)
    }

    /// Sets the value at a path of keys, making tables on the way.
    pub(crate) fn set(&mut self, path: &[String], value: Value) {
        let Some((last, parents)) = path.split_last() else { return };
        let mut table = &mut self.0;
        for parent in parents {
            let child = table.entry(parent.clone()).or_default();
            if !matches!(child.kind, ValueKind::Table(_)) {
                *child = Value::new(None, Map::<String, Value>::new());
            }
            let ValueKind::Table(next) = &mut child.kind else { return };
            table = next;
        }
        table.insert(last.clone(), value);
    }
}

impl fmt::Debug for Layer {
    /// Only the names at the top: the values may be secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

impl Source for Layer {
    fn clone_into_box(&self) -> Box<dyn Source + Send + Sync> {
        Box::new(self.clone())
    }

    fn collect(&self) -> Result<Map<String, Value>, ConfigError> {
        Ok(self.0.clone())
    }
}

/// How a key is spelt in the merged tree, given the keys above it: with dashes, as Spring's canonical form; names of
/// properties stay as they are, and listener ids and names of clusters are compared without regard to case and dashes.
pub(crate) fn spelling(parents: &[String], key: &str) -> String {
    let parents = parents.iter().map(String::as_str).collect::<Vec<_>>();
    match parents.as_slice() {
        ["kafka", "listeners" | "clusters"] => listener_key(key),
        _ if is_properties(&parents) => key.to_owned(),
        _ => key.replace('_', "-"),
    }
}

/// The form in which listener ids and names of clusters are compared: the environment knows neither lower case nor dashes.
pub(crate) fn listener_key(id: &str) -> String {
    id.to_ascii_lowercase().replace('-', "_")
}

/// Whether a path is one of the pass-through tables `kafka.properties`, `kafka.consumer.properties`, ….
pub(crate) fn is_properties(path: &[&str]) -> bool {
    match path {
        ["kafka", "properties"] | ["kafka", "listeners" | "clusters", _, "properties"] => true,
        ["kafka", "clusters", _, _, "properties"] => true,
        ["kafka", kind, "properties"] => !matches!(*kind, "listeners" | "clusters"),
        _ => false,
    }
}

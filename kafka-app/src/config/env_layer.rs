//! Environment variables as a [`Layer`]: `KAFKA_APP__KAFKA__CONSUMER__GROUP_ID` is `kafka.consumer.group-id`.

use std::{collections::BTreeMap, fs};

use config::Value;

use crate::config::{
    layer::{Layer, is_properties, spelling},
    librdkafka_keys::Key,
    mistake::Mistakes,
};

const PREFIX: &str = "KAFKA_APP__";
const FILE_SUFFIX: &str = "_FILE";

/// Reads the variables with our prefix. `…_FILE` names a file that holds the value, as secrets are mounted; the file's
/// last line break is not part of it.
pub(crate) fn env_layer(variables: &BTreeMap<String, String>, mistakes: &Mistakes) -> Layer {
    let mut layer = Layer::default();
    for (name, value) in variables {
        if let Some(rest) = name.strip_prefix("KAFKA_APP_KAFKA_") {
            mistakes.add(name, "", format!("needs two underscores between keys: KAFKA_APP__KAFKA__{rest}"));
        }
        let Some(rest) = name.strip_prefix(PREFIX) else { continue };
        if let Err(text) = read_variable(&mut layer, variables, name, rest, value) {
            mistakes.add(name, "", text);
        }
    }
    layer
}

fn read_variable(
    layer: &mut Layer,
    variables: &BTreeMap<String, String>,
    name: &str,
    rest: &str,
    value: &str,
) -> Result<(), String> {
    let path = path_of(rest)?;
    let Some(bare) = names_a_file(&path, rest) else {
        layer.set(&path, Value::new(Some(&name.to_owned()), value));
        return Ok(());
    };
    let path = path_of(bare)?;
    if variables.contains_key(&format!("{PREFIX}{bare}")) {
        return Err(format!("{PREFIX}{bare} is set too; keep one of them"));
    }
    let text = fs::read_to_string(value).map_err(|error| format!("cannot read the file it names: {error}"))?;
    let text = text.strip_suffix('\n').map_or(text.as_str(), |line| line.strip_suffix('\r').unwrap_or(line));
    layer.set(&path, Value::new(Some(&name.to_owned()), text));
    Ok(())
}

/// The variable's tail without `_FILE`, unless it is the name of a property that ends so.
fn names_a_file<'r>(path: &[String], rest: &'r str) -> Option<&'r str> {
    let bare = rest.strip_suffix(FILE_SUFFIX)?;
    let is_property = path.last().is_some_and(|name| Key::find(name).is_some());
    (!is_property && !bare.is_empty()).then_some(bare)
}

fn path_of(rest: &str) -> Result<Vec<String>, String> {
    if rest.contains('.') {
        return Err(format!("a name has no dots: {PREFIX}{}", rest.replace('.', "_").to_ascii_uppercase()));
    }
    let mut path: Vec<String> = Vec::new();
    let mut segments = rest.split("__");
    while let Some(segment) = segments.next() {
        if segment.is_empty() {
            return Err("has a key without a name between its underscores".to_owned());
        }
        if is_properties(&path.iter().map(String::as_str).collect::<Vec<_>>()) {
            let tail = std::iter::once(segment).chain(segments).collect::<Vec<_>>().join("_");
            path.push(Key::from_env_tail(&tail));
            break;
        }
        path.push(spelling(&path, &segment.to_ascii_lowercase()));
    }
    Ok(path)
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use config::Config;

    use super::*;

    fn read(variables: &[(&str, &str)]) -> (Config, Vec<String>) {
        let mistakes = Mistakes::default();
        let variables = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let layer = env_layer(&variables, &mistakes);
        let config = Config::builder().add_source(layer).build().expect("a layer is a table");
        (config, mistakes.into_vec().iter().map(ToString::to_string).collect())
    }

    #[test]
    fn a_variable_reaches_its_kebab_key_as_text() {
        let (config, mistakes) = read(&[("KAFKA_APP__KAFKA__CLIENT_ID", "00123"), ("PATH", "/bin")]);
        assert_eq!(config.get_string("kafka.client-id").expect("set"), "00123");
        assert_eq!(mistakes, [""; 0]);
    }

    #[test]
    fn a_variable_reaches_a_dotted_property() {
        let (config, _) = read(&[
            ("KAFKA_APP__KAFKA__PRODUCER__PROPERTIES__LINGER_MS", "7"),
            ("KAFKA_APP__KAFKA__LISTENERS__ON_ORDER__PROPERTIES__LOG_LEVEL", "3"),
        ]);
        assert_eq!(config.get_table("kafka.producer.properties").expect("set")["linger.ms"].to_string(), "7");
        assert_eq!(config.get_table("kafka.listeners.on_order.properties").expect("set")["log_level"].to_string(), "3");
    }

    #[test]
    fn a_secret_is_read_from_the_file_that_is_named() {
        let mut file = tempfile::NamedTempFile::new().expect("a file");
        writeln!(file, "hunter2").expect("written");
        let path = file.path().to_str().expect("utf-8").to_owned();
        let (config, mistakes) = read(&[("KAFKA_APP__KAFKA__PROPERTIES__SASL_PASSWORD_FILE", path.as_str())]);
        assert_eq!(mistakes, [""; 0]);
        assert_eq!(config.get_table("kafka.properties").expect("set")["sasl.password"].to_string(), "hunter2");
    }

    #[test]
    fn a_property_whose_name_ends_in_file_is_itself() {
        let (config, mistakes) = read(&[("KAFKA_APP__KAFKA__PROPERTIES__SASL_OAUTHBEARER_ASSERTION_FILE", "/no/such")]);
        assert_eq!(mistakes, [""; 0]);
        let table = config.get_table("kafka.properties").expect("set");
        assert_eq!(table["sasl.oauthbearer.assertion.file"].to_string(), "/no/such");
    }

    #[test]
    fn a_missing_secret_file_and_a_value_said_twice_are_mistakes() {
        let (_, mistakes) = read(&[
            ("KAFKA_APP__KAFKA__CLIENT_ID", "a"),
            ("KAFKA_APP__KAFKA__CLIENT_ID_FILE", "/no/such"),
            ("KAFKA_APP__KAFKA__PROPERTIES__SASL_PASSWORD_FILE", "/no/such"),
        ]);
        assert_eq!(mistakes.len(), 2, "{mistakes:?}");
        assert_eq!(
            mistakes[0],
            "KAFKA_APP__KAFKA__CLIENT_ID_FILE: KAFKA_APP__KAFKA__CLIENT_ID is set too; keep one of them"
        );
        assert!(mistakes[1].contains("SASL_PASSWORD_FILE: cannot read the file it names"), "{mistakes:?}");
    }

    #[test]
    fn dots_and_single_underscores_in_names_are_answered() {
        let (_, mistakes) = read(&[
            ("KAFKA_APP__KAFKA__PROPERTIES__LINGER.MS", "5"),
            ("KAFKA_APP_KAFKA_CLIENT_ID", "x"),
            ("KAFKA_APP__KAFKA____CLIENT_ID", "x"),
            ("KAFKA_APP_PROFILE", "test"),
        ]);
        assert_eq!(
            mistakes,
            [
                "KAFKA_APP_KAFKA_CLIENT_ID: needs two underscores between keys: KAFKA_APP__KAFKA__CLIENT_ID",
                "KAFKA_APP__KAFKA__PROPERTIES__LINGER.MS: a name has no dots: KAFKA_APP__KAFKA__PROPERTIES__LINGER_MS",
                "KAFKA_APP__KAFKA____CLIENT_ID: has a key without a name between its underscores",
            ]
        );
    }
}

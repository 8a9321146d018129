//! A TOML file as a [`Layer`], each value with its file and line.

use config::{Map, Value};
use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

use crate::config::{
    layer::{Layer, is_properties, spelling},
    mistake::Mistakes,
};

/// Reads the text of the file `name`. Every mistake of syntax is noted; what could be read is still read, so that the
/// mistakes behind them are found too.
pub(crate) fn toml_layer(name: &str, text: &str, mistakes: &Mistakes) -> Layer {
    let file = File { name, text };
    let (table, errors) = DeTable::parse_recoverable(text);
    for error in &errors {
        // Only the message: the error's own text repeats the line, which may hold a secret.
        let place = file.origin(error.span().map_or(0, |span| span.start));
        mistakes.add(place, "", format!("not TOML: {}{}", error.message(), advice(error.message())));
    }
    Layer::new(file.table(&mut Vec::new(), table.get_ref()))
}

fn advice(message: &str) -> &'static str {
    if message.contains("duplicate") || message.contains("extend") || message.contains("dotted") {
        "; if one property's name begins with another's, quote both: \"group.protocol\" = \"consumer\""
    } else {
        ""
    }
}

struct File<'f> {
    name: &'f str,
    text: &'f str,
}

impl File<'_> {
    fn origin(&self, position: usize) -> String {
        let before = self.text.as_bytes().get(..position).unwrap_or(self.text.as_bytes());
        let n_lines = before.iter().filter(|byte| **byte == b'\n').count();
        format!("{}:{}", self.name, n_lines + 1)
    }

    fn table(&self, path: &mut Vec<String>, table: &DeTable<'_>) -> Map<String, Value> {
        let mut read = Map::new();
        for (key, value) in table {
            let key = spelling(path, key.get_ref());
            path.push(key.clone());
            let value = match value.get_ref() {
                DeValue::Table(properties) if is_properties(&path.iter().map(String::as_str).collect::<Vec<_>>()) => {
                    let mut flat = Map::new();
                    self.flatten("", properties, &mut flat);
                    Value::new(Some(&self.origin(value.span().start)), flat)
                }
                _ => self.value(path, value),
            };
            path.pop();
            read.insert(key, value);
        }
        read
    }

    /// Properties with dots: `linger.ms = 5` without quotes means a table in TOML, and a dotted name to us.
    fn flatten(&self, prefix: &str, table: &DeTable<'_>, flat: &mut Map<String, Value>) {
        for (key, value) in table {
            let name = format!("{prefix}{}", key.get_ref());
            match value.get_ref() {
                DeValue::Table(deeper) => self.flatten(&format!("{name}."), deeper, flat),
                _ => {
                    flat.insert(name, self.value(&mut Vec::new(), value));
                }
            }
        }
    }

    fn value(&self, path: &mut Vec<String>, value: &Spanned<DeValue<'_>>) -> Value {
        let origin = self.origin(value.span().start);
        match value.get_ref() {
            DeValue::Table(table) => Value::new(Some(&origin), self.table(path, table)),
            DeValue::Array(items) => {
                Value::new(Some(&origin), items.iter().map(|item| self.value(path, item)).collect::<Vec<_>>())
            }
            DeValue::String(text) => Value::new(Some(&origin), text.as_ref()),
            DeValue::Boolean(flag) => Value::new(Some(&origin), *flag),
            // Text that is no number (it overflows) fails where the value is read, with the range that is allowed there.
            DeValue::Integer(number) => match i64::from_str_radix(number.as_str(), number.radix()) {
                Ok(number) => Value::new(Some(&origin), number),
                Err(_) => Value::new(Some(&origin), number.as_str()),
            },
            DeValue::Float(number) => Value::new(Some(&origin), number.as_str()),
            DeValue::Datetime(datetime) => Value::new(Some(&origin), datetime.to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use config::{Config, Source as _};

    use super::*;

    fn read(text: &str) -> (Config, Vec<String>) {
        let mistakes = Mistakes::default();
        let layer = toml_layer("kafka-app.toml", text, &mistakes);
        let config = Config::builder().add_source(layer).build().expect("a layer is a table");
        (config, mistakes.into_vec().iter().map(ToString::to_string).collect())
    }

    #[test]
    fn values_know_their_line() {
        let mistakes = Mistakes::default();
        let layer = toml_layer("a.toml", "\n[kafka]\nclient_id = \"x\"\n", &mistakes);
        let table = layer.collect().expect("a table")["kafka"].clone().into_table().expect("a table");
        assert_eq!(table["client-id"].origin(), Some("a.toml:3"));
    }

    #[test]
    fn dotted_properties_are_the_same_quoted_or_not() {
        let text = "[kafka.producer.properties]\n\"batch.size\" = 1\nlinger.ms = 5\nsocket.keepalive.enable = true";
        let (config, mistakes) = read(text);
        assert_eq!(mistakes, [""; 0]);
        let table = config.get_table("kafka.producer.properties").expect("a table");
        let mut names = table.keys().collect::<Vec<_>>();
        names.sort();
        assert_eq!(names, ["batch.size", "linger.ms", "socket.keepalive.enable"]);
    }

    #[test]
    fn a_syntax_error_names_its_line_and_never_its_text() {
        let (_, mistakes) = read("[kafka.properties]\n\"sasl.password\" = hunter2\n");
        assert_eq!(mistakes.len(), 1, "{mistakes:?}");
        assert!(mistakes[0].starts_with("kafka-app.toml:2: not TOML: "), "{mistakes:?}");
        assert!(!mistakes[0].contains("hunter2"), "{mistakes:?}");
    }

    #[test]
    fn a_name_that_begins_another_must_be_quoted() {
        let (_, mistakes) = read("[kafka.properties]\ngroup.protocol = \"consumer\"\ngroup.protocol.type = \"x\"\n");
        assert_eq!(mistakes.len(), 1, "{mistakes:?}");
        assert!(mistakes[0].contains("quote both"), "{mistakes:?}");
    }
}

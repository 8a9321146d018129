//! A TOML file as a [`Layer`], each value with its file and line.

use config::{Map, Value};
use toml::{
    Spanned,
    de::{DeString, DeTable, DeValue},
};

use crate::config::{
    layer::{Layer, is_properties, spelling},
    mistake::Mistakes,
};

/// Reads the text of the file `name`. Every mistake of syntax is noted; what could be read is still read, so that the
/// mistakes behind them are found too.
pub(crate) fn toml_layer(name: &str, text: &str, mistakes: &Mistakes) -> Layer {
    let file = File { name, text, mistakes };
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
    mistakes: &'f Mistakes,
}

/// The keys of a table as the file has them, by what we make of them.
type Spelt<'t> = Map<String, &'t Spanned<DeString<'t>>>;

impl File<'_> {
    fn origin(&self, position: usize) -> String {
        let before = self.text.as_bytes().get(..position).unwrap_or(self.text.as_bytes());
        let n_lines = before.iter().filter(|byte| **byte == b'\n').count();
        format!("{}:{}", self.name, n_lines + 1)
    }

    fn table(&self, path: &mut Vec<String>, table: &DeTable<'_>) -> Map<String, Value> {
        let (mut read, mut spelt) = (Map::new(), Spelt::new());
        for (said, value) in table {
            let key = spelling(path, said.get_ref());
            self.note(path, &mut spelt, &key, said);
            path.push(key.clone());
            let value = match value.get_ref() {
                DeValue::Table(properties) if is_properties(&path.iter().map(String::as_str).collect::<Vec<_>>()) => {
                    let mut flat = Map::new();
                    self.flatten(path, "", properties, &mut flat, &mut Spelt::new());
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
    fn flatten<'t>(
        &self,
        path: &[String],
        prefix: &str,
        table: &'t DeTable<'_>,
        flat: &mut Map<String, Value>,
        spelt: &mut Spelt<'t>,
    ) {
        for (key, value) in table {
            let name = format!("{prefix}{}", key.get_ref());
            match value.get_ref() {
                DeValue::Table(deeper) => self.flatten(path, &format!("{name}."), deeper, flat, spelt),
                _ => {
                    self.note(path, spelt, &name, key);
                    flat.insert(name, self.value(&mut Vec::new(), value));
                }
            }
        }
    }

    /// Takes note of a key. One that is there in another spelling is a mistake: only one of the two would count.
    fn note<'t>(&self, path: &[String], spelt: &mut Spelt<'t>, key: &str, said: &'t Spanned<DeString<'t>>) {
        let Some(other) = spelt.insert(key.to_owned(), said) else { return };
        let (first, second) = if other.span().start < said.span().start { (other, said) } else { (said, other) };
        // Of a property with dots the last part alone says nothing.
        let is_property = is_properties(&path.iter().map(String::as_str).collect::<Vec<_>>());
        let name = |said: &'t Spanned<DeString<'t>>| if is_property { key } else { said.get_ref() };
        let second_key = path.iter().map(String::as_str).chain([name(second)]).collect::<Vec<_>>().join(".");
        let (before, first) = (self.origin(first.span().start), name(first));
        let text = format!("is said at {before} already, as `{first}`: that is the same name; say it once");
        self.mistakes.add(self.origin(second.span().start), second_key, text);
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
    fn two_spellings_of_one_name_are_a_mistake_that_has_both() {
        for (text, second, line, first) in [
            (
                "[kafka.listeners.on-order]\nworkers = 2\n[kafka.listeners.on_order]\nack = \"record\"",
                "kafka.listeners.on_order",
                1,
                "on-order",
            ),
            (
                "[kafka.listeners.On_Order]\nworkers = 2\n[kafka.listeners.on_order.retry]\nattempts = 1",
                "kafka.listeners.on_order",
                1,
                "On_Order",
            ),
            (
                "[kafka.clusters.eu_west]\nclient-id = \"a\"\n[kafka.clusters.eu-west]\nclient-id = \"b\"",
                "kafka.clusters.eu-west",
                1,
                "eu_west",
            ),
            ("[kafka]\nclient-id = \"a\"\nclient_id = \"b\"", "kafka.client_id", 2, "client-id"),
            ("[kafka.properties]\n\"linger.ms\" = 1\nlinger.ms = 2", "kafka.properties.linger.ms", 2, "linger.ms"),
        ] {
            let (_, mistakes) = read(text);
            let expected = format!(
                "kafka-app.toml:3: {second}: is said at kafka-app.toml:{line} already, as `{first}`: that is the same name; \
                 say it once"
            );
            assert_eq!(mistakes, [expected], "{text}");
        }
    }

    #[test]
    fn names_that_differ_in_more_than_spelling_are_two() {
        let text = "[kafka.listeners.on-order]\nworkers = 2\n[kafka.listeners.on-orders]\nworkers = 2\n[kafka.consumer]\n\
                    group-id = \"a\"\n[kafka.clusters.on-order]\nclient-id = \"b\"";
        assert_eq!(read(text).1, [""; 0]);
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

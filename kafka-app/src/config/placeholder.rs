//! `${key:default}` and `${env:VAR:default}`: placeholders in the values of the configuration and in attributes.

use std::{collections::BTreeMap, fmt};

use config::{Map, Value, ValueKind};

use crate::config::section::scalar;

/// What placeholders may name: every value of the merged configuration, and the environment.
#[derive(Clone, Default)]
pub(crate) struct Lookup {
    values: BTreeMap<String, String>,
    environment: BTreeMap<String, String>,
}

impl Lookup {
    pub(crate) fn new(tree: &Map<String, Value>, environment: BTreeMap<String, String>) -> Self {
        let mut values = BTreeMap::new();
        flatten("", tree, &mut values);
        Self { values, environment }
    }

    /// The text with every placeholder replaced; `\${` stands for `${` itself. The error never shows a value.
    pub(crate) fn resolve(&self, text: &str) -> Result<String, String> {
        self.expand(text, &mut Vec::new())
    }

    fn expand(&self, text: &str, inside: &mut Vec<String>) -> Result<String, String> {
        let mut out = String::with_capacity(text.len());
        let mut rest = text;
        while let Some(start) = rest.find("${") {
            if let Some(before) = rest[..start].strip_suffix('\\') {
                out.push_str(before);
                out.push_str("${");
                rest = &rest[start + 2..];
                continue;
            }
            out.push_str(&rest[..start]);
            let body = &rest[start + 2..];
            let end = closing_brace(body).ok_or("a placeholder `${` has no `}`")?;
            out.push_str(&self.value_of(&body[..end], inside)?);
            rest = &body[end + 1..];
        }
        out.push_str(rest);
        Ok(out)
    }

    /// `key`, `key:default`, `env:VAR` or `env:VAR:default`; keys and defaults may hold placeholders themselves.
    fn value_of(&self, body: &str, inside: &mut Vec<String>) -> Result<String, String> {
        let (is_variable, body) = match body.strip_prefix("env:") {
            Some(body) => (true, body),
            None => (false, body),
        };
        let (key, default) = split_default(body);
        let key = self.expand(key.trim(), inside)?;
        let shown = if is_variable { format!("env:{key}") } else { key.clone() };
        if inside.contains(&shown) {
            return Err(format!("placeholders go in a circle: {} → {shown}", inside.join(" → ")));
        }
        let found = if is_variable { self.environment.get(&key) } else { self.value(&key) };
        match (found, default) {
            // What the environment holds is taken as it is: it is not ours to interpret.
            (Some(value), _) if is_variable => Ok(value.clone()),
            (Some(value), _) => {
                inside.push(shown);
                let value = self.expand(value, inside);
                inside.pop();
                value
            }
            (None, Some(default)) => self.expand(default, inside),
            (None, None) => Err(format!("nothing is set for the placeholder `${{{shown}}}`, and it has no default")),
        }
    }

    fn value(&self, key: &str) -> Option<&String> {
        self.values.get(key).or_else(|| self.values.get(&key.replace('_', "-")))
    }
}

impl fmt::Debug for Lookup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lookup").field("n_values", &self.values.len()).finish_non_exhaustive()
    }
}

/// Where the brace closes that was opened just before `body`.
fn closing_brace(body: &str) -> Option<usize> {
    let mut depth = 1_u32;
    let mut chars = body.char_indices().peekable();
    while let Some((idx, char)) = chars.next() {
        match char {
            '$' if chars.peek().is_some_and(|(_, next)| *next == '{') => {
                chars.next();
                depth += 1;
            }
            '}' => {
                depth -= 1;
                if depth == 0 {
                    return Some(idx);
                }
            }
            _ => {}
        }
    }
    None
}

/// Splits at the first colon that is not inside a nested placeholder.
fn split_default(body: &str) -> (&str, Option<&str>) {
    let mut depth = 0_u32;
    for (idx, char) in body.char_indices() {
        match char {
            '{' => depth += 1,
            '}' => depth = depth.saturating_sub(1),
            ':' if depth == 0 => return (&body[..idx], Some(&body[idx + 1..])),
            _ => {}
        }
    }
    (body, None)
}

fn flatten(prefix: &str, table: &Map<String, Value>, values: &mut BTreeMap<String, String>) {
    for (key, value) in table {
        let path = format!("{prefix}{key}");
        match &value.kind {
            ValueKind::Table(deeper) => flatten(&format!("{path}."), deeper, values),
            ValueKind::Array(items) => {
                values.insert(path, items.iter().filter_map(scalar).collect::<Vec<_>>().join(","));
            }
            _ => values.extend(scalar(value).map(|text| (path, text))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lookup(values: &[(&str, &str)]) -> Lookup {
        let owned = |(key, value): &(&str, &str)| ((*key).to_owned(), (*value).to_owned());
        Lookup {
            values: values.iter().map(owned).collect(),
            environment: [("TOPIC".to_owned(), "from-env ${x}".to_owned())].into(),
        }
    }

    #[test]
    fn a_placeholder_is_replaced_by_the_value_of_its_key() {
        let lookup = lookup(&[("orders.topic", "orders"), ("shop-name", "x")]);
        assert_eq!(lookup.resolve("${orders.topic}-v2").as_deref(), Ok("orders-v2"));
        assert_eq!(lookup.resolve("${shop_name}").as_deref(), Ok("x"));
        assert_eq!(lookup.resolve("no placeholder").as_deref(), Ok("no placeholder"));
    }

    #[test]
    fn a_default_is_used_where_nothing_is_set() {
        let lookup = lookup(&[("a", "1"), ("b", "${a}")]);
        assert_eq!(lookup.resolve("${none:x:y}").as_deref(), Ok("x:y"));
        assert_eq!(lookup.resolve("${none:}").as_deref(), Ok(""));
        assert_eq!(lookup.resolve("${none:${also-none:${b}}}!").as_deref(), Ok("1!"));
        assert_eq!(lookup.resolve("${b:unused}").as_deref(), Ok("1"));
    }

    #[test]
    fn a_key_may_hold_a_placeholder() {
        let lookup = lookup(&[("stage", "prod"), ("topic.prod", "orders")]);
        assert_eq!(lookup.resolve("${topic.${stage}}").as_deref(), Ok("orders"));
    }

    #[test]
    fn the_environment_is_taken_as_it_is() {
        let lookup = lookup(&[]);
        assert_eq!(lookup.resolve("${env:TOPIC}").as_deref(), Ok("from-env ${x}"));
        assert_eq!(lookup.resolve("${env:NONE:d}").as_deref(), Ok("d"));
        assert_eq!(
            lookup.resolve("${env:NONE}"),
            Err("nothing is set for the placeholder `${env:NONE}`, and it has no default".into())
        );
    }

    #[test]
    fn a_circle_is_a_mistake() {
        let lookup = lookup(&[("a", "${b}"), ("b", "${c:x}"), ("c", "${a}")]);
        assert_eq!(lookup.resolve("${a}"), Err("placeholders go in a circle: a → b → c → a".into()));
    }

    #[test]
    fn missing_keys_and_open_braces_are_mistakes() {
        let lookup = lookup(&[]);
        assert!(lookup.resolve("${none}").is_err());
        assert!(lookup.resolve("${none").is_err());
        assert!(lookup.resolve("${a:${b}").is_err());
    }

    #[test]
    fn an_escaped_placeholder_is_kept() {
        assert_eq!(lookup(&[]).resolve(r"a\${b}").as_deref(), Ok("a${b}"));
    }
}

//! [`Section`]: a table of the merged configuration, read key by key, every mistake noted.

use std::cell::RefCell;

use config::{Map, Value, ValueKind};

use crate::config::{
    Properties,
    from_text::FromText,
    mistake::{Mistakes, did_you_mean},
};

/// A table being read. What is asked for becomes the list of right names; what remains is an unknown key.
pub(crate) struct Section<'t> {
    path: String,
    table: Option<&'t Map<String, Value>>,
    asked: RefCell<Vec<&'static str>>,
    mistakes: &'t Mistakes,
}

impl<'t> Section<'t> {
    /// The table at `path`; a value that is no table is a mistake and counts as an empty one.
    pub(crate) fn new(path: impl Into<String>, value: Option<&'t Value>, mistakes: &'t Mistakes) -> Self {
        let path = path.into();
        let table = value.and_then(|value| match &value.kind {
            ValueKind::Table(table) => Some(table),
            ValueKind::Nil => None,
            _ => {
                mistakes.add(origin(value), &path, "expected a table");
                None
            }
        });
        Self { path, table, asked: RefCell::default(), mistakes }
    }

    /// The value of a key, if it was said and can be read.
    pub(crate) fn get<T: FromText>(&self, key: &'static str) -> Option<T> {
        let value = self.value(key)?;
        let Some(text) = scalar(value) else {
            self.mistakes.add(origin(value), self.path_of(key), "expected a single value, not a list or a table");
            return None;
        };
        T::from_text(&text).map_err(|expected| self.mistakes.add(origin(value), self.path_of(key), expected)).ok()
    }

    /// The value of a key that may be a list or text with commas.
    pub(crate) fn list(&self, key: &'static str) -> Option<Vec<String>> {
        let value = self.value(key)?;
        let list = match &value.kind {
            ValueKind::Array(items) => items.iter().map(scalar).collect::<Option<Vec<_>>>(),
            _ => scalar(value).map(|text| split_list(&text)),
        };
        if list.is_none() {
            self.mistakes.add(origin(value), self.path_of(key), "expected a list of names");
        }
        list
    }

    /// The table under a key.
    pub(crate) fn child(&self, key: &'static str) -> Self {
        Self::new(self.path_of(key), self.value(key), self.mistakes)
    }

    /// The tables under a key by names that are the user's.
    pub(crate) fn children(&self, key: &'static str) -> Vec<(&'t str, Self)> {
        let parent = self.child(key);
        let entries = parent.table.into_iter().flatten();
        entries
            .map(|(name, value)| {
                (name.as_str(), Section::new(format!("{}.{name}", parent.path), Some(value), self.mistakes))
            })
            .collect()
    }

    /// The pass-through table `properties`.
    pub(crate) fn properties(&self) -> Properties {
        let table = self.child("properties");
        let entries = table.table.into_iter().flatten().filter(|(_, value)| value.kind != ValueKind::Nil);
        entries
            .filter_map(|(name, value)| {
                let text = property_text(value);
                if text.is_none() {
                    self.mistakes.add(origin(value), format!("{}.{name}", table.path), "expected text or a number");
                }
                Some((name.clone(), text?))
            })
            .collect()
    }

    /// Notes what is wrong with a key that was said, beyond its form.
    pub(crate) fn mistake(&self, key: &'static str, text: impl Into<String>) {
        let said = self.value(key).map(origin).unwrap_or_default();
        self.mistakes.add(said, self.path_of(key), text);
    }

    /// Ends the reading: whatever was never asked for is a mistake. `answers` are keys that are Spring's, or likely
    /// guesses, and have no use here, each with what to use instead.
    pub(crate) fn finish(&self, answers: &[(&str, &str)]) {
        let asked = self.asked.borrow();
        for (key, value) in self.table.into_iter().flatten() {
            if asked.contains(&key.as_str()) {
                continue;
            }
            let text = match answers.iter().find(|(name, _)| name == key) {
                Some((_, answer)) => (*answer).to_owned(),
                None => format!("unknown key{}", did_you_mean(key, asked.iter().copied())),
            };
            self.mistakes.add(first_origin(value), self.path_of(key), text);
        }
    }

    fn value(&self, key: &'static str) -> Option<&'t Value> {
        let mut asked = self.asked.borrow_mut();
        if !asked.contains(&key) {
            asked.push(key);
        }
        self.table?.get(key).filter(|value| value.kind != ValueKind::Nil)
    }

    fn path_of(&self, key: &str) -> String {
        format!("{}.{key}", self.path)
    }
}

/// Names separated by commas; empty ones are dropped.
pub(crate) fn split_list(text: &str) -> Vec<String> {
    text.split(',').map(str::trim).filter(|name| !name.is_empty()).map(str::to_owned).collect()
}

/// Where a value was said.
pub(crate) fn origin(value: &Value) -> &str {
    value.origin().unwrap_or_default()
}

/// Where a value or the first value inside a table was said: merged tables have no origin of their own.
pub(crate) fn first_origin(value: &Value) -> &str {
    match (&value.kind, value.origin()) {
        (ValueKind::Table(table), None) => {
            table.values().map(first_origin).filter(|origin| !origin.is_empty()).min().unwrap_or_default()
        }
        (_, origin) => origin.unwrap_or_default(),
    }
}

/// The text of a value that is neither a table nor a list.
pub(crate) fn scalar(value: &Value) -> Option<String> {
    match &value.kind {
        ValueKind::String(text) => Some(text.clone()),
        ValueKind::Boolean(flag) => Some(flag.to_string()),
        ValueKind::I64(number) => Some(number.to_string()),
        ValueKind::I128(number) => Some(number.to_string()),
        ValueKind::U64(number) => Some(number.to_string()),
        ValueKind::U128(number) => Some(number.to_string()),
        ValueKind::Float(number) => Some(number.to_string()),
        ValueKind::Nil | ValueKind::Table(_) | ValueKind::Array(_) => None,
    }
}

/// The text of a librdkafka property; a list becomes text with commas.
fn property_text(value: &Value) -> Option<String> {
    match &value.kind {
        ValueKind::Array(items) => Some(items.iter().map(scalar).collect::<Option<Vec<_>>>()?.join(",")),
        _ => scalar(value),
    }
}

//! [`Store`]: subjects, versions and ids.

use std::collections::{BTreeMap, BTreeSet};

use axum::http::StatusCode;
use serde_json::{Value, json};

/// What a registry keeps.
#[derive(Debug, Default)]
pub(crate) struct Store {
    /// By id from 1: the same schema has one id in all subjects.
    schemas: Vec<Value>,
    /// Ids by version, from 1.
    subjects: BTreeMap<String, Vec<u32>>,
    frozen: BTreeSet<String>,
}

type Answer = Result<Value, (StatusCode, u32, &'static str)>;

impl Store {
    pub(crate) fn register(&mut self, subject: &str, schema: &Value) -> u32 {
        let known = self.schemas.iter().position(|known| known == schema);
        let index = known.unwrap_or_else(|| {
            self.schemas.push(schema.clone());
            self.schemas.len() - 1
        });
        let id = u32::try_from(index).unwrap_or_default() + 1;
        let versions = self.subjects.entry(subject.to_owned()).or_default();
        if !versions.contains(&id) {
            versions.push(id);
        }
        id
    }

    pub(crate) fn freeze(&mut self, subject: &str) {
        self.frozen.insert(subject.to_owned());
    }

    pub(crate) fn versions(&self, subject: &str) -> Vec<Value> {
        let ids = self.subjects.get(subject).into_iter().flatten();
        ids.filter_map(|id| self.schema(*id).cloned()).collect()
    }

    fn schema(&self, id: u32) -> Option<&Value> {
        self.schemas.get(usize::try_from(id).ok()?.checked_sub(1)?)
    }

    pub(crate) fn by_id(&self, id: &str) -> Answer {
        let found = id.parse().ok().and_then(|id| self.schema(id));
        found.cloned().ok_or((StatusCode::NOT_FOUND, 40403, "Schema not found"))
    }

    pub(crate) fn version(&self, subject: &str, version: &str) -> Answer {
        let versions = self.subjects.get(subject).ok_or((StatusCode::NOT_FOUND, 40401, "Subject not found"))?;
        let index = match version {
            "latest" => versions.len().checked_sub(1),
            version => version.parse::<usize>().ok().and_then(|version| version.checked_sub(1)),
        };
        let missing = (StatusCode::NOT_FOUND, 40402, "Version not found");
        let (index, id) = index.and_then(|index| Some((index, versions.get(index)?))).ok_or(missing)?;
        let mut answer = self.schema(*id).cloned().ok_or(missing)?;
        answer["id"] = json!(id);
        answer["subject"] = json!(subject);
        answer["version"] = json!(index + 1);
        Ok(answer)
    }

    pub(crate) fn post(&mut self, subject: &str, schema: &Value) -> Answer {
        if self.frozen.contains(subject) && self.lookup(subject, schema).is_err() {
            let message = "Schema being registered is incompatible with an earlier schema for subject";
            return Err((StatusCode::CONFLICT, 409, message));
        }
        if schema["schema"].as_str().is_none_or(str::is_empty) {
            return Err((StatusCode::UNPROCESSABLE_ENTITY, 42201, "Invalid schema"));
        }
        Ok(json!({ "id": self.register(subject, schema) }))
    }

    pub(crate) fn lookup(&self, subject: &str, schema: &Value) -> Answer {
        let versions = self.subjects.get(subject).ok_or((StatusCode::NOT_FOUND, 40401, "Subject not found"))?;
        let found = versions.iter().find(|id| self.schema(**id) == Some(schema));
        let id = found.ok_or((StatusCode::NOT_FOUND, 40403, "Schema not found"))?;
        Ok(json!({ "id": id, "subject": subject, "schema": schema["schema"] }))
    }
}

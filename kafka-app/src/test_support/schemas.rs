//! [`FakeSchemas`]: a schema registry that answers as it was told.

use std::{collections::HashMap, sync::Arc};

use parking_lot::Mutex;

use crate::{
    error::{Error, ErrorKind},
    schema::{Asking, Known, Schema, SchemaFormat, SchemaPort, WriterSchema, Writing},
};

/// A registry that is down for so many questions, and then has the Avro record `shop.Sale` under id 7 and nothing under
/// others. Sends get id 258, unless it refuses them.
#[derive(Default)]
pub(crate) struct FakeSchemas {
    n_down: Mutex<u32>,
    refuses: bool,
    known: Mutex<HashMap<u32, Known>>,
    written: Mutex<bool>,
    questions: Mutex<Vec<String>>,
}

impl FakeSchemas {
    pub(crate) fn new() -> Arc<Self> {
        Arc::default()
    }

    pub(crate) fn down_for(n_down: u32) -> Arc<Self> {
        Arc::new(Self { n_down: Mutex::new(n_down), ..Self::default() })
    }

    pub(crate) fn that_refuses() -> Arc<Self> {
        Arc::new(Self { refuses: true, ..Self::default() })
    }

    /// What it was asked, in order.
    pub(crate) fn questions(&self) -> Vec<String> {
        self.questions.lock().clone()
    }

    fn asked(&self, question: String) -> Result<(), Error> {
        self.questions.lock().push(question);
        let mut n_down = self.n_down.lock();
        if *n_down > 0 {
            *n_down -= 1;
            return Err(Error::new(ErrorKind::Unavailable, "the registry is down"));
        }
        Ok(())
    }
}

impl SchemaPort for FakeSchemas {
    fn writer(&self, id: u32) -> Known {
        self.known.lock().get(&id).cloned().unwrap_or(Known::NotYet)
    }

    fn load(&self, id: u32) -> Asking<'_, ()> {
        Box::pin(async move {
            self.asked(format!("load {id}"))?;
            let text = r#"{"type":"record","name":"Sale","namespace":"shop","fields":[]}"#;
            let known = match id {
                7 => Known::Schema(Arc::new(WriterSchema::new(7, SchemaFormat::Avro, text.to_owned(), Vec::new()))),
                _ => Known::Nothing("there is no such schema".into()),
            };
            self.known.lock().insert(id, known);
            Ok(())
        })
    }

    fn writing(&self, _: &str, _: bool, _: &'static Schema) -> Option<Writing> {
        self.written.lock().then_some(Writing { id: 258, latest: None })
    }

    fn learn<'a>(&'a self, topic: &'a str, is_key: bool, schema: &'static Schema) -> Asking<'a, Writing> {
        Box::pin(async move {
            self.asked(format!("learn {topic} {is_key} {}", schema.name()))?;
            if self.refuses {
                return Err(Error::new(ErrorKind::Refused, "incompatible with an earlier schema"));
            }
            *self.written.lock() = true;
            Ok(Writing { id: 258, latest: None })
        })
    }
}

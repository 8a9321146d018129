//! [`State`]: what the application shares with its listeners.

use std::{any::type_name, ops::Deref, sync::Arc};

use super::{FromBatch, FromRecord, payload::rejected};
use crate::handler::{BatchContext, Declaration, HandlerEnv, RecordContext, Rejection};

/// Application state, as given to `KafkaApp::state`; a start fails where it is missing.
///
/// ```
/// use kafka_app::{State, Text};
///
/// struct Prefix(String);
///
/// async fn print(State(prefix): State<Prefix>, Text(line): Text) {
///     println!("{}{line}", prefix.0);
/// }
/// ```
#[derive(Debug)]
pub struct State<T>(pub Arc<T>);

impl<T> Clone for State<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T> Deref for State<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl<'r, T: Send + Sync + 'static> FromRecord<'r> for State<T> {
    fn from_record(cx: &RecordContext<'r>) -> Result<Self, Rejection> {
        state(cx.env)
    }

    fn declare(declaration: &mut Declaration) {
        declaration.needs_state::<T>();
    }
}

impl<'r, T: Send + Sync + 'static> FromBatch<'r> for State<T> {
    fn from_batch(cx: &BatchContext<'r>, _: &mut Vec<(usize, Rejection)>) -> Result<Self, Rejection> {
        match cx.records.first() {
            Some(record) => state(record.env),
            None => Err(rejected::<Self, _>("the batch has no records")),
        }
    }

    fn declare(declaration: &mut Declaration) {
        declaration.needs_state::<T>();
    }
}

fn state<T: Send + Sync + 'static>(env: &HandlerEnv) -> Result<State<T>, Rejection> {
    env.states.get().map(State).ok_or_else(|| {
        let name = type_name::<T>();
        rejected::<State<T>, _>(format!("the application has no state of type `{name}`: give it to `KafkaApp::state`"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_support::TestRecord;

    #[test]
    fn state_is_found_by_its_type() {
        let record = TestRecord::new("p").state(7_u64);
        assert_eq!(*record.extract::<State<u64>>().unwrap(), 7);
    }

    #[test]
    fn missing_state_is_declared_and_rejected() {
        let error = TestRecord::new("p").extract::<State<u64>>().unwrap_err().to_string();
        assert!(error.contains("no state of type `u64`: give it to `KafkaApp::state`"), "{error}");
        let mut declaration = Declaration::default();
        <State<u64> as FromRecord<'_>>::declare(&mut declaration);
        assert_eq!(declaration.states, [(std::any::TypeId::of::<u64>(), "u64")]);
    }
}

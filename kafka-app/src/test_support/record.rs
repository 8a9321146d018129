//! [`TestRecord`]: a record of the topic `orders`, partition 3, to extract arguments from.

use std::sync::Arc;

use bytes::Bytes;

use crate::{
    extract::FromRecord,
    handler::{HandlerEnv, RecordContext, Rejection, States},
    listener::KeyStates,
    record::{OwnedRecord, RawRecord, Timestamp},
    schema::Wanted,
};

/// A record of the topic `orders`, partition 3, with what surrounds it.
pub(crate) struct TestRecord {
    record: RawRecord,
    owned: OwnedRecord,
    topic: Arc<str>,
    env: HandlerEnv,
    key_states: KeyStates,
    wanted: Wanted,
}

impl TestRecord {
    pub(crate) fn new(payload: impl Into<Vec<u8>>) -> Self {
        Self::of(OwnedRecord { payload: Some(payload.into()), ..Self::base() })
    }

    pub(crate) fn tombstone() -> Self {
        Self::of(Self::base())
    }

    fn base() -> OwnedRecord {
        OwnedRecord { timestamp: Timestamp::CreateTime(1_000), ..OwnedRecord::default() }
    }

    fn of(owned: OwnedRecord) -> Self {
        let env = HandlerEnv {
            listener_id: "bill".to_owned(),
            states: States::default(),
            producer: None,
            template: None,
            schemas: None,
        };
        Self {
            record: owned.clone().into(),
            owned,
            topic: "orders".into(),
            env,
            wanted: Wanted::default(),
            key_states: KeyStates::default(),
        }
    }

    fn change(self, change: impl FnOnce(&mut OwnedRecord)) -> Self {
        let mut owned = self.owned;
        change(&mut owned);
        Self { record: owned.clone().into(), owned, ..self }
    }

    pub(crate) fn key(self, key: impl Into<Vec<u8>>) -> Self {
        self.change(|record| record.key = Some(key.into()))
    }

    pub(crate) fn header(self, name: &str, value: impl AsRef<[u8]>) -> Self {
        self.change(|record| record.headers.push(name, Some(Bytes::copy_from_slice(value.as_ref()))))
    }

    pub(crate) fn offset(self, offset: i64) -> Self {
        self.change(|record| record.offset = offset)
    }

    pub(crate) fn state<T: Send + Sync + 'static>(mut self, state: T) -> Self {
        self.env.states.insert(Arc::new(state));
        self
    }

    pub(crate) fn record(&self) -> &RawRecord {
        &self.record
    }

    pub(crate) fn context(&self) -> RecordContext<'_> {
        let Self { record, topic, env, wanted, key_states, .. } = self;
        RecordContext { record, topic, partition: 3, attempt: 1, env, ack: None, wanted, key_states }
    }

    /// A call of it has succeeded.
    pub(crate) fn ended_well(&self) {
        self.key_states.decide(self.record.key().unwrap_or_default(), true);
    }

    pub(crate) fn extract<'r, T: FromRecord<'r>>(&'r self) -> Result<T, Rejection> {
        T::from_record(&self.context())
    }
}

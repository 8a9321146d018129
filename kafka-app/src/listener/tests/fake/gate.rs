//! A runner whose handlers wait at a gate until a test lets them end.

use std::{collections::VecDeque, future::Future, pin::Pin, sync::Arc, time::Duration};

use parking_lot::Mutex;
use tokio::sync::Semaphore;

use crate::{
    error::Error,
    extract::{KeyScope, KeyedState},
    handler::States,
    listener::{
        Ack, Left, Origin,
        dispatch::{Chunk, ChunkRunner, Delivered, Progress},
        transaction::Ledger,
    },
};

/// What the handler does with a record's `Ack`, where it gets one.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Acks {
    Acknowledge,
    Nack(Duration),
    Drop,
    /// Kept until the test uses it.
    Keep,
}

/// Handles a record for each permit; `*` starts, `.` ends.
pub(super) struct Gate {
    pub(super) permits: Semaphore,
    pub(super) log: Arc<Mutex<Vec<String>>>,
    /// Whether it counts the records of each key, and keeps that for it.
    pub(super) counts: Mutex<bool>,
    pub(super) acks: Mutex<VecDeque<Acks>>,
    /// Results of acknowledgments awaited by handlers.
    pub(super) confirmed: Mutex<Vec<bool>>,
    pub(super) fails_at: Mutex<Option<i64>>,
    /// Fails in a way that spoils the transaction, once.
    pub(super) taints_at: Mutex<Option<i64>>,
    /// Its handler takes until a permit of `slow` is there.
    pub(super) slow_at: Mutex<Option<i64>>,
    pub(super) slow: Semaphore,
    pub(super) kept: Mutex<Vec<Ack>>,
    /// Exactly once: what the handlers see of failures in earlier transactions.
    pub(super) ledger: Mutex<Arc<Ledger>>,
}

impl Gate {
    /// Closed until permits are added.
    pub(super) fn closed() -> Self {
        Self {
            permits: Semaphore::new(0),
            log: Arc::default(),
            counts: Mutex::default(),
            acks: Mutex::default(),
            confirmed: Mutex::default(),
            fails_at: Mutex::default(),
            taints_at: Mutex::default(),
            slow_at: Mutex::default(),
            slow: Semaphore::new(0),
            kept: Mutex::default(),
            ledger: Mutex::default(),
        }
    }
}

/// How many records of a key were handled; `+0/1@3` when it leaves: three, of key 1 of partition 0.
#[derive(Debug, Default)]
struct Count(u32);

impl KeyedState for Count {
    async fn flush(self, scope: KeyScope<'_>) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
        let log = scope.state::<Mutex<Vec<String>>>().ok_or("given")?;
        let key = String::from_utf8_lossy(scope.key());
        log.lock().push(format!("+{}/{key}@{}", scope.partition(), self.0));
        Ok(())
    }
}

impl Gate {
    fn count(&self, chunk: &Chunk<'_>, record: &Delivered) {
        if !*self.counts.lock() {
            return;
        }
        let origin = || {
            let mut states = States::default();
            states.insert(Arc::clone(&self.log));
            Origin {
                listener_id: "bill".to_owned(),
                topic: Arc::clone(chunk.topic),
                partition: chunk.partition,
                states,
            }
        };
        let key = record.record.key().unwrap_or_default();
        let count = chunk.key_states.take::<Count>(key, record.record.offset(), origin);
        let mut count = count.expect("nobody else has it").unwrap_or_default();
        count.0 += 1;
        chunk.key_states.put_back(key, Left::Kept(count));
    }
}

impl ChunkRunner for Gate {
    fn run<'a>(
        &'a self,
        chunk: Chunk<'a>,
        progress: &'a dyn Progress,
    ) -> Pin<Box<dyn Future<Output = Result<(), Error>> + Send + 'a>> {
        Box::pin(async move {
            if let Some(transaction) = chunk.transaction {
                *self.ledger.lock() = transaction.shared_ledger();
            }
            for record in chunk.records {
                if progress.is_revoked() {
                    break;
                }
                let place = format!("{}@{}", chunk.partition, record.record.offset());
                self.log.lock().push(format!("*{place}"));
                let permit = self.permits.acquire().await.expect("never closed");
                permit.forget();
                let is_slow = *self.slow_at.lock() == Some(record.record.offset());
                if is_slow {
                    self.slow.acquire().await.expect("never closed").forget();
                }
                self.log.lock().push(format!(".{place}"));
                self.count(&chunk, record);
                if *self.fails_at.lock() == Some(record.record.offset()) {
                    return Err(Error::new(crate::ErrorKind::Listener, "spent"));
                }
                if self.taints_at.lock().take_if(|at| *at == record.record.offset()).is_some() {
                    if let Some(transaction) = chunk.transaction {
                        transaction.taint();
                    }
                    break;
                }
                match progress.ack(record.seq) {
                    None => progress.done(record.seq),
                    Some(source) => {
                        let ack = Ack::new(source);
                        let what = self.acks.lock().pop_front().unwrap_or(Acks::Acknowledge);
                        match what {
                            Acks::Acknowledge => {
                                let acked = ack.ack().await;
                                self.confirmed.lock().push(acked.is_ok());
                            }
                            Acks::Nack(delay) => ack.nack(delay),
                            Acks::Drop => drop(ack),
                            Acks::Keep => self.kept.lock().push(ack),
                        }
                        progress.left_to_ack(record.seq);
                    }
                }
            }
            Ok(())
        })
    }
}

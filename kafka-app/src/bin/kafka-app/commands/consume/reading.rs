//! [`Reading`]: records of partitions, up to their ends or for ever.

use std::{
    future::pending,
    time::{Duration, Instant},
};

use kafka_app::{ErrorKind, KafkaConsumer, Polled, RawRecord, TopicPartition};

use super::{ends::Ends, lag::Positions};
use crate::{failure::Failure, record_output::RecordOutput, say::Troubles, stop::Stop};

/// How long leaving the group may take.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(10);

/// Records that are read, a chunk after the other.
pub(crate) struct Reading {
    pub(crate) consumer: KafkaConsumer,
    /// Where it stops, if it does so by itself.
    pub(crate) ends: Option<Ends>,
    /// So long it bears that something is wrong, if it is to stop by itself.
    pub(crate) patience: Duration,
    pub(crate) stop: Stop,
    /// How far it is, for who shows that.
    pub(crate) positions: Positions,
    troubles: Troubles,
    /// Since when something is wrong and nothing comes.
    wrong_since: Option<Instant>,
}

/// Records of a partition, in their order.
pub(crate) struct Chunk {
    pub(crate) at: TopicPartition,
    pub(crate) records: Vec<RawRecord>,
}

impl Reading {
    pub(crate) fn new(consumer: KafkaConsumer, ends: Option<Ends>, patience: Duration, stop: Stop) -> Self {
        Self {
            consumer,
            ends,
            patience,
            stop,
            positions: Positions::default(),
            troubles: Troubles::default(),
            wrong_since: None,
        }
    }

    /// The next records; none when all is read.
    ///
    /// # Errors
    /// A signal has come, nobody reads the output any more, or records cannot be read.
    pub(crate) async fn next(&mut self, output: &RecordOutput) -> Result<Option<Chunk>, Failure> {
        loop {
            if self.ends.as_ref().is_some_and(Ends::is_done) {
                return Ok(None);
            }
            if let Some(code) = self.stop.code() {
                return Err(Failure::Stopped(code));
            }
            let polled = match self.consumer.poll() {
                Some(polled) => polled,
                None => self.wait(output).await?,
            };
            if let Some(chunk) = self.take(polled)? {
                return Ok(Some(chunk));
            }
        }
    }

    async fn wait(&mut self, output: &RecordOutput) -> Result<Polled, Failure> {
        let deadline = self.wrong_since.filter(|_| self.ends.is_some()).and_then(|at| at.checked_add(self.patience));
        let deadline = async move {
            match deadline {
                Some(deadline) => tokio::time::sleep_until(deadline.into()).await,
                None => pending().await,
            }
        };
        tokio::select! {
            biased;
            code = self.stop.requested() => Err(Failure::Stopped(code)),
            () = output.closed() => Err(Failure::Closed),
            polled = self.consumer.next() => Ok(polled),
            () = deadline => {
                let waited = humantime::format_duration(self.patience);
                Err(Failure::Failed(format!(
                    "nothing came for {waited}, and not all is read: see the warnings above; --timeout waits longer"
                )))
            }
        }
    }

    fn take(&mut self, polled: Polled) -> Result<Option<Chunk>, Failure> {
        match polled {
            Polled::Records { partition: at, mut records, .. } => {
                self.wrong_since = None;
                if let Some(ends) = &mut self.ends {
                    ends.take(&at, &mut records);
                }
                if let Some(last) = records.last() {
                    self.positions.set(&at, last.offset() + 1);
                    return Ok(Some(Chunk { at, records }));
                }
            }
            Polled::End { partition, offset, .. } => {
                self.wrong_since = None;
                self.positions.set(&partition, offset);
                let mut read_up_to = offset;
                if let Some(ends) = &mut self.ends {
                    read_up_to = ends.reached(&partition, offset);
                }
                self.consumer.store(&partition, read_up_to, None);
            }
            Polled::Assigned(partitions) => {
                if let Some(ends) = &mut self.ends {
                    ends.assigned(&partitions);
                }
            }
            Polled::Revoked { partitions, .. } => {
                self.positions.forget(&partitions);
                let leaves_none = self.consumer.assignment().next().is_none();
                if let Some(ends) = &mut self.ends {
                    ends.revoked(&partitions, leaves_none);
                }
            }
            Polled::Trouble(error) if error.kind() == ErrorKind::Unavailable => {
                self.wrong_since.get_or_insert_with(Instant::now);
                self.troubles.tell(&error.to_string());
            }
            Polled::Trouble(error) | Polled::Failed(error) => return Err(error.into()),
            _ => {}
        }
        Ok(None)
    }

    /// Commits what was marked, and leaves the group.
    ///
    /// # Errors
    /// That did not end in time, or the positions are not taken.
    pub(crate) async fn close(mut self) -> Result<(), Failure> {
        let closed = self.consumer.close(CLOSE_TIMEOUT).await;
        closed.map_err(|error| Failure::Failed(format!("{error}: the group may read again what it has read")))
    }
}

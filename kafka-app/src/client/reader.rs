//! [`read_from`]: the port over a client that joins no group: it reads from positions it is told, and commits nothing.

use std::{collections::VecDeque, sync::Arc};

use super::{
    ffi::{EventQueue, GroupMetadata, NativeConsumer},
    port::{Committed, ConsumerClient, ConsumerEvent, Fault, Lease, RecordQueue, Signal, StoredOffset},
};
use crate::{
    config::{Properties, Subscription},
    error::Result,
    record::TopicPartition,
};

/// Makes a consumer of these librdkafka properties that reads these partitions, each from its offset on.
pub(crate) fn read_from(
    properties: &Properties,
    positions: Vec<(TopicPartition, i64)>,
    signal: Arc<dyn Signal>,
) -> Result<Box<dyn ConsumerClient>> {
    let client = Arc::new(NativeConsumer::new(properties.iter().map(|(k, v)| (k.as_str(), v.as_str())))?);
    let mut events = client.event_queue()?;
    events.on_events(Arc::clone(&signal));
    Ok(Box::new(Reader { events, client, positions, own: VecDeque::new(), signal }))
}

/// The queue is declared, and so dropped, before the client it belongs to.
struct Reader {
    events: EventQueue,
    client: Arc<NativeConsumer>,
    positions: Vec<(TopicPartition, i64)>,
    /// What a group would have said.
    own: VecDeque<ConsumerEvent>,
    signal: Arc<dyn Signal>,
}

impl Reader {
    fn say(&mut self, event: ConsumerEvent) {
        self.own.push_back(event);
        self.signal.signal();
    }

    fn say_committed(&mut self, token: u64) {
        self.say(ConsumerEvent::Committed { token: Some(token), result: Ok(()), partitions: Vec::new() });
    }
}

impl ConsumerClient for Reader {
    /// The partitions are given already, whatever topics are named.
    fn subscribe(&mut self, _: &Subscription) -> Result<()> {
        let partitions = self.positions.iter().map(|(partition, _)| partition.clone()).collect();
        self.say(ConsumerEvent::Assign(partitions));
        Ok(())
    }

    fn poll_event(&mut self) -> Option<ConsumerEvent> {
        self.own.pop_front().or_else(|| self.events.poll())
    }

    fn split(&mut self, partition: &TopicPartition, signal: Arc<dyn Signal>) -> Result<Box<dyn RecordQueue>> {
        Ok(Box::new(self.client.partition_queue(partition, signal)?))
    }

    fn assign(&mut self, _: &[TopicPartition]) -> Result<()> {
        let positions = self.positions.iter().map(|(partition, offset)| StoredOffset {
            partition: partition.clone(),
            offset: *offset,
            leader_epoch: None,
        });
        self.client.assign_at(&positions.collect::<Vec<_>>())
    }

    fn unassign(&mut self, partitions: &[TopicPartition]) -> Result<()> {
        self.client.unassign(partitions)
    }

    fn store(&mut self, _: &[StoredOffset]) -> Vec<(TopicPartition, Fault)> {
        Vec::new()
    }

    fn commit_stored(&mut self, token: u64) -> Result<()> {
        self.say_committed(token);
        Ok(())
    }

    fn commit_exactly(&mut self, _: &[StoredOffset], token: u64) -> Result<()> {
        self.say_committed(token);
        Ok(())
    }

    fn seek(&mut self, partition: &TopicPartition, offset: i64) -> Result<()> {
        self.client.seek(partition, offset)
    }

    fn close(&mut self) -> Result<()> {
        self.client.close(&self.events)
    }

    fn is_closed(&self) -> bool {
        self.client.is_closed()
    }

    fn group_metadata(&self) -> Result<GroupMetadata> {
        self.client.group_metadata()
    }

    fn committed(&self) -> Arc<dyn Committed> {
        Arc::<NativeConsumer>::clone(&self.client)
    }

    fn lease(&self) -> Lease {
        Arc::<NativeConsumer>::clone(&self.client)
    }
}

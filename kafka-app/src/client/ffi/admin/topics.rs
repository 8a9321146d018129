//! Topics: what there are, new ones, and fewer.

use std::{collections::BTreeMap, ffi::c_int, ptr, time::Duration};

use rdkafka::bindings::{self as sys, rd_kafka_admin_op_t as Op};

use super::{
    NativeAdmin, Outcome,
    call::{Answer, Call, Request},
    cluster::node,
    numbers::{error_of, error_of_code, error_of_partition, error_of_topic},
    owned::{Owned, lent, pointers, results},
};
use crate::{
    admin::{NewTopic, PerItem, RecordsToDelete, TopicDescription, TopicId, TopicListing},
    client::ffi::{
        partition_list::{Element, PartitionList, elements},
        text::{buffer_text, c_string, c_text},
    },
    error::{Error, Result},
    producer::PartitionInfo,
    record::TopicPartition,
};

/// Creates topics.
pub(crate) struct CreateTopics(pub(crate) Vec<NewTopic>);

/// Gives topics more partitions: this many in all.
pub(crate) struct CreatePartitions(pub(crate) BTreeMap<String, u32>);

/// Deletes topics.
pub(crate) struct DeleteTopics(pub(crate) Vec<String>);

/// Asks what topics are made of; creates none.
pub(crate) struct DescribeTopics(pub(crate) Vec<String>);

/// Deletes the oldest records of partitions.
pub(crate) struct DeleteRecords(pub(crate) BTreeMap<TopicPartition, RecordsToDelete>);

impl Request for CreateTopics {
    type Answer = PerItem<String, ()>;
    const OP: Op = Op::RD_KAFKA_ADMIN_OP_CREATETOPICS;

    fn send(&self, call: &Call<'_>) -> Result<()> {
        let topics = self.0.iter().map(native).collect::<Result<Vec<_>>>()?;
        let mut topics_ptr = pointers(&topics);
        // SAFETY: client, options and queue are alive; the topics are copied.
        unsafe {
            sys::rd_kafka_CreateTopics(
                call.client(),
                topics_ptr.as_mut_ptr(),
                topics.len(),
                call.options(),
                call.queue(),
            );
        }
        Ok(())
    }

    fn read(answer: &Answer) -> Self::Answer {
        // SAFETY: both functions are of this kind of event.
        unsafe {
            results(
                answer,
                sys::rd_kafka_event_CreateTopics_result,
                sys::rd_kafka_CreateTopics_result_topics,
                |topic| Some(topic_result(topic)),
            )
        }
    }
}

fn native(topic: &NewTopic) -> Result<Owned<sys::rd_kafka_NewTopic_t>> {
    let name = c_string(topic.name(), "topic")?;
    // -1 leaves it to the broker's `num.partitions` and `default.replication.factor`.
    let n_partitions = topic.n_partitions().map_or(-1, |n| c_int::try_from(n).unwrap_or(c_int::MAX));
    let n_replicas = topic.n_replicas().map_or(-1, c_int::from);
    let mut error = [0; 256];
    // SAFETY: the name is copied; the buffer comes with its length; the topic is ours.
    let native = unsafe {
        let native =
            sys::rd_kafka_NewTopic_new(name.as_ptr(), n_partitions, n_replicas, error.as_mut_ptr(), error.len());
        Owned::new(native, sys::rd_kafka_NewTopic_destroy, "topic")
            .map_err(|e| Error::new(e.kind(), format!("topic `{}`: {}", topic.name(), buffer_text(&error))))?
    };
    for (key, value) in topic.configs() {
        let (name, value) = (c_string(key, "config")?, c_string(value, key)?);
        // SAFETY: the topic is ours; name and value are copied. It is refused only for an empty name.
        unsafe { sys::rd_kafka_NewTopic_set_config(native.as_ptr(), name.as_ptr(), value.as_ptr()) };
    }
    Ok(native)
}

impl Request for CreatePartitions {
    type Answer = PerItem<String, ()>;
    const OP: Op = Op::RD_KAFKA_ADMIN_OP_CREATEPARTITIONS;

    fn send(&self, call: &Call<'_>) -> Result<()> {
        let native = |(topic, total): (&String, &u32)| {
            let name = c_string(topic, "topic")?;
            let mut error = [0; 256];
            // SAFETY: the name is copied; the buffer comes with its length; the object is ours.
            unsafe {
                let total = usize::try_from(*total).unwrap_or(usize::MAX);
                let native = sys::rd_kafka_NewPartitions_new(name.as_ptr(), total, error.as_mut_ptr(), error.len());
                Owned::new(native, sys::rd_kafka_NewPartitions_destroy, "number of partitions")
                    .map_err(|e| Error::new(e.kind(), format!("topic `{topic}`: {}", buffer_text(&error))))
            }
        };
        let partitions = self.0.iter().map(native).collect::<Result<Vec<_>>>()?;
        let mut partitions_ptr = pointers(&partitions);
        // SAFETY: client, options and queue are alive; the objects are copied.
        unsafe {
            sys::rd_kafka_CreatePartitions(
                call.client(),
                partitions_ptr.as_mut_ptr(),
                partitions.len(),
                call.options(),
                call.queue(),
            );
        }
        Ok(())
    }

    fn read(answer: &Answer) -> Self::Answer {
        // SAFETY: both functions are of this kind of event.
        unsafe {
            results(
                answer,
                sys::rd_kafka_event_CreatePartitions_result,
                sys::rd_kafka_CreatePartitions_result_topics,
                |topic| Some(topic_result(topic)),
            )
        }
    }
}

impl Request for DeleteTopics {
    type Answer = PerItem<String, ()>;
    const OP: Op = Op::RD_KAFKA_ADMIN_OP_DELETETOPICS;

    fn send(&self, call: &Call<'_>) -> Result<()> {
        let native = |topic: &String| {
            let name = c_string(topic, "topic")?;
            // SAFETY: the name is copied; the object is ours.
            unsafe {
                Owned::new(sys::rd_kafka_DeleteTopic_new(name.as_ptr()), sys::rd_kafka_DeleteTopic_destroy, "topic")
            }
        };
        let topics = self.0.iter().map(native).collect::<Result<Vec<_>>>()?;
        let mut topics_ptr = pointers(&topics);
        // SAFETY: client, options and queue are alive; the objects are copied.
        unsafe {
            sys::rd_kafka_DeleteTopics(
                call.client(),
                topics_ptr.as_mut_ptr(),
                topics.len(),
                call.options(),
                call.queue(),
            );
        }
        Ok(())
    }

    fn read(answer: &Answer) -> Self::Answer {
        // SAFETY: both functions are of this kind of event.
        unsafe {
            results(
                answer,
                sys::rd_kafka_event_DeleteTopics_result,
                sys::rd_kafka_DeleteTopics_result_topics,
                |topic| Some(topic_result(topic)),
            )
        }
    }
}

/// # Safety
/// The result is alive.
unsafe fn topic_result(result: *const sys::rd_kafka_topic_result_t) -> (String, Outcome<()>) {
    // SAFETY: the caller's promise.
    let (name, error) = unsafe { (c_text(sys::rd_kafka_topic_result_name(result)), error_of_topic(result)) };
    (name, error.map_or(Ok(()), Err))
}

impl Request for DescribeTopics {
    type Answer = PerItem<String, TopicDescription>;
    const OP: Op = Op::RD_KAFKA_ADMIN_OP_DESCRIBETOPICS;

    fn send(&self, call: &Call<'_>) -> Result<()> {
        let names = self.0.iter().map(|topic| c_string(topic, "topic")).collect::<Result<Vec<_>>>()?;
        let mut names_ptr: Vec<_> = names.iter().map(|name| name.as_ptr()).collect();
        // SAFETY: the names are copied into the collection, which is ours and is copied by the call; client, options and
        // queue are alive.
        unsafe {
            let topics = Owned::new(
                sys::rd_kafka_TopicCollection_of_topic_names(names_ptr.as_mut_ptr(), names.len()),
                sys::rd_kafka_TopicCollection_destroy,
                "topics",
            )?;
            sys::rd_kafka_DescribeTopics(call.client(), topics.as_ptr(), call.options(), call.queue());
        }
        Ok(())
    }

    fn read(answer: &Answer) -> Self::Answer {
        // SAFETY: both functions are of this kind of event.
        unsafe {
            results(
                answer,
                sys::rd_kafka_event_DescribeTopics_result,
                sys::rd_kafka_DescribeTopics_result_topics,
                |topic| Some(description(topic)),
            )
        }
    }
}

/// # Safety
/// The description is alive.
unsafe fn description(topic: *const sys::rd_kafka_TopicDescription_t) -> (String, Outcome<TopicDescription>) {
    // SAFETY: the caller's promise; all of it is copied.
    unsafe {
        let name = c_text(sys::rd_kafka_TopicDescription_name(topic));
        if let Some(error) = error_of(sys::rd_kafka_TopicDescription_error(topic)) {
            return (name, Err(error));
        }
        let id = sys::rd_kafka_TopicDescription_topic_id(topic);
        let id = (!id.is_null()).then(|| {
            let (high, low) =
                (sys::rd_kafka_Uuid_most_significant_bits(id), sys::rd_kafka_Uuid_least_significant_bits(id));
            TopicId::from_bits(high.cast_unsigned(), low.cast_unsigned())
        });
        let partitions = lent(topic, sys::rd_kafka_TopicDescription_partitions);
        let mut partitions: Vec<_> = partitions.into_iter().map(|info| partition(info)).collect();
        partitions.sort_by_key(|info| info.partition);
        let is_internal = sys::rd_kafka_TopicDescription_is_internal(topic) != 0;
        (name.clone(), Ok(TopicDescription { name, id: id.flatten(), is_internal, partitions }))
    }
}

/// # Safety
/// The partition is alive.
unsafe fn partition(info: *const sys::rd_kafka_TopicPartitionInfo_t) -> PartitionInfo {
    // SAFETY: the caller's promise; nodes that are not there any more have their ids all the same.
    unsafe {
        let ids = |nodes: Vec<*const sys::rd_kafka_Node_t>| {
            nodes.into_iter().map(|node| sys::rd_kafka_Node_id(node)).collect::<Vec<_>>()
        };
        PartitionInfo {
            partition: sys::rd_kafka_TopicPartitionInfo_partition(info),
            leader: node(sys::rd_kafka_TopicPartitionInfo_leader(info)).map(|node| node.id),
            replicas: ids(lent(info, sys::rd_kafka_TopicPartitionInfo_replicas)),
            in_sync_replicas: ids(lent(info, sys::rd_kafka_TopicPartitionInfo_isr)),
        }
    }
}

impl Request for DeleteRecords {
    type Answer = PerItem<TopicPartition, i64>;
    const OP: Op = Op::RD_KAFKA_ADMIN_OP_DELETERECORDS;

    fn send(&self, call: &Call<'_>) -> Result<()> {
        let mut offsets = PartitionList::new();
        for (at, records) in &self.0 {
            let before = match records {
                RecordsToDelete::BeforeOffset(offset) => *offset,
                // Kafka's own number for the high watermark.
                RecordsToDelete::All => -1,
            };
            offsets.add(&at.topic, at.partition)?.set(before, None);
        }
        // SAFETY: the list is copied into the object, which is ours and is copied by the call; client, options and queue
        // are alive.
        unsafe {
            let records = Owned::new(
                sys::rd_kafka_DeleteRecords_new(offsets.as_ptr()),
                sys::rd_kafka_DeleteRecords_destroy,
                "records",
            )?;
            let mut records_ptr = [records.as_ptr()];
            sys::rd_kafka_DeleteRecords(
                call.client(),
                records_ptr.as_mut_ptr(),
                records_ptr.len(),
                call.options(),
                call.queue(),
            );
        }
        Ok(())
    }

    fn read(answer: &Answer) -> Self::Answer {
        // SAFETY: the event is alive, and of this kind or null is returned; so is the list it lends.
        unsafe {
            let result = sys::rd_kafka_event_DeleteRecords_result(answer.event());
            let list = if result.is_null() { ptr::null() } else { sys::rd_kafka_DeleteRecords_result_offsets(result) };
            partition_results(list, |entry| entry.offset)
        }
    }
}

/// What a call says of each partition of a list that an answer lends.
///
/// # Safety
/// The list is null or alive.
pub(super) unsafe fn partition_results<T>(
    list: *const sys::rd_kafka_topic_partition_list_t,
    read: impl Fn(&sys::rd_kafka_topic_partition_t) -> T,
) -> PerItem<TopicPartition, T> {
    let Some(list) = ptr::NonNull::new(list.cast_mut()) else { return BTreeMap::new() };
    // SAFETY: the caller's promise; the list is only read.
    let entries = unsafe { elements(list) };
    let result = |entry: Element<'_>| {
        let native = entry.as_native();
        // SAFETY: the entry is alive.
        let error = unsafe { error_of_partition(native) };
        (entry.partition(), error.map_or_else(|| Ok(read(native)), Err))
    };
    entries.map(result).collect()
}

impl NativeAdmin {
    /// Every topic of the cluster; creates none. Blocks.
    pub(crate) fn topics(&self, timeout: Duration) -> Outcome<Vec<TopicListing>> {
        let timeout_ms = c_int::try_from(timeout.as_millis()).unwrap_or(c_int::MAX);
        let mut metadata = ptr::null();
        // SAFETY: a valid client; no topic means all of them.
        let res = unsafe { sys::rd_kafka_metadata(self.as_ptr(), 1, ptr::null_mut(), &raw mut metadata, timeout_ms) };
        if metadata.is_null() {
            return Err(error_of_code(i16::try_from(res as i32).unwrap_or(-1)));
        }
        // SAFETY: the metadata is ours until it is destroyed, has as many topics as it says, and is copied before that.
        unsafe {
            let n_topics = usize::try_from((*metadata).topic_cnt).unwrap_or(0);
            let listing = |i| {
                let topic = &*(*metadata).topics.add(i);
                let n_partitions = usize::try_from(topic.partition_cnt).unwrap_or(0);
                TopicListing::new(c_text(topic.topic), n_partitions)
            };
            let mut topics: Vec<_> = (0..n_topics).map(listing).collect();
            sys::rd_kafka_metadata_destroy(metadata);
            topics.sort();
            Ok(topics)
        }
    }
}

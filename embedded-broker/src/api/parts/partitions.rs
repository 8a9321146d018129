//! Requests about partitions.

use kafka_protocol::messages::*;

use super::{Parts, put_each, replace};
use crate::fault::target::Part;

/// Topics with partitions in the request, and the same in the response, both by the names of their fields; in front of
/// them whose request it is.
macro_rules! by_partition {
    ($($request:ident { $($whose:ident: $id:ident),* }
        $topics:ident . $topic:ident . $partitions:ident $(. $index:ident)?
        => $answers:ident . $answer:ident . $results:ident . $result:ident;)*) => {
        $(impl Parts for $request {
            fn retain(&mut self, keep: &mut dyn FnMut(&Part) -> bool) -> usize {
                let whose = Part { $($whose: Some(self.$id.to_string()),)* ..Part::default() };
                let mut left = 0;
                self.$topics.retain_mut(|asked| {
                    let part = Part { topic: asked.$topic.to_string(), ..whose.clone() };
                    asked.$partitions.retain(|index| keep(&of_partition(&part, (*index)$(.$index)?)));
                    left += asked.$partitions.len();
                    !asked.$partitions.is_empty()
                });
                left
            }

            fn put(response: &mut Self::Response, failed: Self::Response) {
                put_each(&mut response.$answers, failed.$answers, |topic| topic.$answer.clone(), |known, failed| {
                    put_each(&mut known.$results, failed.$results, |result| result.$result, replace);
                });
            }
        })*
    };
}

by_partition! {
    ListOffsetsRequest {} topics.name.partitions.partition_index => topics.name.partitions.partition_index;
    OffsetCommitRequest { group: group_id }
        topics.name.partitions.partition_index => topics.name.partitions.partition_index;
    TxnOffsetCommitRequest { transactional_id: transactional_id, group: group_id }
        topics.name.partitions.partition_index => topics.name.partitions.partition_index;
    DeleteRecordsRequest {} topics.name.partitions.partition_index => topics.name.partitions.partition_index;
    OffsetForLeaderEpochRequest {} topics.topic.partitions.partition => topics.topic.partitions.partition;
    AlterPartitionReassignmentsRequest {}
        topics.name.partitions.partition_index => responses.name.partitions.partition_index;
    DescribeProducersRequest {} topics.name.partition_indexes => topics.name.partitions.partition_index;
}

/// The partition of this topic, of the same request.
fn of_partition(topic: &Part, index: i32) -> Part {
    Part { partition: Some(index), ..topic.clone() }
}

/// Keeps topics by their partitions. How many partitions are left.
fn retain_topics<T>(
    topics: &mut Vec<T>,
    whose: &Part,
    keep: &mut dyn FnMut(&Part) -> bool,
    topic_of: impl Fn(&mut T) -> (String, &mut Vec<i32>),
) -> usize {
    let mut left = 0;
    topics.retain_mut(|asked| {
        let (topic, partitions) = topic_of(asked);
        let part = Part { topic, ..whose.clone() };
        partitions.retain(|index| keep(&of_partition(&part, *index)));
        left += partitions.len();
        !partitions.is_empty()
    });
    left
}

/// None stands for all partitions that need a leader, which no fault is for.
impl Parts for ElectLeadersRequest {
    fn retain(&mut self, keep: &mut dyn FnMut(&Part) -> bool) -> usize {
        let Some(topics) = &mut self.topic_partitions else { return 0 };
        retain_topics(topics, &Part::default(), keep, |asked| (asked.topic.to_string(), &mut asked.partitions))
    }

    fn put(response: &mut Self::Response, failed: Self::Response) {
        let topics = (&mut response.replica_election_results, failed.replica_election_results);
        put_each(
            topics.0,
            topics.1,
            |topic| topic.topic.clone(),
            |known, failed| {
                put_each(&mut known.partition_result, failed.partition_result, |result| result.partition_id, replace);
            },
        );
    }
}

/// As a whole only the group can be at fault; of topics each partition has its code.
impl Parts for OffsetDeleteRequest {
    fn retain(&mut self, keep: &mut dyn FnMut(&Part) -> bool) -> usize {
        let group = Part { group: Some(self.group_id.to_string()), ..Part::default() };
        let mut left = 0;
        self.topics.retain_mut(|asked| {
            let part = Part { topic: asked.name.to_string(), ..group.clone() };
            asked.partitions.retain(|partition| keep(&of_partition(&part, partition.partition_index)));
            left += asked.partitions.len();
            !asked.partitions.is_empty()
        });
        left
    }

    fn fail_parts(self, _version: i16, code: i16, _by_partition: bool) -> OffsetDeleteResponse {
        use offset_delete_response::{OffsetDeleteResponsePartition, OffsetDeleteResponseTopic};
        let partition = |asked: offset_delete_request::OffsetDeleteRequestPartition| {
            OffsetDeleteResponsePartition::default().with_partition_index(asked.partition_index).with_error_code(code)
        };
        let topic = |asked: offset_delete_request::OffsetDeleteRequestTopic| {
            OffsetDeleteResponseTopic::default()
                .with_name(asked.name)
                .with_partitions(asked.partitions.into_iter().map(partition).collect())
        };
        OffsetDeleteResponse::default().with_topics(self.topics.into_iter().map(topic).collect())
    }

    fn put(response: &mut Self::Response, failed: Self::Response) {
        put_each(
            &mut response.topics,
            failed.topics,
            |topic| topic.name.clone(),
            |known, failed| {
                put_each(&mut known.partitions, failed.partitions, |result| result.partition_index, replace);
            },
        );
    }
}

/// One group to version 7, then several. Of a group whose partitions are not named, the group is the only part.
impl Parts for OffsetFetchRequest {
    fn retain(&mut self, keep: &mut dyn FnMut(&Part) -> bool) -> usize {
        let of_group = |id: &GroupId| Part { group: Some(id.to_string()), ..Part::default() };
        let mut left = 0;
        self.groups.retain_mut(|asked| {
            let group = of_group(&asked.group_id);
            let kept = match &mut asked.topics {
                None => usize::from(keep(&group)),
                Some(topics) => {
                    retain_topics(topics, &group, keep, |topic| (topic.name.to_string(), &mut topic.partition_indexes))
                }
            };
            left += kept;
            kept > 0
        });
        if self.group_id.is_empty() {
            return left;
        }
        let group = of_group(&self.group_id);
        left += match &mut self.topics {
            None => usize::from(keep(&group)),
            Some(topics) => {
                retain_topics(topics, &group, keep, |topic| (topic.name.to_string(), &mut topic.partition_indexes))
            }
        };
        left
    }

    fn fail_parts(self, version: i16, code: i16, by_partition: bool) -> OffsetFetchResponse {
        use crate::api::error_response::ErrorResponse;
        if !by_partition {
            return self.error_response(version, code);
        }
        let topics = self.topics.unwrap_or_default();
        OffsetFetchResponse::default()
            .with_topics(topics.into_iter().map(|topic| failed_topic(topic, code)).collect())
            .with_groups(self.groups.into_iter().map(|group| failed_group(group, code)).collect())
    }

    fn put(response: &mut Self::Response, failed: Self::Response) {
        response.error_code = failed.error_code;
        put_each(
            &mut response.topics,
            failed.topics,
            |topic| topic.name.clone(),
            |known, failed| {
                put_each(&mut known.partitions, failed.partitions, |result| result.partition_index, replace);
            },
        );
        put_each(
            &mut response.groups,
            failed.groups,
            |group| group.group_id.clone(),
            |known, failed| {
                if failed.topics.is_empty() {
                    return replace(known, failed);
                }
                put_each(
                    &mut known.topics,
                    failed.topics,
                    |topic| topic.name.clone(),
                    |known, failed| {
                        put_each(&mut known.partitions, failed.partitions, |result| result.partition_index, replace);
                    },
                );
            },
        );
    }
}

fn failed_topic(
    asked: offset_fetch_request::OffsetFetchRequestTopic,
    code: i16,
) -> offset_fetch_response::OffsetFetchResponseTopic {
    use offset_fetch_response::{OffsetFetchResponsePartition, OffsetFetchResponseTopic};
    let partition = |index| {
        let failed = OffsetFetchResponsePartition::default().with_partition_index(index).with_error_code(code);
        failed.with_committed_offset(-1)
    };
    OffsetFetchResponseTopic::default()
        .with_name(asked.name)
        .with_partitions(asked.partition_indexes.into_iter().map(partition).collect())
}

fn failed_group(
    asked: offset_fetch_request::OffsetFetchRequestGroup,
    code: i16,
) -> offset_fetch_response::OffsetFetchResponseGroup {
    use offset_fetch_response::{OffsetFetchResponseGroup, OffsetFetchResponsePartitions, OffsetFetchResponseTopics};
    let partition = |index| {
        let failed = OffsetFetchResponsePartitions::default().with_partition_index(index).with_error_code(code);
        failed.with_committed_offset(-1)
    };
    let topic = |asked: offset_fetch_request::OffsetFetchRequestTopics| {
        OffsetFetchResponseTopics::default()
            .with_name(asked.name)
            .with_partitions(asked.partition_indexes.into_iter().map(partition).collect())
    };
    let topics = asked.topics.unwrap_or_default().into_iter().map(topic).collect();
    OffsetFetchResponseGroup::default().with_group_id(asked.group_id).with_topics(topics)
}

/// One transaction to version 3, then several, of other brokers.
impl Parts for AddPartitionsToTxnRequest {
    fn retain(&mut self, keep: &mut dyn FnMut(&Part) -> bool) -> usize {
        let of_id = |id: &TransactionalId| Part { transactional_id: Some(id.to_string()), ..Part::default() };
        let mut left = 0;
        self.transactions.retain_mut(|asked| {
            let whose = of_id(&asked.transactional_id);
            let kept =
                retain_topics(&mut asked.topics, &whose, keep, |topic| (topic.name.to_string(), &mut topic.partitions));
            left += kept;
            kept > 0
        });
        let whose = of_id(&self.v3_and_below_transactional_id);
        left + retain_topics(&mut self.v3_and_below_topics, &whose, keep, |topic| {
            (topic.name.to_string(), &mut topic.partitions)
        })
    }

    fn fail_parts(self, _version: i16, code: i16, _by_partition: bool) -> AddPartitionsToTxnResponse {
        use add_partitions_to_txn_response::{
            AddPartitionsToTxnPartitionResult, AddPartitionsToTxnResult, AddPartitionsToTxnTopicResult,
        };
        let partition = |index| {
            let result = AddPartitionsToTxnPartitionResult::default().with_partition_index(index);
            result.with_partition_error_code(code)
        };
        let topic = |asked: add_partitions_to_txn_request::AddPartitionsToTxnTopic| {
            AddPartitionsToTxnTopicResult::default()
                .with_name(asked.name)
                .with_results_by_partition(asked.partitions.into_iter().map(partition).collect())
        };
        let transaction = |asked: add_partitions_to_txn_request::AddPartitionsToTxnTransaction| {
            AddPartitionsToTxnResult::default()
                .with_transactional_id(asked.transactional_id)
                .with_topic_results(asked.topics.into_iter().map(topic).collect())
        };
        AddPartitionsToTxnResponse::default()
            .with_results_by_transaction(self.transactions.into_iter().map(transaction).collect())
            .with_results_by_topic_v3_and_below(self.v3_and_below_topics.into_iter().map(topic).collect())
    }

    fn put(response: &mut Self::Response, failed: Self::Response) {
        let put_topics = |known: &mut Vec<_>, failed| {
            put_each(
                known,
                failed,
                |topic: &add_partitions_to_txn_response::AddPartitionsToTxnTopicResult| topic.name.clone(),
                |known, failed| {
                    let results = (&mut known.results_by_partition, failed.results_by_partition);
                    put_each(results.0, results.1, |result| result.partition_index, replace);
                },
            );
        };
        put_topics(&mut response.results_by_topic_v3_and_below, failed.results_by_topic_v3_and_below);
        let transactions = (&mut response.results_by_transaction, failed.results_by_transaction);
        put_each(
            transactions.0,
            transactions.1,
            |one| one.transactional_id.clone(),
            |known, failed| {
                put_topics(&mut known.topic_results, failed.topic_results);
            },
        );
    }
}

//! DescribeTransactions, version 0: where transactional ids stand, and which partitions belong to their transactions.
//!
//! Different from Kafka: what there is no [`Room`] for is INVALID_REQUEST.

use kafka_protocol::messages::describe_transactions_response::{TopicData, TransactionState};
use kafka_protocol::messages::{
    DescribeTransactionsRequest, DescribeTransactionsResponse, ProducerId, TopicName, TransactionalId,
};

use super::convert::to_wire;
use super::room::Room;
use super::{Refusal, RequestContext};
use crate::coordinator::transaction::Description;
use crate::coordinator::transaction::state::TransactionState as State;
use crate::error::ErrorCode;
use crate::protocol::StrBytes;
use crate::security::acl::kinds::Operation;
use crate::security::acl::resource::Resource;

pub(crate) fn handle(
    cx: &RequestContext<'_>,
    request: DescribeTransactionsRequest,
) -> Result<DescribeTransactionsResponse, Refusal> {
    let mut room = Room::new();
    let states = request.transactional_ids.into_iter().map(|id| {
        let described = room.check().and_then(|()| describe(cx, &id));
        room.take(1 + described.as_ref().map_or(0, |described| described.partitions.len()), 0);
        let state = TransactionState::default().with_transactional_id(id);
        match described {
            Ok(description) => to_state(cx, state, &description),
            Err(code) => state.with_error_code(code.code()),
        }
    });
    Ok(DescribeTransactionsResponse::default().with_transaction_states(states.collect()))
}

fn describe(cx: &RequestContext<'_>, id: &TransactionalId) -> Result<Description, ErrorCode> {
    if id.is_empty() {
        return Err(ErrorCode::InvalidRequest);
    }
    cx.require(Operation::Describe, Resource::TransactionalId(id))?;
    let cell = cx.find_transaction(id)?.ok_or(ErrorCode::TransactionalIdNotFound)?;
    let description = cell.look(|transaction| transaction.describe());
    if description.state == State::Dead { Err(ErrorCode::TransactionalIdNotFound) } else { Ok(description) }
}

/// As Kafka: of the partitions only those that the client may know of.
fn to_state(cx: &RequestContext<'_>, state: TransactionState, description: &Description) -> TransactionState {
    let mut topics: Vec<TopicData> = Vec::new();
    let seen = description.partitions.iter().filter(|(topic, _)| cx.may(Operation::Describe, Resource::Topic(topic)));
    for (topic, index) in seen {
        match topics.last_mut().filter(|last| *last.topic.0 == **topic) {
            Some(last) => last.partitions.push(*index),
            None => {
                topics.push(TopicData::default().with_topic(TopicName(to_wire(topic))).with_partitions(vec![*index]));
            }
        }
    }
    state
        .with_transaction_state(StrBytes::from_static_str(description.state.name()))
        .with_transaction_timeout_ms(description.timeout_ms)
        .with_transaction_start_time_ms(description.started_ms)
        .with_producer_id(ProducerId(description.producer_id))
        .with_producer_epoch(description.epoch)
        .with_topics(topics)
}

//! ListTransactions, versions 0 to 2: transactional ids that the node coordinates, by state, by producer id, by how
//! long they are open (from version 1) and by a pattern that fits the whole id (from version 2).

use std::collections::HashSet;

use kafka_protocol::messages::list_transactions_response::TransactionState;
use kafka_protocol::messages::{ListTransactionsRequest, ListTransactionsResponse, ProducerId, TransactionalId};
use regex_lite::Regex;

use super::convert::to_wire;
use super::{Refusal, RequestContext};
use crate::coordinator::CoordinatorKind;
use crate::coordinator::transaction::Description;
use crate::coordinator::transaction::state::TransactionState as State;
use crate::error::ErrorCode;
use crate::protocol::StrBytes;
use crate::security::acl::kinds::Operation;
use crate::security::acl::resource::Resource;
use crate::whole_pattern;

/// What is asked for; what is absent lets everything through.
struct Filter {
    states: Option<Vec<State>>,
    producer_ids: HashSet<i64>,
    /// Only what began longer ago than this.
    open_longer_ms: Option<i64>,
    ids: Option<Regex>,
    now_ms: i64,
}

pub(crate) fn handle(
    cx: &RequestContext<'_>,
    request: ListTransactionsRequest,
) -> Result<ListTransactionsResponse, Refusal> {
    let pattern = request.transactional_id_pattern.as_deref().filter(|pattern| !pattern.is_empty());
    let Ok(ids) = pattern.map(whole_pattern::compile).transpose() else {
        let code = ErrorCode::InvalidRegularExpression.code();
        return Ok(ListTransactionsResponse::default().with_error_code(code));
    };
    let states = request.state_filters.iter().filter_map(|name| State::from_name(name));
    let filter = Filter {
        states: (!request.state_filters.is_empty()).then(|| states.collect()),
        producer_ids: request.producer_id_filters.iter().map(|id| id.0).collect(),
        open_longer_ms: (request.duration_filter >= 0).then_some(request.duration_filter),
        ids,
        now_ms: cx.cluster.clock.wall_ms(),
    };
    if let Err(error) = cx.cluster.check_loaded(CoordinatorKind::Transactions, cx.node_id) {
        return Ok(ListTransactionsResponse::default().with_error_code(error.code()));
    }
    let listed = cx.cluster.transactions.all().into_iter().filter_map(|cell| {
        cx.find_transaction(&cell.id).ok()?;
        let description = cell.look(|transaction| transaction.describe());
        let is_seen = filter.lets_through(&cell.id, &description)
            && cx.may(Operation::Describe, Resource::TransactionalId(&cell.id));
        is_seen.then(|| {
            TransactionState::default()
                .with_transactional_id(TransactionalId(to_wire(&cell.id)))
                .with_producer_id(ProducerId(description.producer_id))
                .with_transaction_state(StrBytes::from_static_str(description.state.name()))
        })
    });
    let unknown = request.state_filters.iter().filter(|name| State::from_name(name).is_none()).cloned();
    Ok(ListTransactionsResponse::default()
        .with_unknown_state_filters(unknown.collect())
        .with_transaction_states(listed.collect()))
}

impl Filter {
    fn lets_through(&self, id: &str, known: &Description) -> bool {
        known.state != State::Dead
            && (self.producer_ids.is_empty() || self.producer_ids.contains(&known.producer_id))
            && self.states.as_ref().is_none_or(|states| states.contains(&known.state))
            && self.open_longer_ms.is_none_or(|open| self.now_ms.saturating_sub(known.started_ms) > open)
            && self.ids.as_ref().is_none_or(|ids| ids.is_match(id))
    }
}

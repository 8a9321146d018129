//! What a test can make go wrong, and what it can see: everything at a glance.
//!
//! Each fault lasts as long as the [`Fault`] it returns; what happens by chance is drawn from one
//! [seed](crate::EmbeddedBrokerBuilder::fault_seed). Times are those of the broker's clock, which a test can
//! [move by hand](crate::EmbeddedBrokerBuilder::manual_clock), whose hand is also at [`clock`](crate::EmbeddedBroker::clock).
//!
//! # Requests: `broker.fault()…`
//!
//! | for which | |
//! |---|---|
//! | [`on`](FaultBuilder::on), [`versions`](FaultBuilder::versions), [`client`](FaultBuilder::client), [`node`](FaultBuilder::node) | kinds of requests, their versions, whose, to whom |
//! | [`topic`](FaultBuilder::topic), [`partition`](FaultBuilder::partition), [`group`](FaultBuilder::group), [`transactional_id`](FaultBuilder::transactional_id) | what is asked about: an error is told of that alone, the rest is served |
//! | [`after`](FaultBuilder::after), [`times`](FaultBuilder::times), [`probability`](FaultBuilder::probability) | how often |
//!
//! | what happens | |
//! |---|---|
//! | [`error`](FaultBuilder::error), [`apply_then_error`](FaultBuilder::apply_then_error) | the code where clients look for it; nothing was done, or everything |
//! | [`delay`](FaultBuilder::delay), [`throttle`](FaultBuilder::throttle) | served late; held up as by a quota |
//! | [`disconnect_before`](FaultBuilder::disconnect_before), [`disconnect_after`](FaultBuilder::disconnect_after) | closed, not served or served |
//! | [`silence`](FaultBuilder::silence), [`silence_after`](FaultBuilder::silence_after) | never answered, not served or served |
//! | [`corrupt_crc`](FaultBuilder::corrupt_crc) | fetched batches with wrong checksums |
//! | [`truncate`](FaultBuilder::truncate), [`duplicate`](FaultBuilder::duplicate), [`wrong_correlation_id`](FaultBuilder::wrong_correlation_id) | an answer that is torn, comes twice, or is another's |
//! | [`in_turn`](FaultBuilder::in_turn), [`happens`](FaultBuilder::happens) | [`Outcome`]s one after the other, or one by name |
//! | [`intercept`](FaultBuilder::intercept), [`rewrite`](FaultBuilder::rewrite) | a function looks, decides, or makes another answer |
//!
//! # The network: `broker.network()…`
//!
//! Of one [`client`](NetworkBuilder::client) or all, [to](NetworkBuilder::requests_only) or
//! [from](NetworkBuilder::answers_only) the broker or both, always or [by chance](NetworkBuilder::probability).
//!
//! | | |
//! |---|---|
//! | [`latency`](NetworkBuilder::latency) ([`jitter`](NetworkBuilder::jitter)), [`bandwidth`](NetworkBuilder::bandwidth) | a way that is long, or narrow |
//! | [`slices`](NetworkBuilder::slices) | answers in small pieces |
//! | [`byte_limit`](NetworkBuilder::byte_limit) | the connection ends in the middle of a message |
//! | [`half_open`](NetworkBuilder::half_open), [`black_hole`](NetworkBuilder::black_hole) | nothing gets through, for good or until the connection ends |
//! | [`reset`](NetworkBuilder::reset), [`down`](NetworkBuilder::down), [`slow_close`](NetworkBuilder::slow_close) | connections that are reset, closed and refused, closed late |
//! | [`pause_accept`](NetworkBuilder::pause_accept), [`max_connections`](NetworkBuilder::max_connections), [`fail_tls_handshake`](NetworkBuilder::fail_tls_handshake) | connections that wait, are too many, or cannot shake hands |
//!
//! # State
//!
//! | | |
//! |---|---|
//! | [`fail_disk`](crate::EmbeddedBroker::fail_disk), [of a node](crate::NodeView::fail_disk), [`corrupt_on_disk`](crate::TopicView::corrupt_on_disk) | a disk that is full, does not confirm, or rots |
//! | [`append`](crate::TopicView::append), [`append_aborted`](crate::TopicView::append_aborted) | records without a client; aborted ones |
//! | [`truncate`](crate::TopicView::truncate), [`delete_records`](crate::TopicView::delete_records), [`expire_now`](crate::TopicView::expire_now), [`compact_now`](crate::TopicView::compact_now) | records that are lost, deleted, expired, compacted |
//! | [`forget_producers`](crate::TopicView::forget_producers) | the state of idempotent producers |
//! | [`hold_markers`](crate::TransactionsView::hold_markers) | transactions that are decided and do not come true |
//! | [`abort`](crate::TransactionsView::abort), [`time_out`](crate::TransactionsView::time_out), [`fence`](crate::TransactionsView::fence), [`exhaust_epochs`](crate::TransactionsView::exhaust_epochs) | transactions ended behind their producers' backs |
//! | [`evict`](crate::ConsumerGroup::evict), [`rebalance_now`](crate::ConsumerGroup::rebalance_now), [`assign`](crate::ConsumerGroup::assign), [`expire_offsets_now`](crate::EmbeddedBroker::expire_offsets_now) | groups that lose members, move, get what a test says, lose offsets |
//! | [`set_feature`](crate::EmbeddedBroker::set_feature), [`be_kafka`](crate::EmbeddedBrokerBuilder::be_kafka), [`version_ceiling`](crate::EmbeddedBrokerBuilder::version_ceiling) | another generation, release or version of the protocol |
//!
//! # Views
//!
//! | | |
//! |---|---|
//! | [`requests`](crate::EmbeddedBroker::requests) | what was asked, by whom, in which version, when; counts, [waits](crate::RequestLog::await_requests), [versions offered and used](crate::RequestLog::version_report) |
//! | [`connections`](crate::EmbeddedBroker::connections) | those that are open; waits; closes them |
//! | [`strict`](crate::EmbeddedBroker::strict) | fails the test if a client breaks the protocol |
//! | [`topic`](crate::EmbeddedBroker::topic) | [records](crate::TopicView::records) with keys and headers, [waits for them](crate::TopicView::await_records), [committed ones](crate::TopicView::committed_records), [offsets](crate::TopicView::end_offsets), [last stable ones](crate::TopicView::last_stable_offsets), [aborted ranges](crate::TopicView::aborted_ranges), [producers](crate::TopicView::producers) |
//! | [`group`](crate::EmbeddedBroker::group) | [state](crate::ConsumerGroup::state), [members](crate::ConsumerGroup::members), [committed offsets](crate::ConsumerGroup::committed), [waits until it is stable](crate::ConsumerGroup::await_stable) |
//! | [`transactions`](crate::EmbeddedBroker::transactions) | state, producer id and epoch of each transactional id |
//! | [`ready`](crate::EmbeddedBroker::ready) | whether every listener answers, for a health check |
//! | [`pushed_metrics`](crate::EmbeddedBroker::pushed_metrics) | telemetry of clients |
//
// How it is cut: `rules`, `target` and `links` are the pure part: rules in their order, how often each may still happen, the
// draws of chance, and what the ways to the clients are like. The builders are in `builder` and `network`, what ends them in
// `guard`; what a fault does to a connection is in `server/faulty.rs`. As long as no fault is set, a request pays for all this
// with one relaxed load.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use parking_lot::Mutex;

use crate::fault::links::{Arrival, Link, LinkId, Links, Message, Meters, Passage};
use crate::fault::rules::{Asked, Met, Rule, RuleId, Rules};
use crate::fault::target::TopicNames;
use crate::watches::Watches;

pub(crate) mod api_name;
pub(crate) mod builder;
pub(crate) mod disk;
pub(crate) mod guard;
pub(crate) mod links;
pub(crate) mod network;
pub(crate) mod outcome;
pub(crate) mod random;
pub(crate) mod rules;
pub(crate) mod target;
#[cfg(test)]
mod tests;
mod verbs;

pub use builder::FaultBuilder;
pub use guard::Fault;
pub use network::NetworkBuilder;
pub use outcome::{InterceptedRequest, Outcome};

/// The faults of one broker.
#[derive(Debug)]
pub(crate) struct Faults {
    /// Whether any rule can still happen, or any way is in trouble.
    armed: AtomicBool,
    state: Mutex<State>,
    /// Connections that wait until some trouble is over.
    pub(crate) gate: Watches,
}

#[derive(Debug)]
struct State {
    rules: Rules,
    links: Links,
}

impl Faults {
    /// Nothing goes wrong yet; from one seed the same comes by chance each time.
    pub(crate) fn new(seed: u64) -> Self {
        let state = State { rules: Rules::new(seed), links: Links::new(seed) };
        Self { armed: AtomicBool::new(false), state: Mutex::new(state), gate: Watches::default() }
    }

    /// Whether it is worth asking what [meets](Self::meet) a request.
    pub(crate) fn is_armed(&self) -> bool {
        self.armed.load(Ordering::Relaxed)
    }

    /// Whether what a request asks about matters to what [meets](Self::meet) it.
    pub(crate) fn look_at_parts(&self) -> bool {
        self.state.lock().rules.look_at_parts()
    }

    /// What happens to this request, by the first rule that is for it, or the first behind `after`.
    pub(crate) fn meet(&self, asked: &Asked<'_>, after: Option<RuleId>, names: &TopicNames<'_>) -> Option<Met> {
        self.change(|state| state.rules.meet(asked, after, names))
    }

    /// What becomes of a message on its way.
    pub(crate) fn pass(&self, message: Message<'_>, meters: &mut Meters) -> Passage {
        self.state.lock().links.pass(message, meters)
    }

    /// What becomes of a connection that comes, where with it so many are open.
    pub(crate) fn arrive(&self, open: usize) -> Arrival {
        self.state.lock().links.arrive(open)
    }

    /// How long a connection of this client is kept open after its end.
    pub(crate) fn close(&self, client_id: &str) -> Duration {
        self.state.lock().links.close(client_id)
    }

    fn add_link(&self, link: Link) -> LinkId {
        self.change(|state| state.links.add(link))
    }

    fn remove_link(&self, id: LinkId) {
        self.change(|state| state.links.remove(id));
        self.gate.wake();
    }

    fn times_link_happened(&self, id: LinkId) -> u32 {
        self.state.lock().links.times_happened(id)
    }

    fn add(&self, rule: Rule) -> RuleId {
        self.change(|state| state.rules.add(rule))
    }

    fn remove(&self, id: RuleId) {
        self.change(|state| state.rules.remove(id));
    }

    fn times_happened(&self, id: RuleId) -> u32 {
        self.state.lock().rules.times_happened(id)
    }

    fn change<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        let mut state = self.state.lock();
        let changed = change(&mut state);
        self.armed.store(state.rules.is_armed() || !state.links.is_empty(), Ordering::Relaxed);
        changed
    }
}

//! Fetch, versions 4 to 18; the answer is written by hand, with the log's bytes as they lie.
//!
//! As Kafka: partitions are answered in the order they were asked for; the first batch that there is comes however large
//! it is; an offset inside a batch returns the whole batch; the answer waits for `min_bytes` of all partitions together,
//! or `max_wait_ms`, or an error; from version 13 topics go by id; leader epochs are checked.
//! Sessions are in [`fetch_session`](crate::fetch_session). As Kafka, what is not there at all is answered last.
//! Different: only whole batches are returned (Kafka may cut the last one off in the middle), and as many as fit, where
//! Kafka stops at the end of a segment.
//! Readers of committed records get nothing from the last stable offset on, and the aborted transactions of exactly the
//! range they are given, by first offset.
//! A follower answers, too, as far as it has got, and the leader sends consumers to one nearby (KIP-392), both from version 11
//! on; a node without a replica, and before version 11 any but the leader, refuses, and says from version 16 on who leads.
//! Left out: fetching as a follower does.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use kafka_protocol::messages::FetchRequest;

use super::leaders::{Leader, Named};
use super::{Refusal, Reply, RequestContext};
use crate::clock::Woken;
use crate::cluster::Cluster;
use crate::data_wait::{DataWait, Watch};
use crate::error::ErrorCode;
use crate::fault::target::Part;
use crate::fetch_session::{Asked, Context, Key, NO_SESSION, SessionRequest, Told, TopicKey};
use crate::log::AbortedTransaction;
use crate::partition::{Isolation, Offsets, Partition, Read, ReadFrom, Reader};
use crate::protocol;
use crate::security::acl::kinds::Operation;
use crate::security::acl::resource::Resource;
use crate::topic::{Topic, Topics};

mod corrupt;
mod nearby;
mod request;
mod write;

pub(crate) use corrupt::corrupt_crc;

/// From this version on a wrong node says who leads.
const LEADERS_FROM: i16 = 16;

/// What is answered for one partition.
struct Answer {
    /// Which of those that were asked for.
    place: usize,
    code: ErrorCode,
    offsets: Offsets,
    /// Where the client's log parts from this one.
    diverging: Option<(i32, i64)>,
    /// What a reader of committed records has to skip; `None` if nothing was looked at.
    aborted: Option<Vec<AbortedTransaction>>,
    records: Vec<Bytes>,
    /// A follower to read from instead.
    preferred: Option<i32>,
    /// Who leads, if the client has asked the wrong node or is in the wrong epoch.
    leader: Option<Leader>,
    topic: Option<Arc<Topic>>,
    /// To wait on, if there is not enough yet.
    partition: Option<Arc<Partition>>,
}

/// All answers to one request, as far as they are known.
#[derive(Default)]
struct Round {
    answers: Vec<Answer>,
    len: usize,
    /// Something is to be told at once.
    is_special: bool,
}

pub(crate) fn handle(cx: &RequestContext<'_>, body: &[u8], reply: &mut Reply) -> Result<(), Refusal> {
    let request: FetchRequest = protocol::decode(&Bytes::copy_from_slice(body), cx.version)?;
    let session = SessionRequest { id: request.session_id, epoch: request.session_epoch, by_id: cx.version >= 13 };
    let mut asked = request::asked(&request, session.by_id);
    let forgotten = request::forgotten(&request, session.by_id);
    let own = cx.cluster.fetch_sessions.of(cx.node_id);
    let opened =
        own.map_or(Ok(Context::Sessionless), |own| own.open(session, &mut asked, &forgotten, cx.cluster.clock.now()));
    let context = match opened {
        Ok(context) => context,
        Err(code) => {
            write::write(reply, cx, (code, NO_SESSION), &asked, (Vec::new(), &Named::default()));
            return Ok(());
        }
    };
    let mut round = read_until_enough(cx, &request, &asked)?;
    round.answers.sort_by_key(Answer::rank);
    let outcome = conclude(cx, &context, session.by_id, &asked, &mut round.answers);
    let mut named = Named::default();
    if cx.version >= LEADERS_FROM {
        round.answers.iter_mut().for_each(|answer| answer.name_leader(&asked, &mut named));
    }
    write::write(reply, cx, outcome, &asked, (round.answers, &named));
    Ok(())
}

/// Brings the session up to what is answered, leaving out what need not be; the code and session of the whole answer.
fn conclude(
    cx: &RequestContext<'_>,
    context: &Context,
    by_id: bool,
    asked: &[Asked],
    answers: &mut Vec<Answer>,
) -> (ErrorCode, i32) {
    match context {
        Context::Sessionless => (ErrorCode::None, NO_SESSION),
        Context::Full => {
            let told = answers.iter().map(|answer| (asked[answer.place].clone(), answer.told()));
            let own = cx.cluster.fetch_sessions.of(cx.node_id);
            let id = own.map_or(NO_SESSION, |own| own.create(by_id, told.collect(), cx.cluster.clock.now()));
            (ErrorCode::None, id)
        }
        Context::Incremental { id, session, epoch } => {
            let mut session = session.lock();
            if !session.is_at(*epoch) {
                answers.clear();
                return (ErrorCode::InvalidFetchSessionEpoch, *id);
            }
            answers.retain(|answer| session.tell(&asked[answer.place].key, &answer.told()));
            (ErrorCode::None, *id)
        }
    }
}

/// Reads; and as long as there is too little, sleeps until an append or the deadline and reads again.
fn read_until_enough(cx: &RequestContext<'_>, request: &FetchRequest, asked: &[Asked]) -> Result<Round, Refusal> {
    // As Kafka: nobody waits for more than may be sent.
    let min_bytes = usize::try_from(request.min_bytes.min(request.max_bytes)).unwrap_or(0);
    let max_wait = Duration::from_millis(u64::try_from(request.max_wait_ms).unwrap_or(0));
    let isolation = Isolation::from_wire(request.isolation_level);
    let clock = &cx.cluster.clock;
    let mut round = read_all(cx, request, asked);
    if round.is_enough(min_bytes) || max_wait.is_zero() {
        return Ok(round);
    }
    let deadline = clock.now() + max_wait;
    loop {
        let wait = DataWait::at(Some(cx.node_id), Arc::clone(cx.waiter), min_bytes - round.len, isolation);
        let seen = round
            .answers
            .iter()
            .filter_map(|answer| Some((Arc::clone(answer.partition.as_ref()?), answer.offsets.end(isolation))));
        let watch = Watch::start(wait, seen);
        let woken = cx.waiter.wait(clock, Some(deadline));
        drop(watch);
        if cx.waiter.has_ended() {
            return Err(Refusal::without_blame("the broker stops"));
        }
        round = read_all(cx, request, asked);
        if woken == Woken::Deadline || round.is_enough(min_bytes) {
            return Ok(round);
        }
    }
}

impl Round {
    fn is_enough(&self, min_bytes: usize) -> bool {
        self.len >= min_bytes || self.is_special || self.answers.iter().all(|answer| answer.partition.is_none())
    }
}

fn read_all(cx: &RequestContext<'_>, request: &FetchRequest, asked: &[Asked]) -> Round {
    let topics = cx.cluster.topics();
    let max_bytes = usize::try_from(request.max_bytes).unwrap_or(0).min(cx.cluster.settings.fetch_max_bytes);
    let max_bytes = max_bytes.min(cx.cluster.quotas.max_fetch(cx.who()));
    let isolation = Isolation::from_wire(request.isolation_level);
    let mut round = Round { answers: Vec::with_capacity(asked.len()), ..Round::default() };
    for (place, one) in asked.iter().enumerate() {
        let room = Room { bytes: max_bytes.saturating_sub(round.len), is_first: round.len == 0, isolation };
        let found = struck(cx, &topics, one).map_or_else(|| find(cx, &topics, one), |code| Err((code, None)));
        let answer = match found {
            Ok((topic, partition)) => read_one(cx, (topic, partition), one, room, (place, &request.rack_id)),
            Err((code, topic)) => Answer { topic: topic.cloned(), ..Answer::error(place, code) },
        };
        round.len += answer.len();
        // As Kafka: partitions that are not there do not keep the others from waiting.
        let is_error = answer.code != ErrorCode::None && !answer.is_unknown();
        round.is_special |= is_error || answer.diverging.is_some() || answer.preferred.is_some();
        round.answers.push(answer);
    }
    round
}

/// The partitions that a request asks for, by itself or by its session.
pub(super) fn parts(cluster: &Cluster, version: i16, body: &[u8]) -> Result<Vec<Part>, Refusal> {
    let request: FetchRequest = protocol::decode(&Bytes::copy_from_slice(body), version)?;
    let named = request::asked(&request, version >= 13).into_iter().map(|asked| asked.key);
    // No two nodes have a session of the same id, which is drawn from many.
    let wanted = cluster.fetch_sessions.iter().flat_map(|(_, sessions)| sessions.wanted(request.session_id));
    Ok(named.chain(wanted).map(|key| part(&key)).collect())
}

fn part(key: &Key) -> Part {
    let partition = Some(key.partition);
    match &key.topic {
        TopicKey::Name(name) => Part { topic: name.to_string(), partition, ..Part::default() },
        TopicKey::Id(id) => Part { topic_id: *id, partition, ..Part::default() },
    }
}

/// The error that a fault has for a partition.
fn struck(cx: &RequestContext<'_>, topics: &Topics, asked: &Asked) -> Option<ErrorCode> {
    let struck = cx.struck?;
    struck.target.hits(&part(&asked.key), &|id| topics.name_of(id)).then_some(struck.code)
}

/// What one partition may add to the answer.
#[derive(Clone, Copy)]
struct Room {
    bytes: usize,
    /// Nothing was found before: the first batch comes however large it is.
    is_first: bool,
    isolation: Isolation,
}

/// Why a partition cannot be read, and its topic if that is there.
type NotFound<'t> = (ErrorCode, Option<&'t Arc<Topic>>);

/// The partition that is asked for.
///
/// # Errors
///
/// It is not there, or not for the client.
fn find<'t>(
    cx: &RequestContext<'_>,
    topics: &'t Topics,
    asked: &Asked,
) -> Result<(&'t Arc<Topic>, &'t Arc<Partition>), NotFound<'t>> {
    let may_read = |name: &str| cx.require(Operation::Read, Resource::Topic(name));
    let found = match &asked.key.topic {
        TopicKey::Name(name) => {
            may_read(name).map_err(|denied| (denied, None))?;
            topics.by_name(name).ok_or((ErrorCode::UnknownTopicOrPartition, None))?
        }
        TopicKey::Id(id) => {
            let topic = topics.by_id(*id).ok_or_else(|| (gone(topics, asked), None))?;
            may_read(&topic.name).map_err(|denied| (denied, Some(topic)))?;
            topic
        }
    };
    let partition = found.partition(asked.key.partition);
    Ok((found, partition.ok_or((ErrorCode::UnknownTopicOrPartition, Some(found)))?))
}

/// As Kafka, a session remembers what the topic of an id was called: whether that is another topic now, or none, is told.
fn gone(topics: &Topics, asked: &Asked) -> ErrorCode {
    let Some(name) = &asked.called else { return ErrorCode::UnknownTopicId };
    match topics.by_name(name).and_then(|topic| topic.partition(asked.key.partition)) {
        Some(_) => ErrorCode::InconsistentTopicId,
        None => ErrorCode::UnknownTopicOrPartition,
    }
}

fn read_one(
    cx: &RequestContext<'_>,
    (topic, partition): (&Arc<Topic>, &Arc<Partition>),
    asked: &Asked,
    room: Room,
    (place, rack): (usize, &str),
) -> Answer {
    let params = &asked.params;
    // As Kafka: Fetch takes any negative epoch for none, and clients that know no other replicas want the leader.
    let leader_epoch = params.current_leader_epoch.max(-1);
    let reader = Reader { node: Some(cx.node_id), leader_epoch, of_leader: cx.version < 11 };
    if let Some(preferred) = nearby::preferred(cx, partition, rack, params.fetch_offset) {
        let told = |offsets| Answer { offsets, preferred: Some(preferred), ..Answer::error(place, ErrorCode::None) };
        let looked = partition.look(reader, |_, offsets| offsets);
        let answer = looked.map_or_else(|code| Answer::error(place, code), told);
        return Answer { topic: Some(Arc::clone(topic)), partition: Some(Arc::clone(partition)), ..answer };
    }
    let from = ReadFrom {
        reader,
        offset: params.fetch_offset,
        last_fetched_epoch: params.last_fetched_epoch,
        max_bytes: usize::try_from(params.max_bytes).unwrap_or(0).min(room.bytes),
        at_least_one: room.is_first,
        isolation: room.isolation,
    };
    let mut records = Vec::new();
    match partition.read(from, &mut records) {
        Ok(Read { offsets, diverging, aborted }) => Answer {
            // As Kafka, which has not looked where only a part of the first batch would fit.
            aborted: Some(aborted).filter(|_| {
                let is_cut_off = records.is_empty() && from.max_bytes > 0 && from.offset < offsets.end(room.isolation);
                room.isolation == Isolation::ReadCommitted && diverging.is_none() && !is_cut_off
            }),
            place,
            code: ErrorCode::None,
            offsets,
            diverging,
            records,
            preferred: None,
            leader: None,
            topic: Some(Arc::clone(topic)),
            partition: Some(Arc::clone(partition)),
        },
        Err(code) => Answer { topic: Some(Arc::clone(topic)), ..Answer::error(place, code) },
    }
}

impl Answer {
    fn error(place: usize, code: ErrorCode) -> Self {
        Self {
            place,
            code,
            offsets: Offsets::NONE,
            diverging: None,
            aborted: None,
            records: Vec::new(),
            preferred: None,
            leader: None,
            topic: None,
            partition: None,
        }
    }

    /// Says who leads, to a client that does not know.
    fn name_leader(&mut self, asked: &[Asked], named: &mut Named) {
        if matches!(self.code, ErrorCode::NotLeaderOrFollower | ErrorCode::FencedLeaderEpoch) {
            let topic = self.topic.as_ref();
            let partition = topic.and_then(|topic| topic.partition(asked[self.place].key.partition));
            self.leader = partition.map(|partition| named.note(partition));
        }
    }

    /// As Kafka: what is not there, or not for the client, is answered behind all the rest, ids of no topic first.
    fn rank(&self) -> u8 {
        match self.code {
            ErrorCode::UnknownTopicId => 1,
            ErrorCode::UnknownTopicOrPartition | ErrorCode::TopicAuthorizationFailed => 2,
            _ => 0,
        }
    }

    /// The partition is not there at all, as far as the client may know.
    fn is_unknown(&self) -> bool {
        self.rank() > 0
    }

    fn len(&self) -> usize {
        self.records.iter().map(Bytes::len).sum()
    }

    /// What a session has to know of it.
    fn told(&self) -> Told {
        Told {
            called: self.topic.as_ref().map(|topic| Arc::clone(&topic.name)),
            high_watermark: self.offsets.high_watermark,
            log_start: self.offsets.log_start,
            has_records: !self.records.is_empty(),
            failed: self.code != ErrorCode::None,
            diverges: self.diverging.is_some(),
            prefers: self.preferred.is_some(),
        }
    }
}

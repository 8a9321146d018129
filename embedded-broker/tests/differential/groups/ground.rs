//! Topics that all sequences of a thread share, because a real broker takes its time to make them.

use kafka_protocol::messages::{ConsumerGroupHeartbeatRequest, FindCoordinatorRequest, GroupId, TopicName};
use uuid::Uuid;

use crate::client::Client;
use crate::patience::{ask_until, comes_true};
use crate::target::Target;
use crate::topics::{self, text, unique};

/// As many as any number of members up to four can share evenly, so that everybody gets as many on either broker.
pub(super) const PARTITIONS: i32 = 12;

pub(crate) struct Ground {
    pub(super) target: Target,
    /// What the name of the first topic begins with; patterns are made of it.
    pub(super) prefix: String,
    /// Two topics that exist, and one that does not.
    pub(super) topics: Vec<(String, Uuid)>,
}

impl Ground {
    pub(super) fn new(target: Target) -> Self {
        let prefix = unique("topic");
        let mut client = target.connect();
        let mut topics: Vec<_> = [format!("{prefix}-0"), unique("other")]
            .map(|name| (topics::create(&mut client, &name, PARTITIONS), name))
            .into();
        topics.push((Uuid::nil(), unique("absent")));
        let ground = Self { target, prefix, topics: topics.into_iter().map(|(id, name)| (name, id)).collect() };
        ground.await_topics(&mut client);
        ground
    }

    /// Waits until the group coordinator is there and knows the topics.
    fn await_topics(&self, client: &mut Client) {
        let group = unique("probe");
        let find = FindCoordinatorRequest::default().with_coordinator_keys(vec![text(&group)]);
        ask_until(|| client.call(6, &find).coordinators[0].error_code, |code| *code == 0);
        let beat =
            ConsumerGroupHeartbeatRequest::default().with_group_id(GroupId(text(&group))).with_member_id(text("a"));
        let names = self.topics.iter().map(|(name, _)| TopicName(text(name))).collect();
        let mut next = beat
            .clone()
            .with_rebalance_timeout_ms(1_000)
            .with_subscribed_topic_names(Some(names))
            .with_topic_partitions(Some(Vec::new()));
        comes_true("a member is assigned both topics", || {
            let answer = client.call(1, &next);
            // A coordinator that is still loading has not taken the member in.
            if answer.error_code == 0 {
                next = beat.clone().with_member_epoch(answer.member_epoch);
            }
            answer.assignment.is_some_and(|assignment| assignment.topic_partitions.len() == 2)
        });
        client.call(1, &beat.with_member_epoch(-1));
    }
}

//! The consumer protocol: ConsumerGroupHeartbeat.

use kafka_protocol::messages::consumer_group_heartbeat_request::TopicPartitions;
use kafka_protocol::messages::{ConsumerGroupHeartbeatRequest, ConsumerGroupHeartbeatResponse, TopicName};
use kafka_protocol::protocol::StrBytes;
use uuid::Uuid;

use super::step::Beat;
use super::world::World;
use crate::topics::text;

const UNKNOWN_MEMBER_ID: i16 = 25;
const FENCED_INSTANCE_ID: i16 = 82;
const FENCED_MEMBER_EPOCH: i16 = 110;
const INVALID_REGULAR_EXPRESSION: i16 = 128;

impl World {
    pub(super) fn beat(&mut self, client: usize, version: i16, beat: &Beat) -> Option<String> {
        // When it was the last of its protocol, Kafka chooses who leads.
        let leaves = matches!(beat, Beat::Leave { .. });
        if leaves && self.classic_members_beside(&[]) > 1 {
            return None;
        }
        if matches!(beat, Beat::Join { .. }) && self.members[client].id.is_empty() {
            self.new_id(client);
        }
        let plain = ConsumerGroupHeartbeatRequest::default()
            .with_group_id(self.group_id())
            .with_member_id(text(&self.members[client].id))
            .with_instance_id(Self::instance(client))
            .with_member_epoch(self.members[client].epoch);
        let mut request = self.request(client, plain, beat);
        if version == 0 {
            request.subscribed_topic_regex = None;
        }
        let answer = self.call(version, &request);
        Some(self.heard(client, answer, leaves))
    }

    /// Single letters come in the same order by their hashes and by themselves, and Kafka goes by the first.
    fn new_id(&mut self, client: usize) {
        let n = u8::try_from(self.members[client].ids % 4).expect("a small number");
        let first = match client {
            3 => b'a',
            4 => b'e',
            _ => b'i',
        };
        let id = char::from(first + n).to_string();
        self.members[client].id = id;
        self.members[client].ids += 1;
    }

    fn request(
        &mut self,
        client: usize,
        plain: ConsumerGroupHeartbeatRequest,
        beat: &Beat,
    ) -> ConsumerGroupHeartbeatRequest {
        let names = |world: &Self, topics: &[usize]| -> Option<Vec<TopicName>> {
            Some(topics.iter().map(|topic| world.topic_name(*topic)).collect())
        };
        let pattern = |world: &Self, regex: &str| Some(StrBytes::from_string(regex.replace("dif", &world.prefix)));
        let joining = |request: ConsumerGroupHeartbeatRequest| {
            request.with_member_epoch(0).with_rebalance_timeout_ms(300_000).with_topic_partitions(Some(Vec::new()))
        };
        let member = &mut self.members[client];
        match beat {
            Beat::Join { topics, regex, assignor } => {
                member.has.clear();
                member.told.clear();
                joining(plain)
                    .with_subscribed_topic_names(names(self, topics))
                    .with_subscribed_topic_regex(regex.and_then(|regex| pattern(self, regex)))
                    .with_server_assignor(assignor.map(text))
            }
            Beat::Plain { epoch } => plain.with_member_epoch(member.epoch + epoch),
            Beat::Done => {
                member.has.clone_from(&member.told);
                plain.with_topic_partitions(Some(wire(&member.has)))
            }
            Beat::Cling => plain.with_topic_partitions(Some(wire(&member.has))),
            Beat::Full => {
                let owned = wire(&member.has);
                plain
                    .with_rebalance_timeout_ms(300_000)
                    .with_subscribed_topic_names(names(self, &[0]))
                    .with_topic_partitions(Some(owned))
            }
            Beat::Subscribe { topics } => plain.with_subscribed_topic_names(names(self, topics)),
            Beat::SubscribePattern { regex } => plain.with_subscribed_topic_regex(pattern(self, regex)),
            Beat::Leave { epoch } => plain.with_member_epoch(*epoch),
            Beat::Senseless(0) => {
                joining(plain).with_subscribed_topic_names(names(self, &[0])).with_group_id(text("").into())
            }
            Beat::Senseless(1) => joining(plain),
            Beat::Senseless(2) => joining(plain).with_rebalance_timeout_ms(-1),
            Beat::Senseless(3) => joining(plain).with_topic_partitions(None),
            Beat::Senseless(4) => plain.with_instance_id(Some(text(""))),
            Beat::Senseless(_) => plain.with_rack_id(Some(text(""))),
        }
    }

    fn heard(&mut self, client: usize, mut answer: ConsumerGroupHeartbeatResponse, leaves: bool) -> String {
        match answer.error_code {
            0 if leaves => self.forget(client),
            0 => {
                self.members[client].epoch = answer.member_epoch;
                if let Some(id) = answer.member_id.as_ref().filter(|id| id.len() > 1) {
                    self.learn_id(client, &id.clone());
                }
            }
            UNKNOWN_MEMBER_ID | FENCED_INSTANCE_ID => self.forget(client),
            FENCED_MEMBER_EPOCH if !leaves => self.members[client].epoch = 0,
            _ => {}
        }
        if let Some(assignment) = &mut answer.assignment {
            let topics = assignment.topic_partitions.iter();
            let told: Vec<(Uuid, i32)> =
                topics.flat_map(|t| t.partitions.iter().map(|partition| (t.topic_id, *partition))).collect();
            assignment.topic_partitions.clear();
            let n = told.len();
            let member = &mut self.members[client];
            member.told = told;
            // What is no longer there when it is told is what it gives up.
            if member.has.is_empty() {
                member.has.clone_from(&member.told);
            }
            return format!("{n} partitions {answer:?}");
        }
        if answer.error_code == INVALID_REGULAR_EXPRESSION {
            // What is wrong with it is said by whatever compiles it.
            let message = answer.error_message.take().unwrap_or_default();
            let known = message.split("expression: ").next().unwrap_or_default().to_owned();
            return format!("{known} {answer:?}");
        }
        format!("{answer:?}")
    }
}

fn wire(partitions: &[(Uuid, i32)]) -> Vec<TopicPartitions> {
    let mut topics: Vec<TopicPartitions> = Vec::new();
    for &(id, partition) in partitions {
        match topics.iter_mut().find(|topic| topic.topic_id == id) {
            Some(topic) => topic.partitions.push(partition),
            None => topics.push(TopicPartitions::default().with_topic_id(id).with_partitions(vec![partition])),
        }
    }
    topics
}

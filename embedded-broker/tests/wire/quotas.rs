//! Quotas: what may be set and described, and how clients are held up that have used theirs up.

use std::time::{Duration, Instant};

use bytes::Bytes;
use embedded_broker::EmbeddedBroker;
use kafka_protocol::messages::alter_client_quotas_request::{EntityData, EntryData, OpData};
use kafka_protocol::messages::create_topics_request::CreatableTopic;
use kafka_protocol::messages::describe_client_quotas_request::ComponentData;
use kafka_protocol::messages::{
    AlterClientQuotasRequest, CreateTopicsRequest, DescribeClientQuotasRequest, MetadataRequest,
};
use kafka_protocol::protocol::StrBytes;
use uuid::Uuid;

use crate::client::Client;
use crate::each_broker::{on_each_broker, unique};
use crate::patience::ask_until;
use crate::records::{batch, fetch_request, name, produce, produce_request};

type Entity<'a> = &'a [(&'a str, Option<&'a str>)];
/// A key and its value; none takes the quota away.
type Op<'a> = (&'a str, Option<f64>);
type Answer = (i16, Option<String>);

fn text(text: &str) -> StrBytes {
    StrBytes::from_string(text.to_owned())
}

fn entry(entity: Entity<'_>, ops: &[Op<'_>]) -> EntryData {
    let named = entity
        .iter()
        .map(|(kind, name)| EntityData::default().with_entity_type(text(kind)).with_entity_name(name.map(text)));
    let op = |(key, value): &Op<'_>| {
        OpData::default().with_key(text(key)).with_value(value.unwrap_or_default()).with_remove(value.is_none())
    };
    EntryData::default().with_entity(named.collect()).with_ops(ops.iter().map(op).collect())
}

fn alter(client: &mut Client, entries: Vec<EntryData>, validate_only: bool) -> Vec<Answer> {
    let request = AlterClientQuotasRequest::default().with_entries(entries).with_validate_only(validate_only);
    let response = client.call(1, &request);
    response.entries.into_iter().map(|one| (one.error_code, one.error_message.map(|text| text.to_string()))).collect()
}

fn set(client: &mut Client, entity: Entity<'_>, key: &str, value: f64) -> Answer {
    alter(client, vec![entry(entity, &[(key, Some(value))])], false).remove(0)
}

fn refused(why: &str) -> Answer {
    (42, Some(why.to_owned()))
}

const OK: Answer = (0, None);
const EXACT: i8 = 0;
const DEFAULT: i8 = 1;
const SPECIFIED: i8 = 2;

type Condition<'a> = (&'a str, i8, Option<&'a str>);
type Described = Vec<(Vec<(String, Option<String>)>, Vec<(String, f64)>)>;

/// What is described, in order; or the code and text of a refusal.
fn describe(client: &mut Client, conditions: &[Condition<'_>], strict: bool) -> Result<Described, Answer> {
    let component = |(kind, how, name): &Condition<'_>| {
        ComponentData::default().with_entity_type(text(kind)).with_match_type(*how).with_match(name.map(text))
    };
    let request = DescribeClientQuotasRequest::default()
        .with_components(conditions.iter().map(component).collect())
        .with_strict(strict);
    let response = client.call(1, &request);
    let message = response.error_message.map(|text| text.to_string());
    let Some(entries) = response.entries else { return Err((response.error_code, message)) };
    assert_eq!((response.error_code, message.as_deref()), (0, Some("")));
    let mut described: Described = entries
        .into_iter()
        .map(|entry| {
            let name = |name: StrBytes| name.to_string();
            let mut entity: Vec<_> =
                entry.entity.into_iter().map(|one| (name(one.entity_type), one.entity_name.map(name))).collect();
            let mut values: Vec<_> = entry.values.into_iter().map(|one| (name(one.key), one.value)).collect();
            entity.sort();
            values.sort_by(|one, other| one.0.cmp(&other.0));
            (entity, values)
        })
        .collect();
    described.sort_by(|one, other| one.0.cmp(&other.0));
    Ok(described)
}

/// Describes until there is as much as wanted: a real broker learns of changes after they are answered.
fn await_described(client: &mut Client, conditions: &[Condition<'_>], strict: bool, wanted: usize) -> Described {
    let look = || describe(client, conditions, strict).expect("the conditions are legal");
    ask_until(look, |described| described.len() == wanted)
}

#[test]
fn quotas_are_described_by_conditions() {
    on_each_broker(|client| {
        let (user, id) = (unique("user"), unique("client"));
        let (user, id) = (user.as_str(), id.as_str());
        let of_user: Entity<'_> = &[("user", Some(user))];
        let of_both: Entity<'_> = &[("client-id", Some(id)), ("user", Some(user))];
        let of_all: Entity<'_> = &[("client-id", None), ("user", Some(user))];
        assert_eq!(set(client, of_user, "producer_byte_rate", 100.0), OK);
        assert_eq!(set(client, of_user, "consumer_byte_rate", 200.0), OK);
        assert_eq!(set(client, of_both, "request_percentage", 50.5), OK);
        assert_eq!(set(client, of_all, "controller_mutation_rate", 1.5), OK);

        let exact = ("user", EXACT, Some(user));
        assert_eq!(await_described(client, &[exact], false, 3).len(), 3);
        let own = await_described(client, &[exact], true, 1).remove(0);
        assert_eq!(own.0, [("user".to_owned(), Some(user.to_owned()))]);
        assert_eq!(own.1, [("consumer_byte_rate".to_owned(), 200.0), ("producer_byte_rate".to_owned(), 100.0)]);
        let both = describe(client, &[exact, ("client-id", EXACT, Some(id))], true).expect("legal").remove(0);
        assert_eq!(both.1, [("request_percentage".to_owned(), 50.5)]);
        let default = describe(client, &[exact, ("client-id", DEFAULT, None)], false).expect("legal").remove(0);
        assert_eq!(default.0[0], ("client-id".to_owned(), None));
        assert_eq!(describe(client, &[exact, ("client-id", SPECIFIED, None)], true).expect("legal").len(), 2);
        assert_eq!(describe(client, &[], true), Ok(Vec::new()), "nothing has no name at all");

        let gone = |key| vec![entry(of_user, &[(key, None)])];
        assert_eq!(alter(client, gone("producer_byte_rate"), true), [OK]);
        assert_eq!(alter(client, gone("producer_byte_rate"), false), [OK]);
        assert_eq!(alter(client, gone("consumer_byte_rate"), false), [OK]);
        assert_eq!(alter(client, gone("nope"), false), [OK]);
        await_described(client, &[exact], true, 0);
        assert_eq!(alter(client, vec![entry(of_both, &[("request_percentage", None)])], false), [OK]);
        assert_eq!(alter(client, vec![entry(of_all, &[("controller_mutation_rate", None)])], false), [OK]);
    });
}

#[test]
fn what_cannot_be_described_is_refused_in_kafkas_words() {
    on_each_broker(|client| {
        let mut answer = |conditions: &[Condition<'_>]| describe(client, conditions, false).expect_err("refused");
        let combination = "Invalid entity filter component combination. \
                           IP filter component should not be used with user or clientId filter component.";
        let ip = ("ip", EXACT, Some("1.2.3.4"));
        assert_eq!(answer(&[ip, ("user", EXACT, Some("u"))]), refused(combination));
        assert_eq!(answer(&[("nope", EXACT, Some("x"))]), (35, Some("Unsupported entity type nope".to_owned())));
        assert_eq!(answer(&[("", EXACT, Some("x"))]), refused("Invalid empty entity type."));
        let null = "Request specified MATCH_TYPE_EXACT, but set match string to null.";
        assert_eq!(answer(&[("user", EXACT, None)]), refused(null));
        assert_eq!(answer(&[("user", 3, None)]), refused("Unknown match type 3"));
        let default = "Request specified MATCH_TYPE_DEFAULT, but also specified a match string.";
        assert_eq!(answer(&[("user", DEFAULT, Some("x"))]), refused(default));
        let specified = "Request specified MATCH_TYPE_SPECIFIED, but also specified a match string.";
        assert_eq!(answer(&[("user", SPECIFIED, Some("x"))]), refused(specified));
        let twice = "Entity type user cannot appear more than once in the filter.";
        assert_eq!(answer(&[("user", EXACT, Some("u")), ("user", EXACT, Some("v"))]), refused(twice));
    });
}

#[test]
fn what_cannot_be_a_quota_is_refused_in_kafkas_words() {
    on_each_broker(|client| {
        let user = unique("user");
        let of_user: Entity<'_> = &[("user", Some(user.as_str()))];
        let ip: Entity<'_> = &[("ip", Some("1.2.3.4"))];
        for (entity, key, value, why) in [
            (&[][..], "producer_byte_rate", 1.0, "Invalid empty client quota entity"),
            (&[("nope", Some("x"))], "producer_byte_rate", 1.0, "Unhandled client quota entity type: nope"),
            (&[("user", Some(""))], "producer_byte_rate", 1.0, "Empty user not supported"),
            (&[("client-id", Some(""))], "producer_byte_rate", 1.0, "Empty client-id not supported"),
            (
                &[("ip", Some("1.2.3.4")), ("user", Some("u"))],
                "connection_creation_rate",
                1.0,
                "Invalid quota entity combination, IP entity shouldnot be combined with User or ClientId",
            ),
            (
                &[("ip", Some("not an ip"))],
                "connection_creation_rate",
                1.0,
                "not an ip is not a valid IP or resolvable host.",
            ),
            (ip, "producer_byte_rate", 1.0, "Invalid configuration key producer_byte_rate"),
            (of_user, "nope", 1.0, "Invalid configuration key nope"),
            (of_user, "producer_byte_rate", 0.0, "Quota producer_byte_rate must be greater than 0"),
            (of_user, "producer_byte_rate", 1.5, "producer_byte_rate cannot be a fractional value."),
            (of_user, "producer_byte_rate", 1e20, "Proposed value for producer_byte_rate is too large for a LONG."),
        ] {
            assert_eq!(set(client, entity, key, value), refused(why));
        }
        let twice = refused(&format!("Ignoring duplicate entity ClientQuotaEntity(entries={{user={user}}})"));
        let keys = entry(of_user, &[("producer_byte_rate", Some(1.0)), ("producer_byte_rate", Some(2.0))]);
        assert_eq!(alter(client, vec![keys], false), std::slice::from_ref(&twice));
        let first = entry(of_user, &[("producer_byte_rate", Some(7.0))]);
        let second = entry(of_user, &[("producer_byte_rate", Some(8.0))]);
        assert_eq!(alter(client, vec![first, second], false), [twice]);
        let taken = await_described(client, &[("user", EXACT, Some(user.as_str()))], true, 1);
        assert_eq!(taken[0].1, [("producer_byte_rate".to_owned(), 7.0)], "the first change counts");
        alter(client, vec![entry(of_user, &[("producer_byte_rate", None)])], false);
    });
}

/// A client whose id has a quota, and its id.
fn bounded(client: &mut Client, key: &str, value: f64) -> (Client, String) {
    let id = unique("bounded");
    assert_eq!(set(client, &[("client-id", Some(&id))], key, value), OK);
    await_described(client, &[("client-id", EXACT, Some(&id))], true, 1);
    (client.another(&id), id)
}

fn topic_with(client: &mut Client, records: &Bytes) -> String {
    let topic = unique("quota");
    let new = CreatableTopic::default().with_name(name(&topic)).with_num_partitions(1).with_replication_factor(1);
    let request = CreateTopicsRequest::default().with_topics(vec![new]).with_timeout_ms(10_000);
    assert_eq!(client.call(7, &request).topics[0].error_code, 0);
    ask_until(|| produce(client, &topic, 0, records.clone()).error_code, |code| *code == 0);
    topic
}

/// Asks something else on a connection that is held up, and waits for the answer. The time counts from before the request
/// that went too far: a client on a busy machine reads late how long it is held up.
fn held_up(client: &mut Client, since: Instant, throttle_ms: i32) {
    client.call(12, &MetadataRequest::default().with_topics(Some(Vec::new())));
    let waited = since.elapsed().as_millis();
    // A real broker looks at its clock a little coarsely.
    assert!(waited >= u128::try_from(throttle_ms * 9 / 10).expect("it is positive"), "{waited} of {throttle_ms} ms");
}

#[test]
fn a_producer_that_sends_too_much_is_held_up() {
    on_each_broker(|client| {
        let records = batch(&[&"x".repeat(10_350)], (-1, -1, -1));
        let topic = topic_with(client, &records);
        for version in [3, 8, 9, 12] {
            let (mut bounded, _) = bounded(client, "producer_byte_rate", 1000.0);
            let request = produce_request(&topic, Uuid::nil(), version, 0, records.clone());
            let asked = Instant::now();
            let response = bounded.call(version, &request);
            assert_eq!(response.responses[0].partition_responses[0].error_code, 0, "it is appended all the same");
            // Some 10.5 kB are 1.05 kB/s over ten seconds: to be 1 kB/s they take half a second more.
            assert!((450..=620).contains(&response.throttle_time_ms), "{} ms", response.throttle_time_ms);
            held_up(&mut bounded, asked, response.throttle_time_ms);
        }
    });
}

#[test]
fn a_consumer_that_would_get_too_much_gets_nothing_and_is_held_up() {
    on_each_broker(|client| {
        let topic = topic_with(client, &batch(&[&"x".repeat(10_350)], (-1, -1, -1)));
        for version in [4, 11, 12] {
            let (mut bounded, _) = bounded(client, "consumer_byte_rate", 1000.0);
            let asked = Instant::now();
            let response = bounded.call(version, &fetch_request(&topic, Uuid::nil(), version, &[(0, 0)]));
            assert!(response.responses.is_empty(), "version {version}");
            assert!((400..=620).contains(&response.throttle_time_ms), "{} ms", response.throttle_time_ms);
            held_up(&mut bounded, asked, response.throttle_time_ms);
            let (mut bounded, _) = self::bounded(client, "consumer_byte_rate", 100_000.0);
            let response = bounded.call(version, &fetch_request(&topic, Uuid::nil(), version, &[(0, 0)]));
            assert_eq!((response.responses.len(), response.throttle_time_ms), (1, 0), "within its quota");
        }
    });
}

#[test]
fn a_client_that_makes_too_many_partitions_is_held_up_and_then_refused() {
    on_each_broker(|client| {
        let (mut bounded, id) = bounded(client, "controller_mutation_rate", 10.0);
        let create = |client: &mut Client, version, partitions| {
            let new = CreatableTopic::default()
                .with_name(name(&unique("many")))
                .with_num_partitions(partitions)
                .with_replication_factor(1);
            let request = CreateTopicsRequest::default().with_topics(vec![new]).with_timeout_ms(10_000);
            let mut response = client.call(version, &request.with_validate_only(true));
            let topic = response.topics.remove(0);
            (topic.error_code, topic.error_message.map(|text| text.to_string()), response.throttle_time_ms)
        };
        // 110 may be made at once; for 90 more it takes nine seconds.
        let (code, _, throttle) = create(&mut bounded, 7, 200);
        assert_eq!((code, throttle), (0, 0), "there was enough to begin with");
        let (code, why, throttle) = create(&mut bounded, 7, 1);
        assert_eq!((code, why), (89, None));
        assert!((1..=9000).contains(&throttle), "{throttle} ms");
        let (code, _, throttle) = create(&mut client.another(&id), 5, 1);
        assert_eq!(code, 0, "old requests do not know the code");
        assert!((1..=9100).contains(&throttle), "{throttle} ms");
    });
}

#[test]
fn a_client_that_takes_too_much_time_is_held_up() {
    on_each_broker(|client| {
        let (mut bounded, _) = bounded(client, "request_percentage", 0.000_01);
        let asked = Instant::now();
        let response = bounded.call(12, &MetadataRequest::default().with_topics(None));
        assert!((1..=1000).contains(&response.throttle_time_ms), "{} ms", response.throttle_time_ms);
        held_up(&mut bounded, asked, response.throttle_time_ms);
    });
}

#[test]
fn who_is_held_up_waits_by_the_brokers_clock() {
    let (builder, hand) = EmbeddedBroker::builder().topic("t", 1).manual_clock();
    let broker = builder.start().expect("the broker starts");
    let mut client = Client::of(&broker);
    let (mut bounded, _) = bounded(&mut client, "producer_byte_rate", 1.0);
    let request = produce_request("t", Uuid::nil(), 12, 0, batch(&["value"], (-1, -1, -1)));
    let throttle = bounded.call(12, &request).throttle_time_ms;
    assert!(throttle > 50_000, "some hundred bytes at one in a second take minutes: {throttle} ms");
    let other = MetadataRequest::default().with_topics(Some(Vec::new()));
    bounded.send(12, &other);
    hand.advance(Duration::from_millis(u64::try_from(throttle).expect("it is positive")));
    bounded.receive::<MetadataRequest>(12);
}

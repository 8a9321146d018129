use super::entity::NamedEntity;
use super::*;
use crate::error::Error;

fn named(pairs: &[(&str, Option<&str>)]) -> NamedEntity {
    pairs.iter().map(|(kind, name)| ((*kind).to_owned(), name.map(str::to_owned))).collect()
}

fn set(quotas: &Quotas, entity: &[(&str, Option<&str>)], key: &str, value: f64) -> Result<(), String> {
    alter(quotas, entity, &vec![(key.to_owned(), Some(value))]).map_err(|error| error.message().to_owned())
}

fn alter(quotas: &Quotas, entity: &[(&str, Option<&str>)], ops: &Ops) -> Result<(), Error> {
    let entity = entity::read(&named(entity))?;
    let values = quotas.altered(&entity, ops)?;
    quotas.set(entity, values);
    Ok(())
}

const WHO: Who<'static> = Who { user: "u", client_id: "c" };

#[test]
fn the_nearest_quota_counts() {
    let quotas = Quotas::default();
    assert_eq!(quotas.limit(Kind::Produce, WHO), None);
    let from_the_last = [
        &[("client-id", None)][..],
        &[("client-id", Some("c"))],
        &[("user", None)],
        &[("user", None), ("client-id", None)],
        &[("user", None), ("client-id", Some("c"))],
        &[("user", Some("u"))],
        &[("user", Some("u")), ("client-id", None)],
        &[("user", Some("u")), ("client-id", Some("c"))],
    ];
    for (entity, limit) in from_the_last.into_iter().zip([1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0]) {
        set(&quotas, entity, "producer_byte_rate", limit).expect("a legal quota");
        assert_eq!(quotas.limit(Kind::Produce, WHO), Some(limit), "{entity:?}");
    }
    assert_eq!(quotas.limit(Kind::Fetch, WHO), None, "another kind is not bounded");
}

#[test]
fn clients_of_a_user_are_measured_together_and_other_users_apart() {
    let quotas = Quotas::default();
    set(&quotas, &[("user", None)], "producer_byte_rate", 1000.0).expect("a legal quota");
    let record = |user, client_id| quotas.record(Kind::Produce, Who { user, client_id }, 6000.0, Duration::ZERO);
    assert_eq!(record("u", "a"), Duration::ZERO);
    assert_eq!(record("v", "a"), Duration::ZERO);
    assert_eq!(record("u", "b"), Duration::from_secs(2));
}

#[test]
fn a_quota_that_is_taken_away_bounds_nothing() {
    let quotas = Quotas::default();
    set(&quotas, &[("user", Some("u"))], "producer_byte_rate", 1.0).expect("a legal quota");
    assert!(quotas.is_set());
    let gone = vec![("producer_byte_rate".to_owned(), None)];
    alter(&quotas, &[("user", Some("u"))], &gone).expect("it is there");
    assert!(!quotas.is_set() && quotas.all().is_empty());
}

#[test]
fn what_is_only_validated_bounds_nothing() {
    let quotas = Quotas::default();
    let ops = vec![("producer_byte_rate".to_owned(), Some(1.0))];
    let entity = entity::read(&named(&[("user", None)])).expect("an entity");
    quotas.altered(&entity, &ops).expect("a legal quota");
    assert!(!quotas.is_set());
}

#[test]
fn partitions_are_lent_and_then_refused_until_they_are_paid_back() {
    let quotas = Quotas::default();
    set(&quotas, &[("user", None)], "controller_mutation_rate", 1.0).expect("a legal quota");
    let at = Duration::from_secs;
    let mutate = |partitions, strict, now| {
        let Mutated { refused, throttle } = quotas.mutate(WHO, partitions, strict, at(now));
        (refused, throttle)
    };
    assert_eq!(mutate(15, true, 0), (false, at(0)), "what was there was enough to begin with");
    assert_eq!(mutate(1, true, 1), (true, at(3)));
    assert_eq!(mutate(1, false, 1), (false, at(4)), "old requests are only held up");
    assert_eq!(mutate(1, true, 5), (false, at(0)));
}

#[test]
fn what_kafka_refuses_is_refused_in_its_words() {
    let quotas = Quotas::default();
    let user: &[(&str, Option<&str>)] = &[("user", Some("u"))];
    let ip: &[(&str, Option<&str>)] = &[("ip", Some("1.2.3.4"))];
    for (entity, key, value, why) in [
        (&[][..], "producer_byte_rate", 1.0, "Invalid empty client quota entity"),
        (&[("nope", Some("x"))], "producer_byte_rate", 1.0, "Unhandled client quota entity type: nope"),
        (&[("user", Some(""))], "producer_byte_rate", 1.0, "Empty user not supported"),
        (user, "nope", 1.0, "Invalid configuration key nope"),
        (user, "connection_creation_rate", 1.0, "Invalid configuration key connection_creation_rate"),
        (user, "producer_byte_rate", 0.0, "Quota producer_byte_rate must be greater than 0"),
        (user, "producer_byte_rate", 1.5, "producer_byte_rate cannot be a fractional value."),
        (user, "producer_byte_rate", 1e20, "Proposed value for producer_byte_rate is too large for a LONG."),
        (ip, "producer_byte_rate", 1.0, "Invalid configuration key producer_byte_rate"),
        (ip, "connection_creation_rate", 1e10, "Proposed value for connection_creation_rate is too large for an INT."),
    ] {
        assert_eq!(set(&quotas, entity, key, value), Err(why.to_owned()));
    }
    for (entity, key, value) in [
        (user, "request_percentage", 101.5),
        (user, "producer_byte_rate", 1.000_000_1),
        (ip, "connection_creation_rate", 9.0),
    ] {
        assert_eq!(set(&quotas, entity, key, value), Ok(()));
    }
}

#[test]
fn an_address_has_the_rate_of_its_host_or_that_of_all_others() {
    let quotas = Quotas::new(Windows::default(), Windows::default());
    let set = |name: Name, rate: Option<f64>| {
        let values = rate.map(|rate| (entity::CONNECTION_CREATION_RATE.to_owned(), rate));
        quotas.set(Entity::from([(EntityType::Ip, name)]), values.into_iter().collect());
    };
    let rate = |ip: [u8; 4]| quotas.connection_rate(ip.into());
    set(Name::Exact("localhost".to_owned()), Some(3.0));
    set(Name::Exact("::ffff:10.0.0.1".to_owned()), Some(4.0));
    set(Name::Exact("no-such-host.invalid".to_owned()), Some(5.0));
    set(Name::Default, Some(1.0));
    assert_eq!([[127, 0, 0, 1], [10, 0, 0, 1], [10, 0, 0, 2]].map(rate), [Some(3.0), Some(4.0), Some(1.0)]);
    set(Name::Exact("localhost".to_owned()), None);
    set(Name::Exact("no-such-host.invalid".to_owned()), None);
    assert_eq!(rate([127, 0, 0, 1]), Some(1.0));
    set(Name::Default, None);
    assert_eq!(rate([127, 0, 0, 1]), None);
}

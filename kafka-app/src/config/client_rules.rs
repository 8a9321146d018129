//! Properties of a client that are right alone and wrong together.

use crate::config::{
    client_map::{Client, Said, idempotence_obstacle, is_consumer_protocol},
    mistake::Mistakes,
};

/// Checks everything said for one client. `place` gives the source and the shown path of what was said at a path.
pub(crate) fn check<'p>(client: Client, said: &[Said], place: impl Fn(&str) -> (&'p str, String), mistakes: &Mistakes) {
    let mistake = |said: &Said, text: &str| {
        let (source, path) = place(&said.path);
        mistakes.add(source, path, text);
    };
    check_order(client, said, &mistake);
    check_security(said, &mistake);
    match client {
        Client::Consumer => check_group(said, &mistake),
        Client::Producer => check_producer(said, &mistake),
        Client::Admin => {}
    }
}

fn check_order(client: Client, said: &[Said], mistake: &impl Fn(&Said, &str)) {
    check_pair(said, ("reconnect.backoff.max.ms", 1_000), ("reconnect.backoff.ms", 100), mistake);
    // Its default grows with message.max.bytes.
    if client == Client::Consumer && last(said, "fetch.max.bytes").is_some() {
        check_pair(said, ("fetch.max.bytes", 52_428_800), ("message.max.bytes", 1_000_000), mistake);
    }
}

fn check_pair(said: &[Said], high: (&str, i64), low: (&str, i64), mistake: &impl Fn(&Said, &str)) {
    let (high_said, low_said) = (last(said, high.0), last(said, low.0));
    if let Some(either) = high_said.or(low_said)
        && number(high_said, high.1) < number(low_said, low.1)
    {
        let [high, low] = [high, low].map(|(name, default)| format!("{name} (default {default})"));
        mistake(either, &format!("{high} must not be less than {low}"));
    }
}

fn check_group(said: &[Said], mistake: &impl Fn(&Said, &str)) {
    if is_consumer_protocol(said) {
        for said in said.iter().filter(|said| DECIDED_BY_BROKER.contains(&said.key.as_str())) {
            mistake(said, "cannot be set with group.protocol = consumer: the broker decides about it");
        }
        return;
    }
    if let Some(remote) = last(said, "group.remote.assignor") {
        mistake(remote, "needs \"group.protocol\" = \"consumer\"");
    }
    if let Some(assignors) = last(said, "partition.assignment.strategy")
        && is_mixed(&assignors.value)
    {
        mistake(assignors, "cooperative-sticky cannot be mixed with other assignors");
    }
    check_pair(said, ("max.poll.interval.ms", 300_000), ("session.timeout.ms", 45_000), mistake);
}

const DECIDED_BY_BROKER: [&str; 3] = ["session.timeout.ms", "heartbeat.interval.ms", "partition.assignment.strategy"];

fn is_mixed(assignors: &str) -> bool {
    let is_cooperative = |assignor: &str| assignor.trim().eq_ignore_ascii_case("cooperative-sticky");
    assignors.split(',').any(is_cooperative) && !assignors.split(',').all(is_cooperative)
}

fn check_producer(said: &[Said], mistake: &impl Fn(&Said, &str)) {
    if let Some(idempotence) = last(said, "enable.idempotence")
        && is_true(idempotence)
        && let Some(obstacle) = idempotence_obstacle(said)
    {
        mistake(
            obstacle,
            "contradicts \"enable.idempotence\" = true, which needs acks=all, retries and at most 5 in flight",
        );
    }
    let (timeout, linger) = (last(said, "delivery.timeout.ms"), last(said, "linger.ms"));
    let (timeout_ms, linger_ms) = (decimal(timeout, 120_000.0), decimal(linger, 5.0));
    if let Some(either) = linger.or(timeout)
        && timeout_ms > 0.0
        && timeout_ms <= linger_ms
    {
        mistake(either, "delivery.timeout.ms (default 120000) must be more than linger.ms (default 5)");
    }
}

fn check_security(said: &[Said], mistake: &impl Fn(&Said, &str)) {
    let protocol = last(said, "security.protocol");
    let mechanism = last(said, "sasl.mechanism");
    match (protocol, mechanism) {
        (Some(protocol), None) if uses_sasl(said) => {
            mistake(protocol, "needs \"sasl.mechanism\" under [kafka.properties], such as PLAIN or SCRAM-SHA-512");
        }
        (Some(_), Some(mechanism)) if uses_sasl(said) && has_password(mechanism) => {
            for key in ["sasl.username", "sasl.password"].iter().filter(|key| last(said, key).is_none()) {
                mistake(mechanism, &format!("needs \"{key}\""));
            }
        }
        _ => {}
    }
    if let Some(store) = last(said, "ssl.keystore.location")
        && last(said, "ssl.keystore.password").is_none()
    {
        mistake(store, "needs the key store's password (ssl.key-store-password)");
    }
}

/// Whether a client's protocol is one of SASL's.
pub(crate) fn uses_sasl(said: &[Said]) -> bool {
    last(said, "security.protocol").is_some_and(|said| said.value.trim().to_ascii_lowercase().starts_with("sasl_"))
}

fn has_password(mechanism: &Said) -> bool {
    let mechanism = mechanism.value.trim().to_ascii_uppercase();
    mechanism == "PLAIN" || mechanism.starts_with("SCRAM-")
}

/// The most specific that was said of a property.
pub(crate) fn last<'s>(said: &'s [Said], key: &str) -> Option<&'s Said> {
    said.iter().rfind(|said| said.key == key)
}

/// Text that is no number has been reported; it is no mistake here.
fn number(said: Option<&Said>, default: i64) -> i64 {
    said.and_then(|said| said.value.trim().parse().ok()).unwrap_or(default)
}

fn decimal(said: Option<&Said>, default: f64) -> f64 {
    said.and_then(|said| said.value.trim().parse().ok()).unwrap_or(default)
}

fn is_true(said: &Said) -> bool {
    ["true", "t", "1"].iter().any(|word| said.value.trim().eq_ignore_ascii_case(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mistakes_of(client: Client, entries: &[(&str, &str)]) -> Vec<String> {
        let said = |(key, value): &(&str, &str)| Said {
            path: (*key).to_owned(),
            key: (*key).to_owned(),
            value: (*value).to_owned(),
            is_typed: false,
        };
        let mistakes = Mistakes::default();
        check(client, &entries.iter().map(said).collect::<Vec<_>>(), |path| ("", path.to_owned()), &mistakes);
        mistakes.into_vec().iter().map(ToString::to_string).collect()
    }

    fn mistake(client: Client, entries: &[(&str, &str)]) -> String {
        let list = mistakes_of(client, entries);
        assert_eq!(list.len(), 1, "{entries:?}: {list:?}");
        list.concat()
    }

    #[test]
    fn the_consumer_protocol_excludes_what_the_broker_decides() {
        for key in ["session.timeout.ms", "heartbeat.interval.ms", "partition.assignment.strategy"] {
            let text = mistake(Client::Consumer, &[("group.protocol", "consumer"), (key, "1")]);
            assert_eq!(
                text,
                format!("{key}: cannot be set with group.protocol = consumer: the broker decides about it")
            );
        }
        assert_eq!(mistakes_of(Client::Consumer, &[("group.protocol", "consumer")]), [""; 0]);
        let text = mistake(Client::Consumer, &[("group.remote.assignor", "uniform")]);
        assert!(text.contains("needs \"group.protocol\""), "{text}");
    }

    #[test]
    fn cooperative_and_eager_assignors_do_not_mix() {
        let text = mistake(Client::Consumer, &[("partition.assignment.strategy", "range,cooperative-sticky")]);
        assert!(text.contains("cannot be mixed"), "{text}");
        assert_eq!(mistakes_of(Client::Consumer, &[("partition.assignment.strategy", "range,roundrobin")]), [""; 0]);
    }

    #[test]
    fn intervals_and_sizes_are_in_order() {
        let text = mistake(Client::Consumer, &[("max.poll.interval.ms", "10000")]);
        assert!(text.contains("must not be less than session.timeout.ms (default 45000)"), "{text}");
        let both = [("max.poll.interval.ms", "10000"), ("session.timeout.ms", "6000")];
        assert_eq!(mistakes_of(Client::Consumer, &both), [""; 0]);
        mistake(Client::Admin, &[("reconnect.backoff.ms", "20000")]);
        mistake(Client::Consumer, &[("fetch.max.bytes", "1000")]);
        assert_eq!(mistakes_of(Client::Consumer, &[("message.max.bytes", "100000000")]), [""; 0]);
        mistake(Client::Producer, &[("delivery.timeout.ms", "5")]);
        assert_eq!(mistakes_of(Client::Producer, &[("delivery.timeout.ms", "0")]), [""; 0]);
    }

    #[test]
    fn idempotence_asked_for_cannot_have_fewer_acks() {
        let text = mistake(Client::Producer, &[("enable.idempotence", "true"), ("acks", "1")]);
        assert!(text.starts_with("acks: contradicts"), "{text}");
        assert_eq!(mistakes_of(Client::Producer, &[("acks", "1")]), [""; 0]);
    }

    #[test]
    fn sasl_is_complete_or_absent() {
        let text = mistake(Client::Admin, &[("security.protocol", "sasl_ssl")]);
        assert!(text.contains("needs \"sasl.mechanism\""), "{text}");
        let no_password = [("security.protocol", "sasl_ssl"), ("sasl.mechanism", "PLAIN"), ("sasl.username", "u")];
        assert_eq!(mistake(Client::Admin, &no_password), "sasl.mechanism: needs \"sasl.password\"");
        let oauth = [("security.protocol", "sasl_ssl"), ("sasl.mechanism", "OAUTHBEARER")];
        assert_eq!(mistakes_of(Client::Admin, &oauth), [""; 0]);
    }

    #[test]
    fn a_key_store_has_a_password() {
        let text = mistake(Client::Consumer, &[("ssl.keystore.location", "/a.p12")]);
        assert!(text.contains("needs the key store's password"), "{text}");
    }
}

//! One client that pushes metrics, as the broker remembers it between requests: pure.

use std::borrow::Cow;
use std::net::SocketAddr;
use std::time::Duration;

use uuid::Uuid;

use crate::clock::Timestamp;
use crate::config::client_metrics::{DEFAULT_INTERVAL_MS, Subscription};
use crate::error::ErrorCode;
use crate::kafka_id::kafka_id;

/// What subscriptions can be matched with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Client {
    pub(crate) instance_id: Uuid,
    pub(crate) client_id: String,
    pub(crate) software_name: String,
    pub(crate) software_version: String,
    pub(crate) peer: SocketAddr,
}

impl Client {
    fn value(&self, selector: &str) -> Cow<'_, str> {
        match selector {
            "client_id" => Cow::Borrowed(self.client_id.as_str()),
            "client_software_name" => Cow::Borrowed(self.software_name.as_str()),
            "client_software_version" => Cow::Borrowed(self.software_version.as_str()),
            "client_source_address" => Cow::Owned(self.peer.ip().to_string()),
            "client_source_port" => Cow::Owned(self.peer.port().to_string()),
            _ => Cow::Owned(kafka_id(self.instance_id)),
        }
    }
}

/// What a client was told to push, and when it last asked and pushed.
#[derive(Debug, Clone)]
pub(crate) struct Instance {
    pub(crate) subscription_id: i32,
    pub(crate) metrics: Vec<String>,
    pub(crate) interval_ms: i32,
    /// Of the subscriptions it was made from.
    pub(crate) version: u64,
    last_get: Option<Timestamp>,
    last_push: Option<Timestamp>,
    terminating: bool,
    last_error: ErrorCode,
    pub(crate) last_seen: Timestamp,
}

impl Instance {
    /// Of a client that is new, or whose subscriptions have changed.
    pub(crate) fn new<'a>(
        client: &Client,
        subscriptions: impl Iterator<Item = &'a Subscription>,
        version: u64,
        now: Timestamp,
    ) -> Self {
        let mut metrics: Vec<String> = Vec::new();
        let mut interval_ms = DEFAULT_INTERVAL_MS;
        for subscription in subscriptions.filter(|one| one.is_for(|selector| client.value(selector))) {
            metrics.extend(subscription.metrics.iter().cloned());
            interval_ms = interval_ms.min(subscription.interval_ms);
        }
        metrics.sort_unstable();
        metrics.dedup();
        if metrics.iter().any(|metric| metric == "*") {
            metrics = vec!["*".to_owned()];
        }
        Self {
            subscription_id: subscription_id(&metrics, interval_ms, client.instance_id),
            metrics,
            interval_ms,
            version,
            last_get: None,
            last_push: None,
            terminating: false,
            last_error: ErrorCode::None,
            last_seen: now,
        }
    }

    /// Whether the client may ask for its subscriptions now: once an interval, and again after it was told that what it
    /// pushed was not what it should.
    pub(crate) fn get(&mut self, now: Timestamp) -> Result<(), ErrorCode> {
        self.last_seen = now;
        if self.is_due(self.last_get.max(self.last_push), now) {
            self.last_get = Some(now);
        } else if !matches!(self.last_error, ErrorCode::UnknownSubscriptionId | ErrorCode::UnsupportedCompressionType) {
            return Err(ErrorCode::ThrottlingQuotaExceeded);
        }
        self.last_error = ErrorCode::None;
        Ok(())
    }

    /// Whether a push is taken: once an interval, at once after the subscriptions were asked for, and at the end.
    pub(crate) fn push(&mut self, push: &Push, max_bytes: usize, now: Timestamp) -> Result<(), ErrorCode> {
        self.last_seen = now;
        let judged = self.judge(push, max_bytes, now);
        self.terminating = push.terminating;
        self.last_error = judged.err().unwrap_or(ErrorCode::None);
        judged
    }

    fn judge(&mut self, push: &Push, max_bytes: usize, now: Timestamp) -> Result<(), ErrorCode> {
        if self.terminating {
            return Err(ErrorCode::InvalidRequest);
        }
        // Times may be equal on a clock that stands still: asking comes first, so an equal push was the later.
        let has_asked = self.last_get.is_some() && self.last_get > self.last_push;
        let due = has_asked || self.is_due(self.last_push, now);
        if due {
            self.last_push = Some(now);
        } else if !push.terminating {
            return Err(ErrorCode::ThrottlingQuotaExceeded);
        }
        if push.subscription_id != self.subscription_id {
            return Err(ErrorCode::UnknownSubscriptionId);
        }
        if !(0..=4).contains(&push.compression) {
            return Err(ErrorCode::UnsupportedCompressionType);
        }
        if push.len > max_bytes { Err(ErrorCode::TelemetryTooLarge) } else { Ok(()) }
    }

    fn is_due(&self, last: Option<Timestamp>, now: Timestamp) -> bool {
        last.is_none_or(|last| now.saturating_sub(last) >= self.interval())
    }

    fn interval(&self) -> Duration {
        Duration::from_millis(u64::try_from(self.interval_ms).unwrap_or(0))
    }

    /// Whether it has been silent for so long that it counts as gone: three intervals, and a minute at least.
    pub(crate) fn is_gone(&self, now: Timestamp) -> bool {
        now.saturating_sub(self.last_seen) > (self.interval() * 3).max(Duration::from_secs(60))
    }
}

/// What counts of a push when it is judged.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Push {
    pub(crate) subscription_id: i32,
    pub(crate) terminating: bool,
    pub(crate) compression: i8,
    pub(crate) len: usize,
}

/// Another for every set of metrics, interval and client.
fn subscription_id(metrics: &[String], interval_ms: i32, client: Uuid) -> i32 {
    let crc = crc32c::crc32c(format!("[{}]{interval_ms}", metrics.join(", ")).as_bytes());
    let (high, low) = client.as_u64_pair();
    let mixed = high ^ low;
    let hash = u32::try_from((mixed >> 32) ^ (mixed & 0xffff_ffff)).unwrap_or_default();
    (crc ^ hash).cast_signed()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client() -> Client {
        Client {
            instance_id: Uuid::from_u128(7),
            client_id: "app-1".to_owned(),
            software_name: "rust".to_owned(),
            software_version: "1".to_owned(),
            peer: SocketAddr::from(([127, 0, 0, 1], 9)),
        }
    }

    fn subscription(pairs: &[(&str, &str)]) -> Subscription {
        let configs = pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Subscription::read(&configs).expect("legal configs")
    }

    fn instance() -> Instance {
        Instance::new(&client(), [subscription(&[("interval.ms", "1000")])].iter(), 0, Duration::ZERO)
    }

    fn push(instance: &Instance) -> Push {
        Push { subscription_id: instance.subscription_id, terminating: false, compression: 0, len: 1 }
    }

    const AT: fn(u64) -> Timestamp = Duration::from_millis;

    #[test]
    fn all_matching_subscriptions_count_together() {
        let all = [
            subscription(&[("metrics", "b,a"), ("interval.ms", "5000")]),
            subscription(&[("metrics", "a"), ("interval.ms", "2000"), ("match", "client_source_port=9")]),
            subscription(&[("metrics", "*"), ("interval.ms", "100"), ("match", "client_software_name=java")]),
        ];
        let made = Instance::new(&client(), all.iter(), 0, Duration::ZERO);
        assert_eq!((made.metrics, made.interval_ms), (vec!["a".to_owned(), "b".to_owned()], 2000));
        let every = [subscription(&[("metrics", "a,*")])];
        assert_eq!(Instance::new(&client(), every.iter(), 0, Duration::ZERO).metrics, ["*"]);
        assert!(Instance::new(&client(), [].iter(), 0, Duration::ZERO).metrics.is_empty());
    }

    #[test]
    fn a_client_asks_once_an_interval_and_may_push_at_once_after_it() {
        let mut instance = instance();
        let push = push(&instance);
        assert_eq!(instance.get(AT(0)), Ok(()));
        assert_eq!(instance.get(AT(10)), Err(ErrorCode::ThrottlingQuotaExceeded));
        assert_eq!(instance.push(&push, 10, AT(20)), Ok(()));
        assert_eq!(instance.push(&push, 10, AT(30)), Err(ErrorCode::ThrottlingQuotaExceeded));
        assert_eq!(instance.push(&push, 10, AT(1020)), Ok(()));
    }

    #[test]
    fn a_client_that_pushed_wrongly_may_ask_again_at_once() {
        let wrong = |push: &Push| Push { subscription_id: push.subscription_id + 1, ..*push };
        let unknown = |push: &Push| Push { compression: 9, ..*push };
        for (change, code) in [
            (&wrong as &dyn Fn(&Push) -> Push, ErrorCode::UnknownSubscriptionId),
            (&unknown, ErrorCode::UnsupportedCompressionType),
        ] {
            let mut instance = instance();
            let push = change(&push(&instance));
            assert_eq!(instance.get(AT(0)), Ok(()));
            assert_eq!(instance.push(&push, 10, AT(1)), Err(code));
            assert_eq!(instance.get(AT(2)), Ok(()));
            assert_eq!(instance.get(AT(3)), Err(ErrorCode::ThrottlingQuotaExceeded));
        }
    }

    #[test]
    fn a_push_may_be_too_large_and_none_follows_the_last() {
        let mut instance = instance();
        let large = Push { len: 11, ..push(&instance) };
        assert_eq!(instance.push(&large, 10, AT(0)), Err(ErrorCode::TelemetryTooLarge));
        let last = Push { terminating: true, ..push(&instance) };
        assert_eq!(instance.push(&last, 10, AT(1)), Ok(()));
        assert_eq!(instance.push(&last, 10, AT(5000)), Err(ErrorCode::InvalidRequest));
    }

    #[test]
    fn a_silent_client_is_forgotten() {
        let instance = instance();
        assert!(!instance.is_gone(AT(60_000)));
        assert!(instance.is_gone(AT(60_001)));
    }
}

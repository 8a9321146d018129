//! Versions up to which requests are served, so that a broker can pass for an older one.

use crate::error::{Error, ErrorCode};
use crate::fault::api_name::Api;
use releases::{NEWEST, RELEASES};

mod releases;

/// The newest version of each request that is served, where that is less than what the table of requests says. It knows
/// nothing of that table.
#[derive(Debug, Clone)]
pub(crate) struct Ceilings {
    /// By key; shorter than the keys if there is no ceiling.
    newest: Vec<i16>,
    /// Of all others.
    newest_of_others: i16,
    /// Whether features are told of.
    pub(crate) hides_features: bool,
}

impl Default for Ceilings {
    fn default() -> Self {
        Self { newest: Vec::new(), newest_of_others: i16::MAX, hides_features: false }
    }
}

impl Ceilings {
    /// What a release of Kafka serves, as far as this broker does.
    ///
    /// # Errors
    ///
    /// If nothing is known of this release.
    pub(crate) fn of_release(release: &str) -> Result<Self, Error> {
        // The broker is a 4.1 by itself.
        if release == "4.1" {
            return Ok(Self::default());
        }
        let Some(column) = RELEASES.iter().position(|known| *known == release) else {
            let message =
                format!("be_kafka({release:?}): the releases that are known are {} and 4.1", RELEASES.join(", "));
            return Err(Error::with_code(ErrorCode::InvalidConfig, message));
        };
        let hides_features = !release.starts_with("4.");
        let mut ceilings = Self { newest: Vec::new(), newest_of_others: -1, hides_features };
        NEWEST.iter().for_each(|(api, newest)| ceilings.set(api.key(), newest[column]));
        Ok(ceilings)
    }

    /// Serves a request in no version above this one.
    pub(crate) fn lower(&mut self, api: Api, version: i16) {
        self.set(api.key(), version.min(self.of(api.key())));
    }

    /// No version of the request with this key is served above this one; -1 if none is.
    pub(crate) fn of(&self, key: i16) -> i16 {
        let known = usize::try_from(key).ok().and_then(|key| self.newest.get(key));
        known.copied().unwrap_or(self.newest_of_others)
    }

    fn set(&mut self, key: i16, newest: i16) {
        let at = usize::try_from(key).unwrap_or_default();
        if self.newest.len() <= at {
            self.newest.resize(at + 1, self.newest_of_others);
        }
        self.newest[at] = newest;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ceiling_is_of_one_request() {
        let mut ceilings = Ceilings::default();
        ceilings.lower(Api::Fetch, 11);
        ceilings.lower(Api::Fetch, 12);
        assert_eq!(ceilings.of(Api::Fetch.key()), 11, "the lowest counts");
        assert_eq!(ceilings.of(Api::Produce.key()), i16::MAX);
        assert_eq!(ceilings.of(Api::DescribeTopicPartitions.key()), i16::MAX);
    }

    #[test]
    fn a_release_serves_what_it_knew() {
        let old = Ceilings::of_release("2.8").unwrap();
        assert_eq!(old.of(Api::Fetch.key()), 12);
        assert_eq!(old.of(Api::ConsumerGroupHeartbeat.key()), -1);
        assert_eq!((old.of(88), old.of(1000)), (-1, -1), "what no release of these serves");
        assert!(Ceilings::of_release("1.0").unwrap_err().to_string().contains("2.4, 2.8"));
        let own = Ceilings::of_release("4.1").unwrap();
        assert_eq!(own.of(Api::Fetch.key()), i16::MAX);
    }

    #[test]
    fn no_release_serves_less_than_the_one_before() {
        for (api, newest) in NEWEST {
            // KRaft came without what manages users and tokens, and had it back later.
            let lost = matches!(api.key(), 38..=41 | 50 | 51);
            assert!(lost || newest.is_sorted(), "{api:?}");
        }
        assert!(NEWEST.is_sorted_by_key(|(api, _)| api.key()));
    }
}

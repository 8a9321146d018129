//! Versions up to which requests are served, so that a broker can pass for an older one.

use crate::api::{self, APIS};
use crate::error::{Error, ErrorCode};
use crate::fault::api_name::Api;
use releases::{NEWEST, RELEASES};

mod releases;

/// The newest version of each request that is served, where that is not what the table of requests says.
#[derive(Debug, Clone, Default)]
pub(crate) struct Ceilings {
    /// By key; shorter than the keys if there is no ceiling.
    newest: Vec<i16>,
    /// Whether features are told of.
    pub(crate) hides_features: bool,
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
        let mut ceilings = Self { newest: Vec::new(), hides_features: !release.starts_with("4.") };
        for row in APIS {
            let served = NEWEST.iter().find(|(api, _)| api.key() == row.key as i16);
            ceilings.set(row.key as i16, served.map_or(-1, |(_, newest)| newest[column]));
        }
        Ok(ceilings)
    }

    /// Serves a request in no version above this one.
    ///
    /// # Errors
    ///
    /// If it is not served in this version at all.
    pub(crate) fn lower(&mut self, api: Api, version: i16) -> Result<(), Error> {
        let Some(row) = api::api(api.key()).filter(|row| (row.min_version..=row.max_version).contains(&version)) else {
            let message = format!("version_ceiling({api:?}, {version}): this version is not served");
            return Err(Error::with_code(ErrorCode::InvalidConfig, message));
        };
        self.set(api.key(), version.min(self.newest(row)));
        Ok(())
    }

    /// The newest version of a request that is served; less than the oldest if none is.
    pub(crate) fn newest(&self, row: &api::Api) -> i16 {
        let ceiling = self.newest.get(usize::try_from(row.key as i16).unwrap_or(usize::MAX));
        ceiling.map_or(row.max_version, |ceiling| row.max_version.min(*ceiling))
    }

    /// Whether this version of a request is served.
    pub(crate) fn serves(&self, row: &api::Api, version: i16) -> bool {
        version >= row.min_version && version <= self.newest(row)
    }

    fn set(&mut self, key: i16, newest: i16) {
        let at = usize::try_from(key).unwrap_or_default();
        if self.newest.len() <= at {
            self.newest.resize(at + 1, i16::MAX);
        }
        self.newest[at] = newest;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(api: Api) -> &'static api::Api {
        api::api(api.key()).unwrap()
    }

    #[test]
    fn without_a_ceiling_everything_is_served_as_the_table_says() {
        for row in APIS {
            assert_eq!(Ceilings::default().newest(row), row.max_version);
        }
    }

    #[test]
    fn a_ceiling_is_of_one_request() {
        let mut ceilings = Ceilings::default();
        ceilings.lower(Api::Fetch, 11).unwrap();
        ceilings.lower(Api::Fetch, 12).unwrap();
        assert_eq!(ceilings.newest(row(Api::Fetch)), 11, "the lowest counts");
        assert_eq!(ceilings.newest(row(Api::Produce)), 13);
        assert!(ceilings.serves(row(Api::Fetch), 4) && !ceilings.serves(row(Api::Fetch), 12));
        assert!(!ceilings.serves(row(Api::Fetch), 3));
    }

    #[test]
    fn a_version_that_is_not_served_anyway_cannot_be_a_ceiling() {
        let refused = Ceilings::default().lower(Api::Produce, 2).unwrap_err();
        assert_eq!(refused.to_string(), "version_ceiling(Produce, 2): this version is not served");
    }

    #[test]
    fn a_release_serves_what_it_knew() {
        let old = Ceilings::of_release("2.8").unwrap();
        assert_eq!(old.newest(row(Api::Fetch)), 12);
        assert_eq!(old.newest(row(Api::ConsumerGroupHeartbeat)), -1);
        assert!(Ceilings::of_release("1.0").unwrap_err().to_string().contains("2.4, 2.8"));
        let own = Ceilings::of_release("4.1").unwrap();
        assert_eq!(own.newest(row(Api::Fetch)), 18);
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

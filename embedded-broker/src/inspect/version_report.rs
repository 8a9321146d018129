//! Which versions of requests were offered, and which of those were used.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::RangeInclusive;

use super::requests::RequestLog;
use crate::api::{APIS, advertised};
use crate::fault::api_name::Api;

/// Which versions of each request the broker offers, and which were used: [`RequestLog::version_report`]. Printed, it is a
/// table.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct VersionReport {
    /// By request; those that nobody has used as well.
    pub apis: BTreeMap<Api, VersionUse>,
}

/// Of one request.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct VersionUse {
    /// What ApiVersions tells.
    pub advertised: RangeInclusive<i16>,
    /// Each version that was used, and how often.
    pub used: BTreeMap<i16, usize>,
}

impl VersionReport {
    pub(super) fn of(requests: &RequestLog) -> Self {
        let ceilings = &requests.cluster().settings.ceilings;
        let named = APIS.iter().filter_map(|row| Some((Api::from_key(row.key as i16)?, advertised(row, ceilings))));
        let served = named.filter(|(_, advertised)| !advertised.is_empty());
        let unused = |advertised| VersionUse { advertised, used: BTreeMap::new() };
        let mut apis: BTreeMap<_, _> = served.map(|(api, advertised)| (api, unused(advertised))).collect();
        for request in requests.all() {
            if let Some(of_api) = apis.get_mut(&request.api) {
                *of_api.used.entry(request.version).or_default() += 1;
            }
        }
        Self { apis }
    }

    /// The requests that were used, with the versions that were.
    pub fn used(&self) -> impl Iterator<Item = (Api, &VersionUse)> {
        self.apis.iter().filter(|(_, of_api)| !of_api.used.is_empty()).map(|(api, of_api)| (*api, of_api))
    }
}

impl VersionUse {
    /// Whether clients have used the newest version there is, and no other.
    #[must_use]
    pub fn is_newest_only(&self) -> bool {
        self.used.keys().all(|version| version == self.advertised.end())
    }
}

impl fmt::Display for VersionReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{:<28} {:>10}  used (times)", "request", "advertised")?;
        for (api, of_api) in self.used() {
            let (first, last) = (of_api.advertised.start(), of_api.advertised.end());
            let used: Vec<_> = of_api.used.iter().map(|(version, times)| format!("{version} ({times})")).collect();
            writeln!(f, "{:<28} {:>10}  {}", format!("{api:?}"), format!("{first}-{last}"), used.join(", "))?;
        }
        Ok(())
    }
}

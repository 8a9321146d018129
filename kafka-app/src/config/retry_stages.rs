//! [`RetryTopics`]: the way of a record that fails again and again, decided: pure.

use std::time::Duration;

use crate::config::RetryTopicNames;

/// Most topics of one listener for one topic it reads: each costs a consumer, and the broker a topic.
pub(crate) const MOST_STAGES: usize = 32;

/// A listener's retry topics, decided.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct RetryTopics {
    /// How often a record is handled over all topics; at least 2.
    pub(crate) attempts: u32,
    /// In the order a record passes them; at least one.
    pub(crate) stages: Vec<Stage>,
    /// Share of a delay that is random; 0 to 1.
    pub(crate) jitter: f64,
    pub(crate) auto_create: bool,
    /// Of topics that are created; `None`: the broker's.
    pub(crate) replication_factor: Option<u16>,
    /// Consumers of each; at least 1.
    pub(crate) concurrency: u32,
}

/// One retry topic, of whatever topic the listener reads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Stage {
    /// `-retry`, `-retry-1000`, `-retry-0`.
    pub(crate) suffix: String,
    /// How often a record was forwarded when it comes here first, from 1. It stays until the next stage's.
    pub(crate) from: u32,
    pub(crate) delay: Duration,
}

/// The delays from time to time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Delays {
    pub(crate) first: Duration,
    /// At least 1.
    pub(crate) multiplier: f64,
    pub(crate) longest: Duration,
}

impl RetryTopics {
    /// Where a record goes that was forwarded so often; `None`: its attempts are spent.
    pub(crate) fn next(&self, n_forwarded: u32) -> Option<&Stage> {
        let next = n_forwarded.checked_add(1).filter(|next| *next < self.attempts)?;
        self.stages.iter().rev().find(|stage| stage.from <= next)
    }
}

/// The stages of so many attempts; at most one more than [`MOST_STAGES`].
pub(crate) fn stages(attempts: u32, delays: Delays, names: RetryTopicNames, suffix: &str) -> Vec<Stage> {
    let mut stages: Vec<Stage> = Vec::new();
    let mut delay = delays.first.min(delays.longest);
    for from in 1..attempts {
        let is_another = match (names, stages.last()) {
            (_, None) | (RetryTopicNames::PerAttempt, _) => true,
            // Names have milliseconds: what does not differ there is one delay.
            (RetryTopicNames::PerDelay, Some(last)) => last.delay.as_millis() != delay.as_millis(),
            (RetryTopicNames::Single, Some(_)) => false,
        };
        if is_another {
            stages.push(Stage { suffix: String::new(), from, delay });
        }
        let grown = grow(delay, delays.multiplier).min(delays.longest);
        if stages.len() > MOST_STAGES || (grown == delay && names != RetryTopicNames::PerAttempt) {
            break;
        }
        delay = grown;
    }
    // Whether delays would ever differ, and not whether they do: one more attempt must rename none.
    let grows =
        delays.multiplier > 1.0 && !delays.first.is_zero() && delays.longest.as_millis() > delays.first.as_millis();
    for (index, stage) in stages.iter_mut().enumerate() {
        stage.suffix = match names {
            RetryTopicNames::PerAttempt => format!("{suffix}-{index}"),
            RetryTopicNames::PerDelay if grows => format!("{suffix}-{}", stage.delay.as_millis()),
            RetryTopicNames::PerDelay | RetryTopicNames::Single => suffix.to_owned(),
        };
    }
    stages
}

/// Saturates: the limit is as long as a `Duration` can be.
fn grow(delay: Duration, factor: f64) -> Duration {
    Duration::try_from_secs_f64(delay.as_secs_f64() * factor).unwrap_or(Duration::MAX)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn delays(first_ms: u64, multiplier: f64, longest_ms: u64) -> Delays {
        Delays { first: Duration::from_millis(first_ms), multiplier, longest: Duration::from_millis(longest_ms) }
    }

    fn suffixes(attempts: u32, delays: Delays, names: RetryTopicNames) -> Vec<String> {
        stages(attempts, delays, names, "-retry").into_iter().map(|stage| stage.suffix).collect()
    }

    #[test]
    fn one_delay_needs_one_topic_however_many_attempts_there_are() {
        for names in [RetryTopicNames::PerDelay, RetryTopicNames::Single] {
            assert_eq!(suffixes(4, delays(1_000, 1.0, 60_000), names), ["-retry"]);
            assert_eq!(suffixes(u32::MAX, delays(1_000, 1.0, 60_000), names), ["-retry"]);
        }
    }

    #[test]
    fn delays_name_their_topics_and_the_longest_is_used_again() {
        let growing = delays(1_000, 2.0, 5_000);
        assert_eq!(
            suffixes(7, growing, RetryTopicNames::PerDelay),
            ["-retry-1000", "-retry-2000", "-retry-4000", "-retry-5000"]
        );
        let way = RetryTopics { attempts: 7, ..topics(stages(7, growing, RetryTopicNames::PerDelay, "-retry")) };
        let went = (0..7).map(|n| way.next(n).map(|stage| stage.delay.as_secs())).collect::<Vec<_>>();
        assert_eq!(went, [Some(1), Some(2), Some(4), Some(5), Some(5), Some(5), None]);
    }

    #[test]
    fn more_attempts_add_topics_and_rename_none() {
        for names in [RetryTopicNames::PerDelay, RetryTopicNames::PerAttempt, RetryTopicNames::Single] {
            for delays in
                [delays(1_000, 2.0, 5_000), delays(1_000, 1.0, 5_000), delays(1_000, 2.0, 1_000), delays(0, 2.0, 9)]
            {
                let most = suffixes(9, delays, names);
                for attempts in 2..9 {
                    let fewer = suffixes(attempts, delays, names);
                    assert!(most.starts_with(&fewer), "{names:?} {delays:?}: {fewer:?} of {most:?}");
                }
            }
        }
    }

    #[test]
    fn attempts_name_their_topics() {
        let names = RetryTopicNames::PerAttempt;
        assert_eq!(suffixes(4, delays(1_000, 1.0, 60_000), names), ["-retry-0", "-retry-1", "-retry-2"]);
        assert_eq!(suffixes(2, delays(1_000, 2.0, 60_000), names), ["-retry-0"]);
    }

    #[test]
    fn too_many_topics_are_seen_without_making_them() {
        assert_eq!(suffixes(u32::MAX, delays(1, 1.5, u64::MAX), RetryTopicNames::PerDelay).len(), MOST_STAGES + 1);
        assert_eq!(suffixes(u32::MAX, delays(1, 1.0, 10), RetryTopicNames::PerAttempt).len(), MOST_STAGES + 1);
    }

    fn topics(stages: Vec<Stage>) -> RetryTopics {
        RetryTopics { attempts: 3, stages, jitter: 0.0, auto_create: true, replication_factor: None, concurrency: 1 }
    }

    proptest! {
        /// Names are distinct, a record passes its stages in order with delays that never shrink, as often as is said.
        #[test]
        fn a_record_is_handled_as_often_as_said(
            attempts in 2_u32..40,
            first in 0_u64..5_000,
            multiplier in 1.0_f64..4.0,
            longest in 0_u64..100_000,
            per_attempt in any::<bool>(),
        ) {
            let names = if per_attempt { RetryTopicNames::PerAttempt } else { RetryTopicNames::PerDelay };
            let stages = stages(attempts, delays(first, multiplier, longest), names, "-retry");
            prop_assume!(stages.len() <= MOST_STAGES);
            let mut suffixes: Vec<_> = stages.iter().map(|stage| stage.suffix.clone()).collect();
            let n_stages = suffixes.len();
            suffixes.sort();
            suffixes.dedup();
            prop_assert_eq!(suffixes.len(), n_stages);
            let way = RetryTopics { attempts, ..topics(stages) };
            let mut passed = Vec::new();
            while let Some(stage) = way.next(u32::try_from(passed.len()).unwrap_or(u32::MAX)) {
                passed.push(stage.delay);
            }
            prop_assert_eq!(passed.len(), attempts as usize - 1);
            prop_assert!(passed.is_sorted());
            prop_assert!(passed.iter().all(|delay| *delay <= Duration::from_millis(longest)));
        }
    }
}

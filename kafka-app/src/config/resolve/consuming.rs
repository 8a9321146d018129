//! The group, its commits, lanes and batches.

use std::time::Duration;

use super::{Place, Resolver};
use crate::config::{AckMode, BatchLimits, Ordering};

impl Resolver<'_> {
    pub(super) fn group_id(&self) -> String {
        let own = self.own_group();
        if own.is_none() && self.said(|s| s.partitions.as_ref().map(|_| ())).is_some() {
            return self.group_of_nobody();
        }
        let of_dead_letters = || Some(format!("{}-dlt", self.listener_of_dead_letters()?.group_id));
        let group_id = own.or_else(of_dead_letters).or_else(|| self.properties.consumer.group_id.clone());
        let group_id = group_id.unwrap_or_default();
        if group_id.trim().is_empty() {
            self.mistake_of_listener(
                "has no group; name one in the attribute, or for all listeners as kafka.consumer.group-id",
            );
        }
        group_id
    }

    pub(super) fn ack_mode(&self) -> AckMode {
        self.said(|s| s.ack_mode).map(|(_, mode)| mode).unwrap_or_default()
    }

    pub(super) fn ack_time(&self) -> Duration {
        const LIMITS: std::ops::RangeInclusive<Duration> = Duration::from_millis(1)..=Duration::from_secs(86_400);
        let text = "expected an interval from 1ms to 24h";
        if let Some((place, interval)) = self.said(|s| s.ack_time) {
            if !LIMITS.contains(&interval) {
                self.mistake(place, "ack-time", text);
            }
            return interval;
        }
        let shared = self.properties.consumer.auto_commit_interval;
        if shared.is_some_and(|interval| !LIMITS.contains(&interval)) {
            let path = self.properties.path_of("consumer.auto-commit-interval");
            self.mistakes.add(self.properties.origin(&path), path, text);
        }
        shared.unwrap_or(Duration::from_secs(1))
    }

    pub(super) fn lanes(&self) -> (Ordering, u32) {
        let workers = self.positive("workers", |s| s.workers, 16);
        let ordering = self.said(|s| s.ordering);
        let workers_said = self.said(|s| s.workers).map(|(place, _)| place);
        let by_partition = ordering.is_none_or(|(_, ordering)| ordering == Ordering::Partition);
        let ordering_place = ordering.map_or(Place::Default, |(place, _)| place);
        if let Some(place) =
            workers_said.filter(|place| by_partition && *place > Place::Default && *place >= ordering_place)
        {
            self.mistake(
                place,
                "workers",
                "needs ordering \"key\" or \"none\": by partition there is one lane for each",
            );
        }
        (ordering.map(|(_, ordering)| ordering).unwrap_or_default(), workers)
    }

    pub(super) fn batch(&self) -> BatchLimits {
        let default = BatchLimits::default();
        let max_bytes = self.said(|s| s.batch_max_bytes);
        if let Some((place, 0)) = max_bytes {
            self.mistake(place, "batch.max-bytes", "must be at least 1");
        }
        if !self.declared.is_batch {
            self.check_no_batch();
        }
        BatchLimits {
            max_records: self.positive("batch.max-records", |s| s.batch_max_records, default.max_records),
            max_wait: self.said(|s| s.batch_max_wait).map_or(default.max_wait, |(_, wait)| wait),
            max_bytes: max_bytes.map_or(default.max_bytes, |(_, n_bytes)| n_bytes),
        }
    }

    fn check_no_batch(&self) {
        let said = [
            ("batch.max-records", self.said(|s| s.batch_max_records.map(|_| ()))),
            ("batch.max-wait", self.said(|s| s.batch_max_wait.map(|_| ()))),
            ("batch.max-bytes", self.said(|s| s.batch_max_bytes.map(|_| ()))),
        ];
        for (key, place) in said {
            if let Some((place, ())) = place.filter(|(place, ())| *place > Place::Default) {
                self.mistake(place, key, "the handler takes one record at a time; let it take a Batch<T>");
            }
        }
    }
}

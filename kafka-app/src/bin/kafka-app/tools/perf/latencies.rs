//! [`Latencies`]: how long records took, and the lines that tell of it.

/// Most latencies that are kept; of more records, every so many-th.
const KEPT: u64 = 500_000;
/// How often it is told how it goes, in milliseconds.
pub(super) const WINDOW_MS: i64 = 5000;

/// Latencies of all records and of those since the last line.
#[derive(Debug)]
pub(super) struct Latencies {
    start_ms: i64,
    all: Sums,
    window_start_ms: i64,
    window: Sums,
    every: u64,
    kept: Vec<u32>,
}

#[derive(Debug, Default)]
struct Sums {
    n_records: u64,
    n_bytes: u64,
    total_ms: u64,
    max_ms: u32,
}

impl Sums {
    fn add(&mut self, n_records: u64, n_bytes: u64, latency_ms: u32) {
        self.n_records += n_records;
        self.n_bytes += n_bytes;
        self.total_ms += n_records * u64::from(latency_ms);
        self.max_ms = self.max_ms.max(latency_ms);
    }

    /// `%d records sent, %.1f records/sec (%.2f MB/sec)`.
    fn rates(&self, elapsed_ms: i64) -> String {
        let per_second = |amount: f64| 1000.0 * amount / as_f64(elapsed_ms.max(0).unsigned_abs());
        let mb = per_second(as_f64(self.n_bytes)) / (1024.0 * 1024.0);
        let records = per_second(as_f64(self.n_records));
        format!("{} records sent, {} records/sec ({} MB/sec)", self.n_records, fixed(records, 1), fixed(mb, 2))
    }

    fn average(&self) -> f64 {
        as_f64(self.total_ms) / as_f64(self.n_records)
    }
}

impl Latencies {
    pub(super) fn new(n_records: u64, now_ms: i64) -> Self {
        let every = (n_records / n_records.clamp(1, KEPT)).max(1);
        let (all, window) = (Sums::default(), Sums::default());
        Self { start_ms: now_ms, all, window_start_ms: now_ms, window, every, kept: Vec::new() }
    }

    /// Counts records that were acknowledged together; a line when it is time for one.
    pub(super) fn record(&mut self, n_records: u64, n_bytes: u64, latency_ms: u32, now_ms: i64) -> Option<String> {
        let before = self.all.n_records;
        let n_kept = (before + n_records).div_ceil(self.every) - before.div_ceil(self.every);
        self.kept.extend((0..n_kept).map(|_| latency_ms));
        self.all.add(n_records, n_bytes, latency_ms);
        self.window.add(n_records, n_bytes, latency_ms);
        let elapsed = now_ms - self.window_start_ms;
        if elapsed < WINDOW_MS {
            return None;
        }
        let window = std::mem::take(&mut self.window);
        self.window_start_ms = now_ms;
        let (average, max) = (fixed(window.average(), 1), fixed(f64::from(window.max_ms), 1));
        Some(format!("{}, {average} ms avg latency, {max} ms max latency.", window.rates(elapsed)))
    }

    /// The last line.
    pub(super) fn total(&mut self, now_ms: i64) -> String {
        self.kept.sort_unstable();
        let percentile = |per_mille: usize| {
            let at = self.kept.len() * per_mille / 1000;
            self.kept.get(at).copied().unwrap_or(0)
        };
        format!(
            "{}, {} ms avg latency, {} ms max latency, {} ms 50th, {} ms 95th, {} ms 99th, {} ms 99.9th.",
            self.all.rates(now_ms - self.start_ms),
            fixed(self.all.average(), 2),
            fixed(f64::from(self.all.max_ms), 2),
            percentile(500),
            percentile(950),
            percentile(990),
            percentile(999),
        )
    }

    pub(super) fn n_records(&self) -> u64 {
        self.all.n_records
    }
}

/// A number with so many digits behind the point; what is none is told as Java tells it.
pub(super) fn fixed(number: f64, digits: usize) -> String {
    match number {
        _ if number.is_nan() => "NaN".to_owned(),
        _ if number.is_infinite() => if number > 0.0 { "Infinity" } else { "-Infinity" }.to_owned(),
        _ => format!("{number:.digits$}"),
    }
}

#[expect(clippy::cast_precision_loss, reason = "rates are rounded anyway")]
pub(super) fn as_f64(number: u64) -> f64 {
    number as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_line_has_rates_and_percentiles() {
        let mut latencies = Latencies::new(1000, 0);
        for latency in 0..1000 {
            assert_eq!(latencies.record(1, 100, latency, 0), None);
        }
        assert_eq!(
            latencies.total(2000),
            "1000 records sent, 500.0 records/sec (0.05 MB/sec), 499.50 ms avg latency, 999.00 ms max latency, \
             500 ms 50th, 950 ms 95th, 990 ms 99th, 999 ms 99.9th."
        );
    }

    #[test]
    fn a_line_tells_how_it_goes_and_begins_anew() {
        let mut latencies = Latencies::new(1_000_000, 0);
        latencies.record(300, 30_000, 4, 1000);
        let line = latencies.record(201, 20_100, 10, 5000).unwrap();
        assert_eq!(line, "501 records sent, 100.2 records/sec (0.01 MB/sec), 6.4 ms avg latency, 10.0 ms max latency.");
        assert_eq!(latencies.record(1, 100, 10, 9000), None);
        assert_eq!(latencies.kept.len(), 251, "every second of a million");
    }

    #[test]
    fn nothing_sent_is_told_too() {
        let line = Latencies::new(5, 0).total(10);
        assert!(line.starts_with("0 records sent, 0.0 records/sec (0.00 MB/sec), NaN ms avg latency"), "{line}");
    }
}

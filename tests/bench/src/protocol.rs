//! What a measured client is told, and what it says of its run. Shared by path with `tests/bench-ruststream`.
#![allow(unsafe_code, reason = "getrusage has no safe form")]

use std::time::{Duration, Instant};

use clap::Args;
use serde::{Deserialize, Serialize};

/// What a measured client works on.
#[derive(Args)]
pub(crate) struct RunArgs {
    #[arg(long)]
    pub(crate) bootstrap_server: String,
    #[arg(long)]
    pub(crate) topic: String,
    #[arg(long)]
    pub(crate) records: u64,
}

/// What a measured client says of its run, as the last line of its output.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Measured {
    pub(crate) n_records: u64,
    pub(crate) wall_s: f64,
    pub(crate) cpu_s: f64,
}

/// Time and processor time from a moment on.
pub(crate) struct Stopwatch {
    start: Instant,
    cpu: Duration,
}

impl Stopwatch {
    pub(crate) fn start() -> Self {
        Self { start: Instant::now(), cpu: cpu_time() }
    }

    pub(crate) fn stop(&self, n_records: u64) -> Measured {
        let cpu_s = cpu_time().saturating_sub(self.cpu).as_secs_f64();
        Measured { n_records, wall_s: self.start.elapsed().as_secs_f64(), cpu_s }
    }
}

/// Processor time of this process so far, user and system.
fn cpu_time() -> Duration {
    // SAFETY: rusage is plain numbers, and the call fills it.
    let usage = unsafe {
        let mut usage: libc::rusage = std::mem::zeroed();
        libc::getrusage(libc::RUSAGE_SELF, &raw mut usage);
        usage
    };
    let time = |t: libc::timeval| {
        Duration::from_secs(t.tv_sec.unsigned_abs()) + Duration::from_micros(t.tv_usec.unsigned_abs())
    };
    time(usage.ru_utime) + time(usage.ru_stime)
}

//! The fuzz targets in bounded time, with the stable compiler: what is in `corpus/`, and what seeded chance makes of it.
//!
//! `FUZZ_SECONDS` says for how long each target runs (1), `FUZZ_SEED` what chance is drawn from (0). Every input has a
//! deadline and may take so much memory and no more.
//!
//! `corpus/TARGET/seed-*` is made by `seeds/`: `FUZZ_BLESS=1 cargo test -p embedded-broker --test fuzz` writes it anew.
//! `corpus/TARGET/found-*` is what was wrong once.

mod corpus;
mod memory;
mod mutate;
#[path = "../differential/random.rs"]
#[allow(dead_code, reason = "the differential test draws more kinds of things")]
mod random;
mod run;
mod seeds;

/// Counts what is allocated, by everything in this process.
#[global_allocator]
static MEMORY: peak_alloc::PeakAlloc = peak_alloc::PeakAlloc;

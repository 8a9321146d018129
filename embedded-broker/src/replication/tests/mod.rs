//! Replicas without sockets, clocks and threads.

mod elections;
mod exhaustive;
mod following;
mod histories;
mod moves;
mod restarts;
mod world;

use std::time::Duration;

use super::*;
use world::World;

/// As long as replicas may be behind in these tests.
const MAX_LAG: Duration = Duration::from_secs(30);

fn rules(min_in_sync: usize) -> Rules {
    Rules { min_in_sync, max_lag: MAX_LAG, ..Rules::default() }
}

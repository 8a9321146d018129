//! Transactions: three producers on two transactional ids, in both generations of the protocol; their records and offsets,
//! who sees them, and who is told of what.
//!
//! Markers take their time on a real broker: who is told CONCURRENT_TRANSACTIONS asks again, as clients do, and after each
//! end the markers are waited for. Left out is what keeps a real broker from ever writing them: a newer epoch of a producer
//! or coordinator that was written to a partition by hand. Nothing times out.

mod coordinator;
mod offsets;
mod records;
mod step;
mod world;

use std::time::Duration;

use crate::compare::{Answer, Scenario};
use crate::random::Random;
use crate::target::Target;

use step::Step;
use world::{Ground, World};

pub(crate) struct Transactions;

impl Scenario for Transactions {
    type Step = Step;
    type World = World;
    type Ground = Ground;

    fn steps(random: &mut Random) -> Vec<Step> {
        step::sequence(random)
    }

    fn ground(target: Target) -> Ground {
        Ground::new(target)
    }

    fn world(ground: &Ground, _patience: Duration) -> World {
        World::new(ground)
    }

    fn step(world: &mut World, step: &Step, _first: Option<&[Answer]>) -> Vec<Answer> {
        world.step(step)
    }
}

//! Groups: members of both protocols come, work and go; offsets are committed, fetched and deleted; tools look on.
//!
//! Left out, because Kafka leaves it to the order of hashes of random ids or to time: who leads when the leader of several
//! goes, which partitions a member gets (how many, is compared), and everything that timers do.

mod bytes;
mod classic;
mod consumer;
mod ground;
mod looks;
mod offsets;
mod step;
mod world;

use std::time::Duration;

use crate::compare::{Answer, Scenario};
use crate::random::Random;
use crate::target::Target;

use ground::Ground;
use step::Step;
use world::World;

pub(crate) struct Groups;

impl Scenario for Groups {
    type Step = Step;
    type World = World;
    type Ground = Ground;

    fn steps(random: &mut Random) -> Vec<Step> {
        step::sequence(random)
    }

    fn ground(target: Target) -> Ground {
        Ground::new(target)
    }

    fn world(ground: &Ground, patience: Duration) -> World {
        World::new(ground, patience)
    }

    fn step(world: &mut World, step: &Step, first: Option<&[Answer]>) -> Vec<Answer> {
        world.step(step, first)
    }

    fn catch_up(world: &mut World, second: &[Answer], own: &mut Vec<Answer>) {
        world.catch_up(second, own);
    }
}

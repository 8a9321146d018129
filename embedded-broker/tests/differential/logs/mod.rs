//! Logs: batches good and bad go in and come out again, are deleted and looked for; topics come, go, grow and change.
//!
//! Left out, with the reasons in DESIGN.md: batches that no consumer could read, which a real broker takes; the bytes of
//! batches that are packed anew (what is in them is compared); what is cut off at the end of a fetch.

mod admin;
mod choice;
mod fetch;
mod lookups;
mod produce;
mod step;
mod world;

use std::time::Duration;

use crate::compare::{Answer, Scenario};
use crate::random::Random;
use crate::target::Target;

use step::Step;
use world::{Ground, World};

pub(crate) struct Logs;

impl Scenario for Logs {
    type Step = Step;
    type World = World;
    type Ground = Ground;

    fn steps(random: &mut Random) -> Vec<Step> {
        choice::sequence(random)
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

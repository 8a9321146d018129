//! Random histories of two producers that share an id, against what may never happen.

use proptest::prelude::*;

use super::*;

#[derive(Debug, Clone)]
enum Step {
    Init { who: usize, again: bool },
    Add { who: usize },
    End { who: usize, commit: bool },
    Markers,
    TimePasses,
}

fn step() -> impl Strategy<Value = Step> {
    let who = 0..2_usize;
    prop_oneof![
        2 => (who.clone(), any::<bool>()).prop_map(|(who, again)| Step::Init { who, again }),
        4 => who.clone().prop_map(|who| Step::Add { who }),
        4 => (who, any::<bool>()).prop_map(|(who, commit)| Step::End { who, commit }),
        4 => Just(Step::Markers),
        1 => Just(Step::TimePasses),
    ]
}

/// A producer with what it was told.
#[derive(Debug, Clone, Copy)]
struct Producer {
    id: i64,
    epoch: i16,
}

struct World {
    case: Case,
    /// Both speak it. Where generations are mixed, Kafka takes the late abort of a fenced producer for a repetition of its
    /// successor's, and so does this coordinator.
    generation: Generation,
    producers: [Producer; 2],
    /// Who was given the id last.
    owner: Option<usize>,
}

impl World {
    fn new(epoch: i16, generation: Generation) -> Self {
        let producers = [Producer { id: -1, epoch: -1 }; 2];
        Self { case: Case::new().with_epoch(epoch), generation, producers, owner: None }
    }

    fn step(&mut self, step: &Step) -> Result<(), TestCaseError> {
        let before = self.case.transaction.state();
        match *step {
            Step::Init { who, again } => self.init(who, again)?,
            Step::Add { who } => {
                let Producer { id, epoch } = self.producers[who];
                let added = self.case.add(id, epoch, self.generation).is_ok();
                prop_assert!(!added || self.owner == Some(who), "a fenced producer has added a partition");
                prop_assert!(!(added && before.is_moving()), "a transaction began while markers were written");
            }
            Step::End { who, commit } => self.end(who, commit)?,
            Step::Markers => {
                self.case.complete();
            }
            Step::TimePasses => {
                self.case.now_ms += 61_000;
                self.case.turn(|transaction, turn| transaction.expire_transaction(turn));
            }
        }
        Ok(())
    }

    fn init(&mut self, who: usize, again: bool) -> Result<(), TestCaseError> {
        let Producer { id, epoch } = self.producers[who];
        let expected = (again && id >= 0).then_some((id, epoch));
        let before = self.case.transaction.state();
        let known = (self.case.metadata().producer_id, self.case.metadata().epoch);
        let Ok((new_id, new_epoch)) = self.case.init(expected) else { return Ok(()) };
        prop_assert!(!before.is_moving() && before != TransactionState::Ongoing);
        prop_assert!(new_epoch < i16::MAX, "the highest epoch is kept for fencing");
        let is_higher = (new_id, new_epoch) > known || expected.is_some();
        prop_assert!(is_higher, "{known:?} was followed by {new_id} {new_epoch}");
        self.producers[who] = Producer { id: new_id, epoch: new_epoch };
        self.owner = Some(who);
        Ok(())
    }

    fn end(&mut self, who: usize, commit: bool) -> Result<(), TestCaseError> {
        let Producer { id, epoch } = self.producers[who];
        let before = self.case.transaction.state();
        let Ok(next) = self.case.end(id, epoch, commit, self.generation) else { return Ok(()) };
        if before == TransactionState::Ongoing {
            prop_assert_eq!(self.owner, Some(who), "a fenced producer has ended a transaction");
            let expected = if commit { TransactionState::PrepareCommit } else { TransactionState::PrepareAbort };
            prop_assert_eq!(self.case.transaction.state(), expected);
        } else if commit {
            prop_assert_eq!(before, TransactionState::CompleteCommit, "a commit of nothing");
        }
        if self.generation == V2 {
            prop_assert!((next.producer_id, next.epoch) > (id, epoch), "the epoch did not grow");
            self.producers[who] = Producer { id: next.producer_id, epoch: next.epoch };
        }
        Ok(())
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn only_the_last_producer_decides_and_a_replay_gives_the_same(
        steps in prop::collection::vec(step(), 1..60),
        epoch in prop_oneof![Just(-1_i16), (i16::MAX - 5)..i16::MAX],
        generation in prop_oneof![Just(V1), Just(V2)],
    ) {
        let mut world = World::new(epoch, generation);
        for step in &steps {
            world.step(step)?;
            let markers = world.case.transaction.pending_markers();
            prop_assert_eq!(markers.is_some(), world.case.transaction.state().is_moving());
        }
        if !world.case.records.is_empty() {
            let mut replayed = Transaction::new(99, 0);
            world.case.records.iter().for_each(|record| replayed.replay(record));
            prop_assert_eq!(&replayed.metadata, world.case.metadata());
        }
    }
}

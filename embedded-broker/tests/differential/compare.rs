//! The driver: makes sequences, has each step done by two brokers, and compares what they answer.

use std::fmt::{self, Debug};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crate::random::Random;
use crate::target::Target;

/// What is compared: steps at random, and what a broker answers to them.
pub(crate) trait Scenario {
    type Step: Debug;
    /// One broker in one sequence.
    type World;
    /// What sequences of one thread share on one broker, because it takes time to make.
    type Ground;

    fn steps(random: &mut Random) -> Vec<Self::Step>;

    fn ground(target: Target) -> Self::Ground;

    /// Requests that are not answered within `patience` count as held.
    fn world(ground: &Self::Ground, patience: Duration) -> Self::World;

    /// Does a step. With what the first broker answered to it, the second is waited for until it has answered the same
    /// requests.
    fn step(world: &mut Self::World, step: &Self::Step, first: Option<&[Answer]>) -> Vec<Answer>;

    /// Waits for the first broker in its turn, until it has answered what the second has, and adds that to its answers. By
    /// itself nothing, where no request is held.
    fn catch_up(_world: &mut Self::World, _second: &[Answer], _own: &mut Vec<Answer>) {}
}

/// As long as a broker keeps a consumer that says nothing, or a little less. What is seen after that says nothing of how the two
/// differ: a machine that is busy can make a sequence last so long.
const SESSION: Duration = Duration::from_secs(40);

/// The answer to a request of this or of an earlier step.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Answer {
    /// Which request it is to, unique in the sequence.
    pub(crate) request: usize,
    pub(crate) text: String,
}

/// How much is compared.
#[derive(Debug)]
pub(crate) struct Plan {
    sequences: u64,
    first_seed: u64,
    threads: u64,
}

impl Plan {
    pub(crate) fn from_environment() -> Self {
        let number = |name: &str, default| match std::env::var(name) {
            Ok(value) => value.parse().unwrap_or_else(|_| panic!("{name} is not a number: {value}")),
            Err(_) => default,
        };
        Self {
            sequences: number("KAFKA_APP_DIFFERENTIAL_SEQUENCES", 24),
            first_seed: number("KAFKA_APP_DIFFERENTIAL_SEED", 1),
            threads: number("KAFKA_APP_DIFFERENTIAL_THREADS", 4),
        }
    }
}

/// Has every sequence of the plan done by an embedded broker and by the real one at the address, or another embedded one.
///
/// # Panics
/// When answers differ, with the seed and all that led there.
pub(crate) fn compare<S: Scenario>(plan: &Plan, real: Option<&str>) {
    let next = AtomicU64::new(plan.first_seed);
    let work = || {
        let second = real.map_or_else(Target::embedded, Target::real);
        let grounds = (S::ground(Target::embedded()), S::ground(second));
        let mut different = Vec::new();
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed - plan.first_seed >= plan.sequences {
                return different;
            }
            different.extend(sequence::<S>(seed, &grounds));
        }
    };
    let different: Vec<Difference> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..plan.threads).map(|_| scope.spawn(work)).collect();
        threads.into_iter().flat_map(|thread| thread.join().expect("a thread of the comparison panicked")).collect()
    });
    let shown: Vec<_> = different.iter().take(10).map(ToString::to_string).collect();
    let seeds: Vec<_> = different.iter().map(|difference| difference.seed).collect();
    assert!(different.is_empty(), "{} sequences differ: {seeds:?}\n{}", different.len(), shown.join("\n"));
}

/// The difference in one sequence. That a request is held is seen by waiting for its answer; a difference that does not
/// come again with far more patience was only a broker that took its time. One that was seen after the end of a session is
/// looked for twice more, with little patience.
fn sequence<S: Scenario>(seed: u64, grounds: &(S::Ground, S::Ground)) -> Option<Difference> {
    let mut last = None;
    for (number, patience) in [10, 100, 1_000, 100, 10].map(Duration::from_millis).into_iter().enumerate() {
        let difference = run::<S>(seed, grounds, patience)?;
        if number >= 2 && difference.after <= SESSION {
            return Some(difference);
        }
        last = Some(difference);
    }
    last
}

fn run<S: Scenario>(seed: u64, (first, second): &(S::Ground, S::Ground), patience: Duration) -> Option<Difference> {
    let steps = S::steps(&mut Random::new(seed));
    let (mut one, mut two) = (S::world(first, patience), S::world(second, patience));
    let mut history = Vec::new();
    let begun = Instant::now();
    for step in &steps {
        let mut a = S::step(&mut one, step, None);
        let b = S::step(&mut two, step, Some(&a));
        S::catch_up(&mut one, &b, &mut a);
        if a != b {
            let after = begun.elapsed();
            return Some(Difference { seed, after, history, step: format!("{step:?}"), first: a, second: b });
        }
        let answers: Vec<_> = a.iter().map(|answer| format!("\n      {}: {}", answer.request, answer.text)).collect();
        history.push(format!("{step:?}{}", answers.concat()));
    }
    None
}

struct Difference {
    seed: u64,
    /// How long the sequence had lasted.
    after: Duration,
    history: Vec<String>,
    step: String,
    first: Vec<Answer>,
    second: Vec<Answer>,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "seed {}, after {:?}:", self.seed, self.after)?;
        for (number, step) in self.history.iter().enumerate() {
            writeln!(f, "  {number:2}  {step}")?;
        }
        writeln!(f, "  now {}", self.step)?;
        for answer in &self.first {
            writeln!(f, "    first  {}: {}", answer.request, answer.text)?;
        }
        for answer in &self.second {
            writeln!(f, "    second {}: {}", answer.request, answer.text)?;
        }
        Ok(())
    }
}

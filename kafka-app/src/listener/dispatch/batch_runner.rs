//! [`BatchRunner`]: a chunk through a handler that takes many records at a time.

use std::{
    future::Future,
    pin::{Pin, pin},
    sync::Arc,
    time::Duration,
};

use parking_lot::Mutex;

use super::{
    Chunk, ChunkRunner, Progress,
    call::{guarded, guarded_fn},
    outputs::{OutputQueue, SettledResult},
    per_record::per_record,
    run::{Delays, Fault, Next, Run, Shared},
    schemas::acquit,
    transacted::Unsent,
};
use crate::{
    config::Delivery,
    error::Error,
    error_handler::{Decision, Reason, decide},
    handler::{BatchContext, BatchHandler, BatchOutcome, ErrorClass, Failure, Outcome, Outputs, Rejection},
    listener::{breaker::Pass, metrics::count_many},
    record::ProducerRecord,
    schema::watched,
};

/// Runs a chunk as a batch, and what is left of it again.
pub(super) struct BatchRunner<H> {
    pub(super) handler: Arc<H>,
    pub(super) shared: Shared,
}

impl<H: BatchHandler> ChunkRunner for BatchRunner<H> {
    fn run<'a>(
        &'a self,
        chunk: Chunk<'a>,
        progress: &'a dyn Progress,
    ) -> Pin<Box<dyn Future<Output = Result<(), Error>> + Send + 'a>> {
        let run = Run::new(&self.shared, chunk, progress);
        Box::pin(async move { run_all(&*self.handler, &run).await })
    }
}

/// What is left of the chunk: the records the next delivery holds.
pub(super) struct Open {
    /// Indexes into the chunk, rising.
    pub(super) indexes: Vec<usize>,
    pub(super) attempt: u32,
    pub(super) delays: Option<Delays>,
    /// What this delivery could not decode for want of a schema, maybe, and another one is to hold.
    pub(super) undecided: Vec<usize>,
}

async fn run_all<H: BatchHandler>(handler: &H, run: &Run<'_>) -> Result<(), Error> {
    let mut open =
        Open { indexes: Vec::with_capacity(run.chunk.records.len()), attempt: 1, delays: None, undecided: Vec::new() };
    if filter_all(run, &mut open).await? == Next::Revoked || take_up(run, &mut open).await? == Next::Revoked {
        return Ok(());
    }
    while let Some(first) = open.indexes.first().copied().filter(|_| !run.progress.is_revoked()) {
        let Some(pass) = run.admitted(first).await else { break };
        let mut delivered = deliver(handler, run, &open).await;
        if run.misses_schemas() {
            open.undecided = undecided(&mut open, &mut delivered);
        }
        let next = match delivered {
            // Its function was not called: who waits for a try has it.
            _ if open.indexes.is_empty() => Next::Finished,
            Ok(BatchOutcome::Whole { rejected, result }) => whole(run, &mut open, rejected, result, pass).await?,
            Ok(BatchOutcome::PerRecord(outcomes)) => per_record(run, &mut open, outcomes, pass).await?,
            Err(failure) => failed(run, &mut open, &failure, false, Some(pass)).await?,
        };
        match next {
            Next::Again => open.attempt += 1,
            Next::Finished if open.undecided.is_empty() => break,
            Next::Finished | Next::Later => {}
            Next::Revoked => break,
        }
        if let Some(first) = open.undecided.first() {
            if run.load_schemas(*first, open.attempt).await != Next::Again {
                break;
            }
            open.indexes.append(&mut open.undecided);
            open.indexes.sort_unstable();
        }
    }
    Ok(())
}

/// Sets apart what may have been rejected for want of a schema only: it is delivered again when the schemas are there.
fn undecided(open: &mut Open, delivered: &mut Result<BatchOutcome, Failure>) -> Vec<usize> {
    let mut is_rejected = vec![false; open.indexes.len()];
    match delivered {
        Err(_) => {}
        // An argument was not made, so that the function was not called.
        Ok(BatchOutcome::Whole { result: Err(_), .. }) => is_rejected.fill(true),
        Ok(BatchOutcome::Whole { rejected, .. }) => {
            let nth = rejected.drain(..).map(|(nth, _)| nth);
            nth.for_each(|nth| is_rejected.get_mut(nth).into_iter().for_each(|is_rejected| *is_rejected = true));
        }
        Ok(BatchOutcome::PerRecord(outcomes)) => {
            let rejected = outcomes.iter().map(|outcome| matches!(outcome, Outcome::Rejected(_)));
            is_rejected.iter_mut().zip(rejected).for_each(|(is_rejected, rejected)| *is_rejected = rejected);
            outcomes.retain(|outcome| !matches!(outcome, Outcome::Rejected(_)));
        }
    }
    let mut nth = is_rejected.into_iter();
    open.indexes.extract_if(.., |_| nth.next().unwrap_or_default()).collect()
}

/// Sets apart what the filter drops. A filter that panics fails its record alone, and for good: it is given up.
async fn filter_all(run: &Run<'_>, open: &mut Open) -> Result<Next, Error> {
    let Some(keep) = run.shared.policy.filter else {
        open.indexes.extend(0..run.chunk.records.len());
        return Ok(Next::Again);
    };
    let mut n_filtered = 0;
    for index in 0..run.chunk.records.len() {
        match guarded_fn(|| keep(run.record(index))) {
            Ok(true) => open.indexes.push(index),
            Ok(false) => {
                run.done(index);
                n_filtered += 1;
            }
            Err(failure) => {
                let fault = Fault::Failed(Failure { class: ErrorClass::DeadLetter, ..failure });
                if give_up_one(run, index, 1, fault).await? == Next::Revoked {
                    return Ok(Next::Revoked);
                }
            }
        }
    }
    count_many(&run.shared.policy.metrics.filtered, n_filtered);
    Ok(Next::Again)
}

/// Gives up what has failed too often in transactions that were given up; the rest counts on from the most often failed.
async fn take_up(run: &Run<'_>, open: &mut Open) -> Result<Next, Error> {
    if !run.has_priors() {
        return Ok(Next::Again);
    }
    for index in std::mem::take(&mut open.indexes) {
        match run.prior(index) {
            None => open.indexes.push(index),
            Some(prior) => match run.after_prior(index, &prior).await? {
                Next::Again => {
                    open.attempt = open.attempt.max(prior.n_failed().saturating_add(1));
                    open.indexes.push(index);
                }
                Next::Finished => run.done(index),
                Next::Revoked | Next::Later => return Ok(Next::Revoked),
            },
        }
    }
    Ok(Next::Again)
}

/// One delivery of what is open.
async fn deliver<H: BatchHandler>(handler: &H, run: &Run<'_>, open: &Open) -> Result<BatchOutcome, Failure> {
    let contexts: Vec<_> = open.indexes.iter().map(|index| run.context(*index, open.attempt)).collect();
    let rejected = Arc::new(Mutex::new(Vec::new()));
    // A call that is cut off is dropped here: what it had is back behind this.
    let (ended, is_unanswered) = {
        let call = pin!(async { handler.call(BatchContext { records: &contexts, rejected: &rejected }).await });
        match run.has_registry() {
            true => watched(guarded(run.listener().timeout, call)).await,
            false => (guarded(run.listener().timeout, call).await, false),
        }
    };
    let mut ended = ended.map_err(|failure| *failure);
    decide_states(run, open, &ended);
    if is_unanswered {
        match &mut ended {
            Ok(BatchOutcome::Whole { result: Ok(_), .. }) => {}
            Ok(BatchOutcome::Whole { result: Err(failure), .. }) | Err(failure) => acquit(failure),
            Ok(BatchOutcome::PerRecord(outcomes)) => outcomes.iter_mut().for_each(|outcome| {
                if let Outcome::Failed(failure) = outcome {
                    acquit(failure);
                }
            }),
        }
    }
    ended
}

/// What a handler by hand may keep for keys: a key of which one record succeeded is kept.
fn decide_states(run: &Run<'_>, open: &Open, ended: &Result<BatchOutcome, Failure>) {
    if !run.chunk.key_states.is_any_undecided() {
        return;
    }
    let has_succeeded = |nth: usize| match ended {
        Ok(BatchOutcome::Whole { result, .. }) => result.is_ok(),
        Ok(BatchOutcome::PerRecord(outcomes)) => matches!(outcomes.get(nth), Some(Outcome::Done(_))),
        Err(_) => false,
    };
    for is_turn_of in [true, false] {
        let records = open.indexes.iter().enumerate().filter(|(nth, _)| has_succeeded(*nth) == is_turn_of);
        records.for_each(|(_, index)| run.decide_states(*index, || is_turn_of));
    }
}

/// The batch stands or falls as one, but for what could not be decoded.
async fn whole(
    run: &Run<'_>,
    open: &mut Open,
    rejected: Vec<(usize, Rejection)>,
    result: Result<Outputs, Failure>,
    pass: Pass<'_>,
) -> Result<Next, Error> {
    if give_up_rejected(run, open, rejected).await? == Next::Revoked {
        return Ok(Next::Revoked);
    }
    let outputs = match result {
        Ok(outputs) => {
            // Without a record that could be decoded it was not called.
            if !open.indexes.is_empty() {
                pass.answered();
                run.ended_well(open.indexes.len());
            }
            outputs
        }
        Err(failure) => return failed(run, open, &failure, false, Some(pass)).await,
    };
    let failure = match outputs {
        Outputs::None => return Ok(handled(run, open)),
        // A batch has no single record whose key what it returned could take.
        outputs => match resolved(run, open, outputs).await {
            Ok(records) if run.transaction().is_some() => {
                return match run.entrust(records).await {
                    Ok(()) => Ok(handled(run, open)),
                    Err(Unsent { failure, is_torn }) => failed(run, open, &failure, is_torn, None).await,
                };
            }
            Ok(records) => {
                let mut queue = OutputQueue::default();
                let first = open.indexes.first().copied().unwrap_or_default();
                match queue.send(run, first, open.attempt, records).await {
                    Ok(()) => return settle_whole(run, open, queue).await,
                    Err(failure) => failure,
                }
            }
            Err(Fault::Failed(failure)) => failure,
            Err(_) => return Ok(Next::Revoked),
        },
    };
    failed(run, open, &failure, false, None).await
}

/// What a batch returned, ready to be sent.
async fn resolved(run: &Run<'_>, open: &Open, outputs: Outputs) -> Result<Vec<ProducerRecord>, Fault> {
    let first = open.indexes.first().copied().unwrap_or_default();
    run.resolve(first, open.attempt, outputs, None).await
}

/// Waits for the outputs of a whole batch; they all belong to its first record's place.
async fn settle_whole(run: &Run<'_>, open: &mut Open, mut queue: OutputQueue) -> Result<Next, Error> {
    if run.listener().delivery == Delivery::AtMostOnce {
        queue.detach(run);
        return Ok(handled(run, open));
    }
    if open.undecided.is_empty() {
        run.progress.handled_all();
    }
    match queue.next(run).await.map(|settled| settled.result) {
        None | Some(SettledResult::Acknowledged) => Ok(handled(run, open)),
        Some(SettledResult::Revoked) => Ok(Next::Revoked),
        Some(SettledResult::Lost(failure)) => {
            give_up_all(run, open, |index| run.spent(index), &Reason::of_failure(&failure)).await
        }
    }
}

/// All that is open succeeded.
fn handled(run: &Run<'_>, open: &mut Open) -> Next {
    open.indexes.iter().for_each(|index| run.handled(*index));
    count_many(&run.shared.policy.metrics.handled, open.indexes.len());
    open.indexes.clear();
    Next::Finished
}

/// All that is open failed with one error; `is_torn`: some of what it returned was sent; `pass`: of the handler, if it was
/// that which failed.
pub(super) async fn failed(
    run: &Run<'_>,
    open: &mut Open,
    failure: &Failure,
    is_torn: bool,
    pass: Option<Pass<'_>>,
) -> Result<Next, Error> {
    let metrics = &run.shared.policy.metrics;
    count_many(&metrics.failed, open.indexes.len());
    let Some(first) = open.indexes.first().copied() else { return Ok(Next::Finished) };
    let is_torn = is_torn || run.shared.policy.takes_template;
    if let Some(next) = run.postponed(&open.indexes, open.attempt, failure, is_torn, pass) {
        return Ok(next);
    }
    let (delays, attempt) = (&mut open.delays, open.attempt);
    let failed = |index| run.failed(index, failure.class, attempt, failure.dead_letter_topic.as_deref());
    let decision = decide(run.listener(), failed(first), || run.delay_after(delays, attempt));
    let reason = Reason::of_failure(failure);
    if let Some(next) = run.leave(&open.indexes, attempt, is_torn, failure.class, &decision, &reason) {
        return Ok(next);
    }
    // Told once, at the first record's place; so is what stops the listener.
    if let Decision::Retry(delay) = decision {
        return Ok(run.retry(&open.indexes, attempt, delay, &reason).await);
    }
    // Each goes its own way: they may have been in retry topics, and not equally often.
    give_up_all(run, open, |index| decide(run.listener(), failed(index), Duration::default), &reason).await
}

/// Gives up each record that is open.
async fn give_up_all(
    run: &Run<'_>,
    open: &mut Open,
    decide: impl Fn(usize) -> Decision,
    reason: &Reason,
) -> Result<Next, Error> {
    for index in open.indexes.drain(..) {
        if run.carry_out(index, open.attempt, decide(index), reason).await? == Next::Revoked {
            return Ok(Next::Revoked);
        }
        run.done(index);
    }
    Ok(Next::Finished)
}

/// What could not be decoded goes the dead-letter way, once; later deliveries are without it.
async fn give_up_rejected(run: &Run<'_>, open: &mut Open, rejected: Vec<(usize, Rejection)>) -> Result<Next, Error> {
    let mut given_up = Vec::with_capacity(rejected.len());
    for (nth, rejection) in rejected {
        let Some(index) = open.indexes.get(nth).copied() else { continue };
        if give_up_one(run, index, open.attempt, Fault::Rejected(rejection)).await? == Next::Revoked {
            return Ok(Next::Revoked);
        }
        given_up.push(index);
    }
    open.indexes.retain(|index| !given_up.contains(index));
    Ok(Next::Finished)
}

/// One record that another delivery cannot mend.
pub(super) async fn give_up_one(run: &Run<'_>, index: usize, attempt: u32, fault: Fault) -> Result<Next, Error> {
    let next = run.after(index, attempt, fault, None, &mut None).await?;
    if next == Next::Finished {
        run.done(index);
    }
    Ok(next)
}

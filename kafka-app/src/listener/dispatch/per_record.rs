//! A batch whose handler gave each record an outcome of its own.

use std::{mem, time::Duration};

use super::{
    batch_runner::{Open, failed, give_up_one},
    outputs::{OutputQueue, SettledResult},
    run::{Fault, Next, Run},
};
use crate::{
    config::Delivery,
    error::Error,
    error_handler::{Decision, Reason, decide},
    handler::{ErrorClass, Failure, Outcome, Outputs},
    listener::{breaker::Pass, metrics::count},
};

/// Each record has an outcome of its own: what succeeded is done, what is to be retried makes the next batch.
pub(super) async fn per_record(
    run: &Run<'_>,
    open: &mut Open,
    outcomes: Vec<Outcome>,
    pass: Pass<'_>,
) -> Result<Next, Error> {
    if outcomes.len() != open.indexes.len() {
        let text = format!("the handler gave {} outcomes for {} records", outcomes.len(), open.indexes.len());
        return failed(run, open, &Failure::stop(text), false, Some(pass)).await;
    }
    // Before what failed is looked at: the share of a batch does not hang on the order in it.
    run.ended_well(outcomes.iter().filter(|outcome| matches!(outcome, Outcome::Done(_))).count());
    let waits = told(run, open, &outcomes, pass);
    let mut batch = PerRecord { queue: OutputQueue::default(), retried: Vec::new(), waits, postponed: Vec::new() };
    let indexes = mem::take(&mut open.indexes);
    let mut ended = Ok(Next::Finished);
    for (index, outcome) in indexes.into_iter().zip(outcomes) {
        ended = batch.take(run, open, index, outcome).await;
        if !matches!(ended, Ok(Next::Finished)) {
            break;
        }
    }
    if matches!(ended, Ok(Next::Finished))
        && batch.retried.is_empty()
        && batch.postponed.is_empty()
        && open.undecided.is_empty()
    {
        run.progress.handled_all();
    }
    // Also after a record that stops the listener: what those before it returned is on its way.
    let settled = batch.settle(run).await;
    if ended? == Next::Revoked || settled? == Next::Revoked {
        return Ok(Next::Revoked);
    }
    if !batch.postponed.is_empty() {
        // For those that failed by themselves this delivery does not count either: a batch has one count.
        open.indexes = batch.postponed.into_iter().chain(batch.retried.into_iter().map(|(index, _)| index)).collect();
        open.indexes.sort_unstable();
        return Ok(Next::Later);
    }
    let Some((_, failure)) = batch.retried.first() else { return Ok(Next::Finished) };
    let reason = Reason::of_failure(failure);
    let class = failure.class;
    open.indexes = batch.retried.iter().map(|(index, _)| *index).collect();
    let delay = run.delay_after(&mut open.delays, open.attempt);
    let decision = Decision::Retry(delay);
    if let Some(next) = run.leave(&open.indexes, open.attempt, false, class, &decision, &reason) {
        return Ok(next);
    }
    Ok(run.retry(&open.indexes, open.attempt, delay, &reason).await)
}

/// One delivery whose records have outcomes of their own.
struct PerRecord {
    queue: OutputQueue,
    retried: Vec<(usize, Failure)>,
    /// Whose failures do not count.
    waits: Waits,
    postponed: Vec<usize>,
}

/// Which failures of a batch are not their records'.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Waits {
    None,
    /// What its handler said "not now" of.
    NotNow,
    /// All that another delivery may mend: what the handler needs is down.
    All,
}

impl Waits {
    fn is_of(self, failure: &Failure) -> bool {
        match failure.class {
            ErrorClass::NotNow(_) => self != Self::None,
            ErrorClass::Retry => self == Self::All,
            ErrorClass::DeadLetter | ErrorClass::Skip | ErrorClass::Stop => false,
        }
    }
}

/// Tells the breaker what came of a batch: one call, whatever became of its records.
fn told(run: &Run<'_>, open: &Open, outcomes: &[Outcome], pass: Pass<'_>) -> Waits {
    let may_pass = |failure: &Failure| matches!(failure.class, ErrorClass::Retry | ErrorClass::NotNow(_));
    let failures = outcomes.iter().filter_map(|outcome| match outcome {
        Outcome::Failed(failure) => Some(failure),
        Outcome::Done(_) | Outcome::Rejected(_) => None,
    });
    let mut failures = failures.filter(|failure| may_pass(failure));
    let not_now = failures.clone().find(|failure| matches!(failure.class, ErrorClass::NotNow(_)));
    let is_any_done = outcomes.iter().any(|outcome| matches!(outcome, Outcome::Done(_)));
    let (failure, waits) = match (not_now, failures.next()) {
        (Some(failure), _) => (failure, Waits::NotNow),
        (None, Some(failure)) if !is_any_done => (failure, Waits::All),
        (None, _) => {
            pass.answered();
            return Waits::None;
        }
    };
    // Whether it has sent something is looked at for each record.
    match run.postponed(&open.indexes[..1], open.attempt, failure, false, Some(pass)) {
        Some(_) => waits,
        None => Waits::None,
    }
}

impl PerRecord {
    /// Acts on one record's outcome.
    async fn take(&mut self, run: &Run<'_>, open: &Open, index: usize, outcome: Outcome) -> Result<Next, Error> {
        let failure = match outcome {
            Outcome::Rejected(rejection) => {
                return give_up_one(run, index, open.attempt, Fault::Rejected(rejection)).await;
            }
            Outcome::Failed(failure) if self.waits.is_of(&failure) => {
                count(&run.shared.policy.metrics.failed);
                if run.transaction().is_some() && run.shared.policy.takes_template {
                    return Ok(run.set_aside(true));
                }
                self.postponed.push(index);
                return Ok(Next::Finished);
            }
            Outcome::Failed(failure) if run.transaction().is_none() || !run.shared.policy.takes_template => failure,
            Outcome::Failed(failure) => return give_up_one(run, index, open.attempt, Fault::Torn(failure)).await,
            Outcome::Done(outputs) => match self.send(run, open.attempt, index, outputs).await {
                Ok(()) => return Ok(Next::Finished),
                Err(Fault::Failed(failure)) => failure,
                Err(fault) => return give_up_one(run, index, open.attempt, fault).await,
            },
        };
        let failed = run.failed(index, failure.class, open.attempt, None);
        if matches!(decide(run.listener(), failed, Duration::default), Decision::Retry(_)) {
            count(&run.shared.policy.metrics.failed);
            self.retried.push((index, failure));
            return Ok(Next::Finished);
        }
        give_up_one(run, index, open.attempt, Fault::Failed(failure)).await
    }

    async fn send(&mut self, run: &Run<'_>, attempt: u32, index: usize, outputs: Outputs) -> Result<(), Fault> {
        let records = run.answer(index, attempt, outputs).await?;
        let returned_nothing = records.is_empty();
        if run.transaction().is_some() {
            run.entrust(records).await?;
            handled_one(run, index);
            return Ok(());
        }
        self.queue.send(run, index, attempt, records).await.map_err(Fault::Failed)?;
        if returned_nothing || run.listener().delivery == Delivery::AtMostOnce {
            handled_one(run, index);
        }
        Ok(())
    }

    async fn settle(&mut self, run: &Run<'_>) -> Result<Next, Error> {
        if run.listener().delivery == Delivery::AtMostOnce {
            mem::take(&mut self.queue).detach(run);
            return Ok(Next::Finished);
        }
        while let Some(settled) = self.queue.next(run).await {
            match settled.result {
                SettledResult::Acknowledged => handled_one(run, settled.index),
                SettledResult::Revoked => return Ok(Next::Revoked),
                SettledResult::Lost(failure) => {
                    let (decision, reason) = (run.spent(settled.index), Reason::of_failure(&failure));
                    let next = run.carry_out(settled.index, settled.attempt, decision, &reason).await?;
                    if next == Next::Revoked {
                        return Ok(next);
                    }
                    run.done(settled.index);
                }
            }
        }
        Ok(Next::Finished)
    }
}

fn handled_one(run: &Run<'_>, index: usize) {
    count(&run.shared.policy.metrics.handled);
    run.handled(index);
}

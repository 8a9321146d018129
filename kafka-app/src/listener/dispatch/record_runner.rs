//! [`RecordRunner`]: a chunk through a handler that takes one record at a time.

use std::{
    future::Future,
    pin::{Pin, pin},
    sync::Arc,
};

use super::{
    Chunk, ChunkRunner, Progress,
    at_once::Sent,
    call::guarded,
    outputs::{OutputQueue, Settled, SettledResult},
    run::{Fault, Next, Run, Shared},
    schemas::acquit,
};
use crate::{
    config::Delivery,
    error::Error,
    error_handler::Reason,
    handler::{Failure, Outcome, Outputs, RecordHandler, Rejection},
    listener::{breaker::Pass, metrics::ListenerMetrics, transaction::Prior},
    schema::watched,
};

/// Runs a chunk record by record.
pub(super) struct RecordRunner<H> {
    pub(super) handler: Arc<H>,
    pub(super) shared: Shared,
}

impl<H: RecordHandler> ChunkRunner for RecordRunner<H> {
    fn run<'a>(
        &'a self,
        chunk: Chunk<'a>,
        progress: &'a dyn Progress,
    ) -> Pin<Box<dyn Future<Output = Result<(), Error>> + Send + 'a>> {
        let run = Run::new(&self.shared, chunk, progress);
        Box::pin(async move { run_all(&*self.handler, &run).await })
    }
}

/// What one chunk counted; added to the shared counters once, also when the run is dropped.
struct Tally<'a> {
    handled: u64,
    filtered: u64,
    sent: u64,
    metrics: &'a ListenerMetrics,
}

impl Drop for Tally<'_> {
    fn drop(&mut self) {
        use std::sync::atomic::Ordering::Relaxed;
        self.metrics.handled.fetch_add(self.handled, Relaxed);
        self.metrics.filtered.fetch_add(self.filtered, Relaxed);
        self.metrics.sent.fetch_add(self.sent, Relaxed);
    }
}

/// What one delivery came to; small, since it passes through many hands for every record.
enum Delivered {
    Filtered,
    /// It is handled, and there is nothing to send.
    Done,
    /// It is handled, and this is to be sent.
    Returned(Outputs),
    Rejected(Box<Rejection>),
    Failed(Box<Failure>),
}

/// A delivery that has ended.
struct Call<'b> {
    /// Which one of its record, from 1.
    attempt: u32,
    ended: Delivered,
    pass: Pass<'b>,
}

async fn run_all<H: RecordHandler>(handler: &H, run: &Run<'_>) -> Result<(), Error> {
    let mut outputs = OutputQueue::default();
    let mut tally = Tally { handled: 0, filtered: 0, sent: 0, metrics: &run.shared.policy.metrics };
    let result = handle_all(handler, run, &mut outputs, &mut tally).await;
    if run.listener().delivery == Delivery::AtMostOnce {
        outputs.detach(run);
        return result;
    }
    if result.is_ok() && !outputs.is_empty() {
        run.progress.handled_all();
    }
    // Also after a record that stops the listener: what those before it returned is on its way.
    settle_all(run, &mut outputs, &mut tally).await?;
    result
}

async fn handle_all<H: RecordHandler>(
    handler: &H,
    run: &Run<'_>,
    outputs: &mut OutputQueue,
    tally: &mut Tally<'_>,
) -> Result<(), Error> {
    let is_settled_later = run.listener().delivery != Delivery::AtMostOnce;
    let has_priors = run.has_priors();
    let breaker = &*run.shared.policy.guards.breaker;
    for index in 0..run.chunk.records.len() {
        if run.progress.is_revoked() {
            return Ok(());
        }
        if has_priors && let Some(prior) = run.prior(index) {
            if Box::pin(take_up(handler, run, index, &prior, outputs, tally)).await? == Next::Revoked {
                return Ok(());
            }
            continue;
        }
        if breaker.is_troubled() {
            let next = Box::pin(handle_when_admitted(handler, run, index, outputs, tally)).await?;
            if next == Next::Revoked {
                return Ok(());
            }
        } else {
            let ended = deliver(handler, run, index, 1).await;
            // The usual ends need none of what the others do: their future is large, and moving it would cost more than
            // everything else here.
            let is_over = match &ended {
                Delivered::Done => {
                    tally.handled += 1;
                    run.handled(index);
                    true
                }
                Delivered::Returned(returned) => is_handed_over(run, index, returned, outputs, tally),
                Delivered::Filtered | Delivered::Rejected(_) | Delivered::Failed(_) => false,
            };
            if is_over {
                run.ended_well(1);
                // Another lane may have failed meanwhile.
                breaker.answered();
            } else {
                let call = Call { attempt: 1, ended, pass: breaker.pass() };
                if Box::pin(finish(handler, run, index, call, outputs, tally)).await? == Next::Revoked {
                    return Ok(());
                }
            }
        }
        if is_settled_later && !outputs.is_empty() && settle_ready(run, outputs, tally).await? == Next::Revoked {
            return Ok(());
        }
    }
    Ok(())
}

/// Whether what the first delivery of a record returned is handed over, with nothing left to wait for. At least once the
/// record is handled when that is acknowledged.
fn is_handed_over(
    run: &Run<'_>,
    index: usize,
    returned: &Outputs,
    outputs: &mut OutputQueue,
    tally: &mut Tally<'_>,
) -> bool {
    let is_handled = match run.send_at_once(index, returned, outputs) {
        Some(Sent::Entrusted) => {
            tally.sent += 1;
            true
        }
        Some(Sent::Enqueued) => run.listener().delivery == Delivery::AtMostOnce,
        None => return false,
    };
    if is_handled {
        tally.handled += 1;
        run.handled(index);
    }
    true
}

/// Handles a record of a listener whose handler may not be called now, or may have to be left alone soon.
async fn handle_when_admitted<H: RecordHandler>(
    handler: &H,
    run: &Run<'_>,
    index: usize,
    outputs: &mut OutputQueue,
    tally: &mut Tally<'_>,
) -> Result<Next, Error> {
    match call(handler, run, index, 1, outputs, tally).await? {
        Some(call) => finish(handler, run, index, call, outputs, tally).await,
        None => Ok(Next::Revoked),
    }
}

/// Waits for all outputs.
async fn settle_all(run: &Run<'_>, outputs: &mut OutputQueue, tally: &mut Tally<'_>) -> Result<Next, Error> {
    loop {
        settle_acknowledged(run, outputs, tally);
        let Some(settled) = outputs.next(run).await else { return Ok(Next::Finished) };
        if settle(run, settled, tally).await? == Next::Revoked {
            return Ok(Next::Revoked);
        }
    }
}

/// Acts on the outputs that are acknowledged by now.
async fn settle_ready(run: &Run<'_>, outputs: &mut OutputQueue, tally: &mut Tally<'_>) -> Result<Next, Error> {
    loop {
        settle_acknowledged(run, outputs, tally);
        let Some(settled) = outputs.next_ready(run).await else { return Ok(Next::Finished) };
        if settle(run, settled, tally).await? == Next::Revoked {
            return Ok(Next::Revoked);
        }
    }
}

/// The usual end of an output, without a future for it.
fn settle_acknowledged(run: &Run<'_>, outputs: &mut OutputQueue, tally: &mut Tally<'_>) {
    while let Some(index) = outputs.next_acknowledged() {
        tally.sent += 1;
        tally.handled += 1;
        run.handled(index);
    }
}

/// Goes on with a record that has failed in a transaction that was given up.
async fn take_up<H: RecordHandler>(
    handler: &H,
    run: &Run<'_>,
    index: usize,
    prior: &Prior,
    outputs: &mut OutputQueue,
    tally: &mut Tally<'_>,
) -> Result<Next, Error> {
    match run.after_prior(index, prior).await? {
        Next::Again => {
            let attempt = prior.n_failed().saturating_add(1);
            match call(handler, run, index, attempt, outputs, tally).await? {
                Some(call) => finish(handler, run, index, call, outputs, tally).await,
                None => Ok(Next::Revoked),
            }
        }
        Next::Finished => {
            run.done(index);
            Ok(Next::Finished)
        }
        Next::Revoked | Next::Later => Ok(Next::Revoked),
    }
}

/// Goes on from a delivery of a record until it is handled or given up.
async fn finish<H: RecordHandler>(
    handler: &H,
    run: &Run<'_>,
    index: usize,
    mut last: Call<'_>,
    outputs: &mut OutputQueue,
    tally: &mut Tally<'_>,
) -> Result<Next, Error> {
    let mut delays = None;
    loop {
        let attempt = last.attempt;
        let next = match conclude(run, index, last, outputs, tally).await {
            Ok(next) => next,
            Err((fault, pass)) => {
                let next = run.after(index, attempt, fault, pass, &mut delays).await?;
                if next == Next::Finished {
                    run.done(index);
                }
                next
            }
        };
        let again = match next {
            Next::Again => call(handler, run, index, attempt + 1, outputs, tally).await?,
            Next::Later => call(handler, run, index, attempt, outputs, tally).await?,
            Next::Finished | Next::Revoked => return Ok(next),
        };
        match again {
            Some(call) => last = call,
            None => return Ok(Next::Revoked),
        }
    }
}

/// What comes of a delivery that did not fail; else why it did, with the pass of a handler that failed itself.
async fn conclude<'a>(
    run: &Run<'a>,
    index: usize,
    Call { attempt, ended, pass }: Call<'a>,
    outputs: &mut OutputQueue,
    tally: &mut Tally<'_>,
) -> Result<Next, (Fault, Option<Pass<'a>>)> {
    match ended {
        Delivered::Filtered => {
            tally.filtered += 1;
            run.done(index);
            Ok(Next::Finished)
        }
        Delivered::Done => {
            pass.answered();
            run.ended_well(1);
            tally.handled += 1;
            run.handled(index);
            Ok(Next::Finished)
        }
        Delivered::Returned(returned) => {
            pass.answered();
            run.ended_well(1);
            let sent = send(run, index, attempt, returned, outputs, tally).await;
            sent.map(|()| Next::Finished).map_err(|fault| (fault, None))
        }
        Delivered::Rejected(_) if run.misses_schemas() => {
            // It was not called: who waits for a try has it.
            drop(pass);
            match run.load_schemas(index, attempt).await {
                Next::Again => Ok(Next::Later),
                _ => Ok(Next::Revoked),
            }
        }
        Delivered::Rejected(rejection) => Err((Fault::Rejected(*rejection), None)),
        Delivered::Failed(failure) => Err((Fault::Failed(*failure), Some(pass))),
    }
}

/// One delivery, as soon as the handler may be called; `None`: the partition goes first.
async fn call<'a, H: RecordHandler>(
    handler: &H,
    run: &Run<'a>,
    index: usize,
    attempt: u32,
    outputs: &mut OutputQueue,
    tally: &mut Tally<'_>,
) -> Result<Option<Call<'a>>, Error> {
    // It may be a long wait: what those before it returned is not kept from being committed by it.
    if run.shared.policy.guards.breaker.is_troubled()
        && run.listener().delivery != Delivery::AtMostOnce
        && settle_all(run, outputs, tally).await? == Next::Revoked
    {
        return Ok(None);
    }
    let Some(pass) = run.admitted(index).await else { return Ok(None) };
    Ok(Some(Call { attempt, ended: deliver(handler, run, index, attempt).await, pass }))
}

/// One delivery: the filter, then the handler.
async fn deliver<H: RecordHandler>(handler: &H, run: &Run<'_>, index: usize, attempt: u32) -> Delivered {
    // A call that is cut off is dropped here: what it had is back behind this.
    let (ended, is_unanswered) = {
        let call = pin!(async {
            if run.shared.policy.filter.is_some_and(|keep| !keep(run.record(index))) {
                return Delivered::Filtered;
            }
            match handler.call(run.context(index, attempt)).await {
                Outcome::Done(Outputs::None) => Delivered::Done,
                Outcome::Done(returned) => Delivered::Returned(returned),
                Outcome::Rejected(rejection) => Delivered::Rejected(Box::new(rejection)),
                Outcome::Failed(failure) => Delivered::Failed(Box::new(failure)),
            }
        });
        match run.has_registry() {
            true => watched(guarded(run.listener().timeout, call)).await,
            false => (guarded(run.listener().timeout, call).await, false),
        }
    };
    let mut ended = ended.unwrap_or_else(Delivered::Failed);
    run.decide_states(index, || matches!(ended, Delivered::Done | Delivered::Returned(_)));
    if is_unanswered && let Delivered::Failed(failure) = &mut ended {
        acquit(failure);
    }
    ended
}

/// Hands over what the handler returned. At least once the record counts as handled when all of it is acknowledged, else
/// now: in a transaction, its end tells.
async fn send(
    run: &Run<'_>,
    index: usize,
    attempt: u32,
    returned: Outputs,
    outputs: &mut OutputQueue,
    tally: &mut Tally<'_>,
) -> Result<(), Fault> {
    let records = run.answer(index, attempt, returned).await?;
    let returned_nothing = records.is_empty();
    if run.transaction().is_some() {
        run.entrust(records).await?;
        tally.handled += 1;
        run.handled(index);
        return Ok(());
    }
    outputs.send(run, index, attempt, records).await.map_err(Fault::Failed)?;
    if returned_nothing || run.listener().delivery == Delivery::AtMostOnce {
        tally.handled += 1;
        run.handled(index);
    }
    Ok(())
}

/// Acts on what became of a record's outputs.
async fn settle(run: &Run<'_>, settled: Settled, tally: &mut Tally<'_>) -> Result<Next, Error> {
    let Settled { index, attempt, result } = settled;
    match result {
        SettledResult::Acknowledged => {
            tally.handled += 1;
            run.handled(index);
            Ok(Next::Finished)
        }
        SettledResult::Revoked => Ok(Next::Revoked),
        SettledResult::Lost(failure) => {
            let next = run.carry_out(index, attempt, run.spent(index), &Reason::of_failure(&failure)).await?;
            if next == Next::Finished {
                run.done(index);
            }
            Ok(next)
        }
    }
}

//! What a listener's function may return: nothing, or values that become records.

use super::{BatchOutcome, Failure, Outcome, Outputs, Rejection};
use crate::record::ProducerRecord;

/// Turns what a function returned, its error already set apart, into records to send.
#[diagnostic::on_unimplemented(
    message = "a listener cannot return `{Self}`",
    label = "not something to send",
    note = "a listener returns `()`, a payload (`Json<T>`, `Text`, `String`, `Bytes`), `Outgoing`, an `Option` or `Vec` of these, or a `Result` of any of them",
    note = "the error of such a `Result` is one that derives `KafkaError`, or any other `std::error::Error + Send + Sync`, `anyhow::Error` or `String`"
)]
pub trait IntoOutputs {
    /// The records to send, without their default topic and key.
    ///
    /// # Errors
    /// The value cannot be encoded; treated as an error of the function.
    fn into_outputs(self) -> Result<Outputs, Failure>;
}

impl IntoOutputs for () {
    fn into_outputs(self) -> Result<Outputs, Failure> {
        Ok(Outputs::None)
    }
}

impl IntoOutputs for Outputs {
    fn into_outputs(self) -> Result<Outputs, Failure> {
        Ok(self)
    }
}

impl IntoOutputs for ProducerRecord {
    fn into_outputs(self) -> Result<Outputs, Failure> {
        Ok(Outputs::One(Box::new(self)))
    }
}

/// What a record's function said, as an outcome.
pub fn outcome<R: IntoOutputs>(result: Result<R, Failure>) -> Outcome {
    match result.and_then(IntoOutputs::into_outputs) {
        Ok(outputs) => Outcome::Done(outputs),
        Err(failure) => Outcome::Failed(failure),
    }
}

/// What a batch's function said: one result, or one for each record it was given.
#[derive(Debug)]
pub enum BatchResult<R> {
    /// The batch stands or falls as one.
    Whole(Result<R, Failure>),
    /// In the order of the records given.
    PerRecord(Vec<Result<R, Failure>>),
}

/// What a batch's function said, as an outcome; `rejected` are the records it was not given, by rising index.
pub fn batch_outcome<R: IntoOutputs>(
    n_records: usize,
    rejected: Vec<(usize, Rejection)>,
    result: BatchResult<R>,
) -> BatchOutcome {
    match result {
        BatchResult::Whole(result) => {
            BatchOutcome::Whole { rejected, result: result.and_then(IntoOutputs::into_outputs) }
        }
        BatchResult::PerRecord(results) => per_record(n_records, rejected, results),
    }
}

/// Puts results and rejections back into the order of the batch.
fn per_record<R: IntoOutputs>(
    n_records: usize,
    rejected: Vec<(usize, Rejection)>,
    results: Vec<Result<R, Failure>>,
) -> BatchOutcome {
    let n_given = n_records.saturating_sub(rejected.len());
    if results.len() != n_given {
        let said = format!("returned {} results for {n_given} records", results.len());
        return BatchOutcome::Whole { rejected, result: Err(Failure::stop(said)) };
    }
    let mut rejected = rejected.into_iter().peekable();
    let mut results = results.into_iter();
    let outcomes = (0..n_records).map_while(|index| match rejected.next_if(|(at, _)| *at == index) {
        Some((_, rejection)) => Some(Outcome::Rejected(rejection)),
        None => results.next().map(outcome),
    });
    BatchOutcome::PerRecord(outcomes.collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::handler::ErrorClass;

    fn rejection() -> Rejection {
        Rejection { argument: "Json<Order>", error: "not JSON".into() }
    }

    #[test]
    fn results_of_a_batch_skip_the_records_its_function_never_saw() {
        let results = vec![Ok(()), Err(Failure::retry("busy"))];
        let said = batch_outcome(4, vec![(0, rejection()), (2, rejection())], BatchResult::PerRecord(results));
        let BatchOutcome::PerRecord(outcomes) = said else { panic!("{said:?}") };
        assert!(
            matches!(
                outcomes.as_slice(),
                [Outcome::Rejected(_), Outcome::Done(_), Outcome::Rejected(_), Outcome::Failed(_)]
            ),
            "{outcomes:?}"
        );
    }

    #[test]
    fn a_batch_with_a_wrong_number_of_results_stops_its_listener() {
        let said = batch_outcome(3, vec![(1, rejection())], BatchResult::PerRecord(vec![Ok(())]));
        let BatchOutcome::Whole { rejected, result: Err(failure) } = said else { panic!("{said:?}") };
        assert_eq!(rejected.len(), 1);
        assert_eq!(failure.class, ErrorClass::Stop);
        assert_eq!(failure.error.to_string(), "returned 1 results for 2 records");
    }
}

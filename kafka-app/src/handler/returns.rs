//! What a listener's function may return: nothing, or values that become records.

use super::{
    BatchOutcome, Declaration, ErrorClass, Failure, Outcome, Outgoing, Output, Outputs, Rejection, outgoing::stamped,
};
use crate::{convert::ToPayload, record::ProducerRecord, schema::Unstamped};

/// Turns what a function returned, its error already set apart, into records to send.
#[diagnostic::on_unimplemented(
    message = "a listener cannot return `{Self}`",
    label = "not something to send",
    note = "a listener returns `()`, a payload (`Json<T>`, `Text`, `String`, `Bytes`, a type with `ToPayload`), `Outgoing`, an `Option`, `Vec`, array or `Each` of these, or a `Result` of any of them",
    note = "the error of such a `Result` is one that derives `KafkaError`, or any other `std::error::Error + Send + Sync`, `anyhow::Error` or `String`"
)]
pub trait IntoOutputs {
    /// Says what there can be to send; asked once before start. Records that may name their topics say nothing.
    fn declare(declaration: &mut Declaration) {
        let _ = declaration;
    }

    /// The records to send, without their default topic and key.
    ///
    /// # Errors
    /// The value cannot be encoded; the record goes the dead-letter way.
    fn into_outputs(self) -> Result<Outputs, Failure>;
}

impl IntoOutputs for () {
    fn declare(declaration: &mut Declaration) {
        declaration.returns_nothing();
    }

    fn into_outputs(self) -> Result<Outputs, Failure> {
        Ok(Outputs::None)
    }
}

impl IntoOutputs for Outputs {
    fn into_outputs(self) -> Result<Outputs, Failure> {
        Ok(self)
    }
}

impl IntoOutputs for Output {
    fn into_outputs(self) -> Result<Outputs, Failure> {
        Ok(Outputs::One(Box::new(self)))
    }
}

/// Sent as it is: a record without a key has none.
impl IntoOutputs for ProducerRecord {
    fn into_outputs(self) -> Result<Outputs, Failure> {
        Output { record: self, ..Output::default() }.into_outputs()
    }
}

/// A payload goes to the listener's `send_to`, with the key of the record that was handled.
#[diagnostic::do_not_recommend]
impl<P: ToPayload> IntoOutputs for P {
    fn declare(declaration: &mut Declaration) {
        declaration.returns::<P>();
    }

    fn into_outputs(self) -> Result<Outputs, Failure> {
        let part = match self.with_schema() {
            None => self.into_payload().map(|payload| (payload, None)),
            Some(value) => stamped(value),
        };
        let (payload, schema) = part.map_err(cannot_encode)?;
        let unstamped = Unstamped { payload: schema, key: None };
        Output { record: ProducerRecord { payload, ..ProducerRecord::default() }, inherits_key: true, unstamped }
            .into_outputs()
    }
}

impl IntoOutputs for Outgoing {
    fn into_outputs(self) -> Result<Outputs, Failure> {
        self.into_output().map_err(cannot_encode)?.into_outputs()
    }
}

/// `None` sends nothing; a null payload is a [`Tombstone`](crate::Tombstone).
impl<R: IntoOutputs> IntoOutputs for Option<R> {
    fn declare(declaration: &mut Declaration) {
        R::declare(declaration);
    }

    fn into_outputs(self) -> Result<Outputs, Failure> {
        self.map_or(Ok(Outputs::None), IntoOutputs::into_outputs)
    }
}

impl<R: IntoOutputs> IntoOutputs for Vec<R> {
    fn declare(declaration: &mut Declaration) {
        R::declare(declaration);
    }

    fn into_outputs(self) -> Result<Outputs, Failure> {
        Each(self).into_outputs()
    }
}

impl<R: IntoOutputs, const N: usize> IntoOutputs for [R; N] {
    fn declare(declaration: &mut Declaration) {
        R::declare(declaration);
    }

    fn into_outputs(self) -> Result<Outputs, Failure> {
        Each(self).into_outputs()
    }
}

/// Every element of an iterator, sent in its order.
///
/// ```
/// use kafka_app::{Each, Text};
///
/// async fn words(Text(line): Text) -> Each<impl Iterator<Item = String>> {
///     Each(line.split_whitespace().map(str::to_owned).collect::<Vec<_>>().into_iter())
/// }
/// ```
#[derive(Debug, Clone, Copy, Default)]
pub struct Each<I>(pub I);

impl<I: IntoIterator<Item: IntoOutputs>> IntoOutputs for Each<I> {
    fn declare(declaration: &mut Declaration) {
        I::Item::declare(declaration);
    }

    fn into_outputs(self) -> Result<Outputs, Failure> {
        let mut records = Vec::new();
        for item in self.0 {
            match item.into_outputs()? {
                Outputs::None => {}
                Outputs::One(output) => records.push(*output),
                Outputs::Many(outputs) => records.extend(outputs),
            }
        }
        Ok(if records.is_empty() { Outputs::None } else { Outputs::Many(records) })
    }
}

/// A value that cannot be encoded stays so however often it is made: its record goes the dead-letter way.
fn cannot_encode(error: crate::Error) -> Failure {
    Failure::new(ErrorClass::DeadLetter, error)
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

    fn rejection() -> Rejection {
        Rejection::new("Json<Order>", "not JSON")
    }

    fn outputs(returned: impl IntoOutputs) -> Vec<Output> {
        match returned.into_outputs().unwrap() {
            Outputs::None => Vec::new(),
            Outputs::One(output) => vec![*output],
            Outputs::Many(outputs) => outputs,
        }
    }

    fn payloads(returned: impl IntoOutputs) -> Vec<Option<bytes::Bytes>> {
        outputs(returned).into_iter().map(|output| output.record.payload).collect()
    }

    #[test]
    fn a_key_is_inherited_unless_it_was_chosen() {
        let keys = |returned: Outgoing| outputs(returned).remove(0);
        assert!(outputs("payload").remove(0).inherits_key);
        assert!(keys(Outgoing::new("payload")).inherits_key);
        assert_eq!(keys(Outgoing::new("payload").key("k")).record.key.as_deref(), Some(&b"k"[..]));
        let chosen_none = keys(Outgoing::new("payload").key(()));
        assert_eq!((chosen_none.inherits_key, chosen_none.record.key), (false, None));
        assert!(!outputs(ProducerRecord::default()).remove(0).inherits_key);
    }

    #[test]
    fn what_is_returned_is_sent_in_its_order() {
        assert!(payloads(()).is_empty());
        assert!(payloads(None::<String>).is_empty());
        assert!(payloads(Vec::<Outgoing>::new()).is_empty());
        assert_eq!(payloads("a"), [Some("a".into())]);
        assert_eq!(payloads(b"bytes".to_vec()), [Some("bytes".into())]);
        assert_eq!(payloads(Some(Some("a".to_owned()))), [Some("a".into())]);
        assert_eq!(payloads(vec!["a", "b"]), [Some("a".into()), Some("b".into())]);
        assert_eq!(payloads([Some("a"), None, Some("c")]), [Some("a".into()), Some("c".into())]);
        assert_eq!(payloads(Each(["a", "b"].into_iter().rev())), [Some("b".into()), Some("a".into())]);
        assert_eq!(payloads([Outgoing::new("a"), Outgoing::new(crate::Tombstone)]), [Some("a".into()), None]);
    }

    #[test]
    fn an_outgoing_record_takes_a_typed_topic() {
        const AUDIT: crate::Topic<String, String> = crate::Topic::new("audit");
        let topic = outputs(Outgoing::new("p").topic(AUDIT)).remove(0).record.topic;
        assert_eq!(topic.as_deref(), Some("audit"));
    }

    #[cfg(feature = "json")]
    #[test]
    fn what_cannot_be_encoded_is_not_retried() {
        let map = std::collections::HashMap::from([((1, 2), 3)]);
        assert_eq!(crate::Json(map).into_outputs().unwrap_err().class, ErrorClass::DeadLetter);
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

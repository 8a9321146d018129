//! [`batch_handler_fn`]: a batch listener's handler from any async function or closure, without the attribute.

use std::{error::Error as StdError, future::Future};

use super::{
    BatchContext, BatchHandler, BatchOutcome, BatchResult, Declaration, Failure, HandlerFn, IntoOutputs, KafkaError,
    Outputs, batch_outcome,
    function::{AnyError, ErrorWithClass},
};
use crate::extract::FromBatch;

/// Makes a handler of an async function or closure that takes one `Batch<T>` and up to seven other arguments.
///
/// It returns what a record's function may, or a `Vec` of one `Result` for each record of the batch. Its errors are all
/// retryable; [`HandlerFn::by_class`] has them decide for themselves.
///
/// ```
/// use kafka_app::{Batch, Listener, Text, batch_handler_fn};
///
/// let count = batch_handler_fn(|batch: Batch<Text>| async move {
///     println!("{} lines", batch.len());
/// });
/// let listener = Listener::batch("count", count).topics(["lines"]).group("counters");
/// # assert_eq!(listener.id(), "count");
/// ```
pub fn batch_handler_fn<F, A>(function: F) -> HandlerFn<F, A>
where
    HandlerFn<F, A>: BatchHandler,
{
    HandlerFn::of(function)
}

/// What such a function returns: something to send, a `Result` of it, or a `Result` for each record.
#[diagnostic::on_unimplemented(
    message = "a listener cannot return `{Self}`",
    label = "not something to send",
    note = "it returns `()`, a payload (`Json<T>`, `Text`, `String`, `Bytes`, a type with `ToPayload`), `Outgoing`, an `Option`, `Vec`, array or `Each` of these, or a `Result` of any of them, or a `Vec` with a `Result` for each record; with `by_class` a `Result` whose error derives `KafkaError`"
)]
pub trait IntoBatchResult<C> {
    /// What the values are.
    type Output: IntoOutputs;

    /// As one result, or one for each record.
    fn into_batch_result(self) -> BatchResult<Self::Output>;
}

#[diagnostic::do_not_recommend]
impl<R: IntoOutputs> IntoBatchResult<AnyError> for R {
    type Output = R;

    fn into_batch_result(self) -> BatchResult<R> {
        BatchResult::Whole(Ok(self))
    }
}

impl<R: IntoOutputs, E: Into<Box<dyn StdError + Send + Sync>>> IntoBatchResult<AnyError> for Result<R, E> {
    type Output = R;

    fn into_batch_result(self) -> BatchResult<R> {
        BatchResult::Whole(self.map_err(Failure::retry))
    }
}

impl<R: IntoOutputs, E: Into<Box<dyn StdError + Send + Sync>>> IntoBatchResult<AnyError> for Vec<Result<R, E>> {
    type Output = R;

    fn into_batch_result(self) -> BatchResult<R> {
        BatchResult::PerRecord(self.into_iter().map(|result| result.map_err(Failure::retry)).collect())
    }
}

impl<R: IntoOutputs, E: KafkaError> IntoBatchResult<ErrorWithClass> for Result<R, E> {
    type Output = R;

    fn into_batch_result(self) -> BatchResult<R> {
        BatchResult::Whole(self.map_err(Failure::of))
    }
}

impl<R: IntoOutputs, E: KafkaError> IntoBatchResult<ErrorWithClass> for Vec<Result<R, E>> {
    type Output = R;

    fn into_batch_result(self) -> BatchResult<R> {
        BatchResult::PerRecord(self.into_iter().map(|result| result.map_err(Failure::of)).collect())
    }
}

macro_rules! handler_of {
    ($($arg:ident),+) => {
        impl<F, Fut, C, $($arg),+> BatchHandler for HandlerFn<F, ($($arg,)+), C>
        where
            F: Fn($($arg),+) -> Fut + Send + Sync + 'static,
            Fut: Future<Output: IntoBatchResult<C>> + Send,
            C: 'static,
            $($arg: for<'a> FromBatch<'a> + Send + 'static,)+
        {
            fn declare(&self, declaration: &mut Declaration) {
                $(<$arg as FromBatch<'_>>::declare(declaration);)+
                <<Fut::Output as IntoBatchResult<C>>::Output as IntoOutputs>::declare(declaration);
            }

            #[allow(non_snake_case, reason = "arguments are named as their types")]
            fn call<'r>(&'r self, cx: BatchContext<'r>) -> impl Future<Output = BatchOutcome> + Send + 'r {
                async move {
                    let mut rejected = Vec::new();
                    $(
                        let $arg = match $arg::from_batch(&cx, &mut rejected) {
                            Ok(argument) => argument,
                            Err(rejection) => {
                                let result = Err(Failure::stop(rejection));
                                return BatchOutcome::Whole { rejected: Vec::new(), result };
                            }
                        };
                    )+
                    if rejected.len() == cx.records.len() {
                        return BatchOutcome::Whole { rejected, result: Ok(Outputs::None) };
                    }
                    let result = (self.function)($($arg),+).await.into_batch_result();
                    batch_outcome(cx.records.len(), rejected, result)
                }
            }
        }
    };
}

handler_of!(A1);
handler_of!(A1, A2);
handler_of!(A1, A2, A3);
handler_of!(A1, A2, A3, A4);
handler_of!(A1, A2, A3, A4, A5);
handler_of!(A1, A2, A3, A4, A5, A6);
handler_of!(A1, A2, A3, A4, A5, A6, A7);
handler_of!(A1, A2, A3, A4, A5, A6, A7, A8);

#[cfg(test)]
mod tests {
    use std::sync::{
        Arc,
        atomic::{AtomicU32, Ordering::Relaxed},
    };

    use super::*;
    use crate::{
        Batch, DeliveryAttempt, Text,
        test_support::{Bench, Refused},
    };

    #[tokio::test]
    async fn a_batch_and_other_arguments_are_made_of_the_records() {
        let bench = Bench::new(["a", "b"]).with(|listener| listener.send_to = Some("joined".to_owned()));
        let join = |batch: Batch<Text>, DeliveryAttempt(attempt): DeliveryAttempt| async move {
            format!("{attempt}:{}", batch.into_payloads().map(|text| text.0).collect::<String>())
        };
        bench.run_batch(batch_handler_fn(join)).await.unwrap();
        assert_eq!((bench.sink.payloads(), bench.progress.finished()), (vec!["1:ab".to_owned()], vec![0, 1]));
    }

    #[tokio::test]
    async fn a_batch_without_a_decoded_record_is_not_handled() {
        let bench = Bench::new([[0xff], [0xfe]]).dead_letters();
        let calls = Arc::new(AtomicU32::new(0));
        let seen = Arc::clone(&calls);
        let noting = batch_handler_fn(move |_: Batch<Text>| {
            seen.fetch_add(1, Relaxed);
            async {}
        });
        bench.run_batch(noting).await.unwrap();
        assert_eq!(calls.load(Relaxed), 0);
        assert_eq!((bench.counts().rejected, bench.counts().failed), (2, 0));
        assert_eq!(bench.progress.finished(), [0, 1]);
    }

    #[tokio::test]
    async fn each_record_may_have_a_result_of_its_own() {
        let bench = Bench::new(["a", "b"]).dead_letters();
        let refuse_b = |batch: Batch<Text>| async move {
            batch.payloads().map(|text| if text.0 == "b" { Err(Refused) } else { Ok(()) }).collect::<Vec<_>>()
        };
        bench.run_batch(batch_handler_fn(refuse_b).by_class()).await.unwrap();
        assert_eq!((bench.sink.payloads(), bench.counts().retried), (vec!["b".to_owned()], 0));
        assert_eq!(bench.progress.finished(), [0, 1]);
    }
}

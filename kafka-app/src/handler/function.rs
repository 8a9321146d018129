//! [`handler_fn`]: a listener's handler from any async function or closure, without the attribute.

use std::{error::Error as StdError, fmt, future::Future, marker::PhantomData};

use super::{Declaration, Failure, IntoOutputs, KafkaError, Outcome, RecordContext, RecordHandler, outcome};
use crate::extract::FromRecord;

/// Makes a handler of an async function or closure with up to eight arguments that own what they hold.
///
/// Its errors are all retryable; [`HandlerFn::by_class`] has them decide for themselves. Arguments that borrow from the
/// record need `#[kafka_listener]`, which knows their lifetimes.
///
/// ```
/// use kafka_app::{Key, Listener, Text, handler_fn};
///
/// let print = handler_fn(|Key(id): Key<String>, Text(line): Text| async move {
///     println!("{id}: {line}");
/// });
/// let listener = Listener::record("print", print).topics(["lines"]).group("printers");
/// # assert_eq!(listener.id(), "print");
/// ```
pub fn handler_fn<F, A>(function: F) -> HandlerFn<F, A>
where
    HandlerFn<F, A>: RecordHandler,
{
    HandlerFn::of(function)
}

/// A function as a handler; [`handler_fn`] and [`batch_handler_fn`](super::batch_handler_fn) make it.
pub struct HandlerFn<F, A, C = AnyError> {
    pub(super) function: F,
    marker: PhantomData<fn() -> (A, C)>,
}

impl<F, A> HandlerFn<F, A> {
    pub(super) fn of(function: F) -> Self {
        Self { function, marker: PhantomData }
    }

    /// Has the function's error, which derives [`KafkaError`], decide what is done about it.
    #[must_use]
    pub fn by_class(self) -> HandlerFn<F, A, ErrorWithClass> {
        HandlerFn { function: self.function, marker: PhantomData }
    }
}

impl<F, A, C> fmt::Debug for HandlerFn<F, A, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HandlerFn").finish_non_exhaustive()
    }
}

/// Marks a function whose errors are all retryable.
#[derive(Debug)]
pub enum AnyError {}

/// Marks a function whose errors have a class each.
#[derive(Debug)]
pub enum ErrorWithClass {}

/// What such a function returns: something to send, or a `Result` of it.
#[diagnostic::on_unimplemented(
    message = "a listener cannot return `{Self}`",
    label = "not something to send",
    note = "it returns `()`, a payload (`Json<T>`, `Text`, `String`, `Bytes`, a type with `ToPayload`), `Outgoing`, an `Option`, `Vec`, array or `Each` of these, or a `Result` of any of them; with `by_class` a `Result` whose error derives `KafkaError`"
)]
pub trait IntoOutcome<C> {
    /// As [`IntoOutputs::declare`].
    fn declare(declaration: &mut Declaration);

    /// As an outcome.
    fn into_outcome(self) -> Outcome;
}

#[diagnostic::do_not_recommend]
impl<R: IntoOutputs> IntoOutcome<AnyError> for R {
    fn declare(declaration: &mut Declaration) {
        R::declare(declaration);
    }

    fn into_outcome(self) -> Outcome {
        outcome(Ok(self))
    }
}

impl<R: IntoOutputs, E: Into<Box<dyn StdError + Send + Sync>>> IntoOutcome<AnyError> for Result<R, E> {
    fn declare(declaration: &mut Declaration) {
        R::declare(declaration);
    }

    fn into_outcome(self) -> Outcome {
        outcome(self.map_err(Failure::retry))
    }
}

impl<R: IntoOutputs, E: KafkaError> IntoOutcome<ErrorWithClass> for Result<R, E> {
    fn declare(declaration: &mut Declaration) {
        R::declare(declaration);
    }

    fn into_outcome(self) -> Outcome {
        outcome(self.map_err(Failure::of))
    }
}

macro_rules! handler_of {
    ($($arg:ident),*) => {
        impl<F, Fut, C, $($arg),*> RecordHandler for HandlerFn<F, ($($arg,)*), C>
        where
            F: Fn($($arg),*) -> Fut + Send + Sync + 'static,
            Fut: Future<Output: IntoOutcome<C>> + Send,
            C: 'static,
            $($arg: for<'a> FromRecord<'a> + Send + 'static,)*
        {
            fn declare(&self, declaration: &mut Declaration) {
                $(<$arg as FromRecord<'_>>::declare(declaration);)*
                <Fut::Output as IntoOutcome<C>>::declare(declaration);
            }

            #[allow(unused_variables, non_snake_case, reason = "arguments are named as their types")]
            fn call<'r>(&'r self, cx: RecordContext<'r>) -> impl Future<Output = Outcome> + Send + 'r {
                async move {
                    $(
                        let $arg = match $arg::from_record(&cx) {
                            Ok(argument) => argument,
                            Err(rejection) => return Outcome::Rejected(rejection),
                        };
                    )*
                    (self.function)($($arg),*).await.into_outcome()
                }
            }
        }
    };
}

handler_of!();
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
    use super::*;
    use crate::{
        ErrorClass, Key, State, Text,
        handler::Outputs,
        test_support::{Refused, TestRecord},
    };

    #[tokio::test]
    async fn arguments_are_made_of_the_record() {
        let handler = handler_fn(|Key(key): Key<String>, Text(text): Text| async move { format!("{key}={text}") });
        let record = TestRecord::new("payload").key("key");
        let Outcome::Done(Outputs::One(output)) = handler.call(record.context()).await else { panic!("no output") };
        assert_eq!(output.record.payload.as_deref(), Some(&b"key=payload"[..]));
    }

    #[tokio::test]
    async fn a_function_without_arguments_is_a_handler() {
        async fn tick() {}
        let outcome = handler_fn(tick).call(TestRecord::new("p").context()).await;
        assert!(matches!(outcome, Outcome::Done(Outputs::None)), "{outcome:?}");
    }

    #[tokio::test]
    async fn an_argument_that_cannot_be_made_rejects_the_record() {
        let handler = handler_fn(|_: i64| async {});
        let outcome = handler.call(TestRecord::new("p").context()).await;
        assert!(matches!(outcome, Outcome::Rejected(_)), "{outcome:?}");
    }

    #[tokio::test]
    async fn errors_are_retryable_unless_they_decide() {
        let fails = || async { Err::<(), _>(Refused) };
        let record = TestRecord::new("p");
        let Outcome::Failed(failure) = handler_fn(fails).call(record.context()).await else { panic!("no failure") };
        assert_eq!(failure.class, ErrorClass::Retry);
        let by_class = handler_fn(fails).by_class();
        let Outcome::Failed(failure) = by_class.call(record.context()).await else { panic!("no failure") };
        assert_eq!(failure.class, ErrorClass::DeadLetter);
    }

    #[test]
    fn what_arguments_need_is_declared() {
        let mut declaration = Declaration::default();
        handler_fn(|_: State<u64>, _: Text| async {}).declare(&mut declaration);
        assert_eq!(declaration.states.len(), 1);
        assert_eq!(declaration.payload, Some(std::any::type_name::<Text>()));
        assert!(declaration.returns_nothing);
    }

    #[test]
    fn a_function_that_may_return_something_says_so() {
        let returns_nothing = |handler: &dyn Fn(&mut Declaration)| {
            let mut declaration = Declaration::default();
            handler(&mut declaration);
            declaration.returns_nothing
        };
        assert!(!returns_nothing(&|d| handler_fn(|| async { "a" }).declare(d)));
        assert!(!returns_nothing(&|d| handler_fn(|| async { Ok::<_, String>(vec!["a"]) }).declare(d)));
        assert!(returns_nothing(&|d| handler_fn(|| async { Ok::<_, String>(Some(())) }).declare(d)));
    }

    #[test]
    fn a_function_says_the_type_of_the_payload_that_it_returns_and_nothing_of_records_that_name_their_topics() {
        let returns = |handler: &dyn Fn(&mut Declaration)| {
            let mut declaration = Declaration::default();
            handler(&mut declaration);
            assert!(!declaration.returns_nothing);
            declaration.returns.map(|returned| returned.type_name)
        };
        let text = Some(std::any::type_name::<Text>());
        assert_eq!(returns(&|d| handler_fn(|| async { Text(String::new()) }).declare(d)), text);
        assert_eq!(
            returns(&|d| handler_fn(|| async { Ok::<_, String>(vec![Some(Text(String::new()))]) }).declare(d)),
            text
        );
        assert_eq!(returns(&|d| handler_fn(|| async { crate::Outgoing::new("a") }).declare(d)), None);
        assert_eq!(returns(&|d| handler_fn(|| async { crate::ProducerRecord::default() }).declare(d)), None);
    }
}

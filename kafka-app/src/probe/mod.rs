//! Tells, in generated code, what a function returned: with an error that has a class, with any other, or with none.
//!
//! One trait cannot: "derives `KafkaError`, else is any error, else is no `Result`" are impls that overlap. Method
//! lookup can, since the macro's caller has concrete types: it takes the receiver as it stands before it takes
//! references away, so what is implemented for `&&RecordProbe` wins over `&RecordProbe`, and that over `RecordProbe`.
//! Each answers with a tag whose `classify` sets the error apart; generated code says
//! `(&&&RecordProbe::of(&returned)).tag().classify(returned)` with the traits of [`rank`] in scope.

#![expect(clippy::unused_self, reason = "a tag is a value, so that the lookup can hand it over")]

use std::{error::Error as StdError, marker::PhantomData};

use crate::handler::{BatchResult, Failure, KafkaError};

mod argument;
mod returned;

pub use argument::{ArgumentProbe, BatchArgumentProbe};
pub use returned::{Absent, ReturnProbe, returned, returned_async};

type BoxedError = Box<dyn StdError + Send + Sync>;

/// Stands for what a record's function returned.
#[derive(Debug)]
pub struct RecordProbe<T>(PhantomData<T>);

impl<T> RecordProbe<T> {
    /// A probe of the type of `returned`.
    pub fn of(_returned: &T) -> Self {
        Self(PhantomData)
    }
}

/// Stands for what a batch's function returned.
#[derive(Debug)]
pub struct BatchProbe<T>(PhantomData<T>);

impl<T> BatchProbe<T> {
    /// A probe of the type of `returned`.
    pub fn of(_returned: &T) -> Self {
        Self(PhantomData)
    }
}

/// The traits of the lookups.
pub mod rank {
    pub use super::argument::{BatchDeclares, BatchDeclaresNothing, Declares, DeclaresNothing};
    pub use super::returned::{Returns, ReturnsAnything, ReturnsEach, ReturnsResult};
    use super::{
        BatchProbe, BoxedError, EachByClass, EachRetryable, KafkaError, Plain, RecordProbe, WholeByClass, WholePlain,
        WholeRetryable,
    };
    use super::{ByClass, Retryable};

    macro_rules! rank {
        ($trait:ident says $tag:ident of ($probe:ty) where $($generics:ident $(: $bound:path)?),+) => {
            #[doc = concat!("Answers with `", stringify!($tag), "`.")]
            pub trait $trait {
                /// The tag.
                fn tag(&self) -> $tag {
                    $tag
                }
            }
            impl<$($generics $(: $bound)?),+> $trait for $probe {}
        };
    }

    rank!(HasClass says ByClass of (&&RecordProbe<Result<R, E>>) where R, E: KafkaError);
    rank!(HasError says Retryable of (&RecordProbe<Result<R, E>>) where R, E: Into<BoxedError>);
    rank!(HasNone says Plain of (RecordProbe<T>) where T);

    rank!(BatchHasClass says WholeByClass of (&&BatchProbe<Result<R, E>>) where R, E: KafkaError);
    rank!(BatchHasError says WholeRetryable of (&BatchProbe<Result<R, E>>) where R, E: Into<BoxedError>);
    rank!(EachHasClass says EachByClass of (&&BatchProbe<Vec<Result<R, E>>>) where R, E: KafkaError);
    rank!(EachHasError says EachRetryable of (&BatchProbe<Vec<Result<R, E>>>) where R, E: Into<BoxedError>);
    rank!(BatchHasNone says WholePlain of (BatchProbe<T>) where T);
}

/// A `Result` whose error says what is to be done.
#[derive(Debug, Clone, Copy)]
pub struct ByClass;

impl ByClass {
    /// Sets the error apart.
    ///
    /// # Errors
    /// The function's own, with its class.
    pub fn classify<R, E: KafkaError>(self, returned: Result<R, E>) -> Result<R, Failure> {
        returned.map_err(|error| Failure::of(error))
    }
}

/// A `Result` with any other error.
#[derive(Debug, Clone, Copy)]
pub struct Retryable;

impl Retryable {
    /// Sets the error apart.
    ///
    /// # Errors
    /// The function's own, to be retried.
    pub fn classify<R, E: Into<BoxedError>>(self, returned: Result<R, E>) -> Result<R, Failure> {
        returned.map_err(|error| Failure::retry(error))
    }
}

/// No `Result`: it cannot fail.
#[derive(Debug, Clone, Copy)]
pub struct Plain;

impl Plain {
    /// What was returned.
    ///
    /// # Errors
    /// Never.
    pub fn classify<R>(self, returned: R) -> Result<R, Failure> {
        Ok(returned)
    }
}

/// [`ByClass`] for a batch that stands or falls as one.
#[derive(Debug, Clone, Copy)]
pub struct WholeByClass;

impl WholeByClass {
    /// Sets the error apart.
    pub fn classify<R, E: KafkaError>(self, returned: Result<R, E>) -> BatchResult<R> {
        BatchResult::Whole(ByClass.classify(returned))
    }
}

/// [`Retryable`] for a batch that stands or falls as one.
#[derive(Debug, Clone, Copy)]
pub struct WholeRetryable;

impl WholeRetryable {
    /// Sets the error apart.
    pub fn classify<R, E: Into<BoxedError>>(self, returned: Result<R, E>) -> BatchResult<R> {
        BatchResult::Whole(Retryable.classify(returned))
    }
}

/// [`Plain`] for a batch.
#[derive(Debug, Clone, Copy)]
pub struct WholePlain;

impl WholePlain {
    /// What was returned.
    pub fn classify<R>(self, returned: R) -> BatchResult<R> {
        BatchResult::Whole(Ok(returned))
    }
}

/// [`ByClass`] for each record of a batch.
#[derive(Debug, Clone, Copy)]
pub struct EachByClass;

impl EachByClass {
    /// Sets the errors apart.
    pub fn classify<R, E: KafkaError>(self, returned: Vec<Result<R, E>>) -> BatchResult<R> {
        BatchResult::PerRecord(returned.into_iter().map(|result| ByClass.classify(result)).collect())
    }
}

/// [`Retryable`] for each record of a batch.
#[derive(Debug, Clone, Copy)]
pub struct EachRetryable;

impl EachRetryable {
    /// Sets the errors apart.
    pub fn classify<R, E: Into<BoxedError>>(self, returned: Vec<Result<R, E>>) -> BatchResult<R> {
        BatchResult::PerRecord(returned.into_iter().map(|result| Retryable.classify(result)).collect())
    }
}

#[cfg(test)]
mod tests {
    use std::{fmt, io};

    use super::{rank::*, *};
    use crate::handler::ErrorClass;

    #[derive(Debug)]
    struct Refused;

    impl fmt::Display for Refused {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("refused")
        }
    }
    impl StdError for Refused {}
    impl KafkaError for Refused {
        fn class(&self) -> ErrorClass {
            ErrorClass::DeadLetter
        }
    }

    macro_rules! record {
        ($returned:expr) => {{
            let returned = $returned;
            (&&&RecordProbe::of(&returned)).tag().classify(returned)
        }};
    }
    macro_rules! batch {
        ($returned:expr) => {{
            let returned = $returned;
            (&&&BatchProbe::of(&returned)).tag().classify(returned)
        }};
    }

    #[test]
    fn an_error_with_a_class_keeps_it() {
        assert_eq!(record!(Err::<(), _>(Refused)).unwrap_err().class, ErrorClass::DeadLetter);
    }

    #[test]
    fn any_other_error_is_retried() {
        assert_eq!(record!(Err::<(), _>(io::Error::other("down"))).unwrap_err().class, ErrorClass::Retry);
        assert_eq!(record!(Err::<(), _>(BoxedError::from("down"))).unwrap_err().class, ErrorClass::Retry);
        assert_eq!(record!(Err::<(), _>(String::from("down"))).unwrap_err().error.to_string(), "down");
    }

    #[test]
    fn what_is_no_result_cannot_fail() {
        record!(()).unwrap();
        assert_eq!(record!(Some(7)).unwrap(), Some(7));
        assert_eq!(record!(Ok::<_, Refused>(7)).unwrap(), 7);
    }

    #[test]
    fn a_batch_may_answer_for_each_record() {
        let BatchResult::PerRecord(results) = batch!(vec![Ok(()), Err(Refused)]) else { panic!("not per record") };
        assert!(matches!(&results[..], [Ok(()), Err(Failure { class: ErrorClass::DeadLetter, .. })]), "{results:?}");
        let BatchResult::PerRecord(results) = batch!(vec![Err::<(), _>("down")]) else { panic!("not per record") };
        assert!(matches!(&results[..], [Err(Failure { class: ErrorClass::Retry, .. })]), "{results:?}");
    }

    #[test]
    fn a_batch_may_answer_as_one() {
        assert!(matches!(
            batch!(Err::<(), _>(Refused)),
            BatchResult::Whole(Err(Failure { class: ErrorClass::DeadLetter, .. }))
        ));
        assert!(matches!(
            batch!(Err::<(), _>("down")),
            BatchResult::Whole(Err(Failure { class: ErrorClass::Retry, .. }))
        ));
        assert!(matches!(batch!(vec![1, 2]), BatchResult::Whole(Ok(_))));
    }
}

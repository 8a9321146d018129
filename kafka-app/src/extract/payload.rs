//! Payloads as arguments: any type with [`FromPayload`], and `Option` of one for tombstones.

use std::{any::type_name, error::Error as StdError, fmt};

use super::FromRecord;
use crate::{
    convert::FromPayload,
    handler::{Declaration, RecordContext, Rejection},
};

#[diagnostic::do_not_recommend]
impl<'r, P: FromPayload<'r>> FromRecord<'r> for P {
    fn from_record(cx: &RecordContext<'r>) -> Result<Self, Rejection> {
        match cx.record.payload() {
            Some(payload) => P::from_payload_of(&cx.payload_context(), payload).map_err(rejected::<P, _>),
            None => Err(rejected::<P, _>(IsNull("payload"))),
        }
    }

    fn declare(declaration: &mut Declaration) {
        declare_payload::<P>(declaration);
    }
}

/// `None` for a tombstone.
impl<'r, P: FromPayload<'r>> FromRecord<'r> for Option<P> {
    fn from_record(cx: &RecordContext<'r>) -> Result<Self, Rejection> {
        let Some(payload) = cx.record.payload() else { return Ok(None) };
        P::from_payload_of(&cx.payload_context(), payload).map(Some).map_err(rejected::<P, _>)
    }

    fn declare(declaration: &mut Declaration) {
        declare_payload::<P>(declaration);
    }
}

fn declare_payload<'r, P: FromPayload<'r>>(declaration: &mut Declaration) {
    declaration.payload(P::payload_type());
    declare_registry::<P>(declaration);
}

/// Says that a payload or key cannot be made without a registry of schemas, if so it is.
pub(super) fn declare_registry<'r, P: FromPayload<'r>>(declaration: &mut Declaration) {
    if P::NEEDS_REGISTRY {
        declaration.needs_registry(type_name::<P>());
    }
}

/// The rejection of an argument of type `P`.
pub(super) fn rejected<P, E: Into<Box<dyn StdError + Send + Sync>>>(error: E) -> Rejection {
    Rejection::new(type_name::<P>(), error)
}

/// A part of the record is null and its type cannot say so.
#[derive(Debug, Clone, Copy)]
pub(super) struct IsNull(pub(super) &'static str);

impl fmt::Display for IsNull {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "its {0} is null; take `Option<..>` of it where {0}s may be null", self.0)
    }
}

impl StdError for IsNull {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Text, test_support::TestRecord};

    #[test]
    fn a_payload_borrows_from_the_record() {
        let record = TestRecord::new("hello");
        let payload: &str = record.extract().unwrap();
        assert_eq!((payload, payload.as_ptr()), ("hello", record.record().payload().unwrap().as_ptr()));
    }

    #[test]
    fn a_null_payload_says_what_to_take_instead() {
        let error = TestRecord::tombstone().extract::<Text>().unwrap_err().to_string();
        assert!(error.ends_with("its payload is null; take `Option<..>` of it where payloads may be null"), "{error}");
        assert!(error.contains("Text"), "{error}");
    }

    #[test]
    fn an_option_takes_tombstones() {
        assert_eq!(TestRecord::tombstone().extract::<Option<String>>().unwrap(), None);
        assert_eq!(TestRecord::new("x").extract::<Option<&str>>().unwrap(), Some("x"));
        assert!(TestRecord::new([0xff]).extract::<Option<&str>>().is_err());
    }

    /// Two types on one topic, told apart by a header.
    #[derive(Debug, PartialEq)]
    enum Event<'r> {
        Text(&'r str),
        Count(i64),
    }

    impl<'r> FromPayload<'r> for Event<'r> {
        type Error = Box<dyn StdError + Send + Sync>;

        fn from_payload(payload: &'r [u8]) -> Result<Self, Self::Error> {
            Ok(Self::Text(<&str>::from_payload(payload)?))
        }

        fn from_payload_of(cx: &crate::PayloadContext<'r>, payload: &'r [u8]) -> Result<Self, Self::Error> {
            match cx.header("type") {
                Some(b"count") => Ok(Self::Count(i64::from_payload(payload)?)),
                _ => Self::from_payload(payload),
            }
        }
    }

    #[test]
    fn a_type_may_choose_its_form_by_a_header() {
        let count = TestRecord::new(7_i64.to_be_bytes()).header("type", "count");
        assert_eq!(count.extract::<Event<'_>>().unwrap(), Event::Count(7));
        assert_eq!(TestRecord::new("x").extract::<Option<Event<'_>>>().unwrap(), Some(Event::Text("x")));
    }

    #[test]
    fn a_rejection_carries_the_type_of_its_error() {
        let rejection = TestRecord::new([0xff]).extract::<String>().unwrap_err();
        assert_eq!(rejection.type_name, type_name::<crate::NotUtf8>());
    }
}

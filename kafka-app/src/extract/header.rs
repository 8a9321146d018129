//! [`Header`]: one header of the record as an argument.

use std::{any::type_name, fmt};

use super::{FromRecord, payload::rejected};
use crate::{
    convert::FromPayload,
    handler::{RecordContext, Rejection},
};

/// A header by name and type; `Option<Header<..>>` where it may be missing. Of several of its name the last one counts.
///
/// ```
/// use kafka_app::{Header, HeaderName};
///
/// struct TraceId;
///
/// impl HeaderName for TraceId {
///     const NAME: &'static str = "trace-id";
///     type Value = String;
/// }
///
/// async fn trace(Header(trace_id): Header<TraceId>) {
///     println!("{trace_id}");
/// }
/// ```
pub struct Header<T: HeaderName>(pub T::Value);

/// Names a header and the type of its value.
pub trait HeaderName {
    /// The header's name, as on the wire.
    const NAME: &'static str;
    /// What its bytes are made into.
    type Value: for<'r> FromPayload<'r>;
}

impl<T: HeaderName<Value: fmt::Debug>> fmt::Debug for Header<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Header").field(&self.0).finish()
    }
}

impl<'r, T: HeaderName> FromRecord<'r> for Header<T> {
    fn from_record(cx: &RecordContext<'r>) -> Result<Self, Rejection> {
        Option::<Self>::from_record(cx)?.ok_or_else(|| {
            let (name, header) = (T::NAME, type_name::<Self>());
            rejected::<Self, _>(format!("it has no header `{name}`; take `Option<{header}>` where it may be missing"))
        })
    }
}

/// `None` for a header that is missing or null.
impl<'r, T: HeaderName> FromRecord<'r> for Option<Header<T>> {
    fn from_record(cx: &RecordContext<'r>) -> Result<Self, Rejection> {
        let last = cx.record.last_header(T::NAME).flatten();
        last.map(T::Value::from_payload).transpose().map(|value| value.map(Header)).map_err(|error| {
            let error = error.into();
            rejected::<Header<T>, _>(format!("its header `{}`: {error}", T::NAME))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_support::TestRecord;

    struct Retries;

    impl HeaderName for Retries {
        const NAME: &'static str = "retries";
        type Value = i32;
    }

    #[test]
    fn the_last_header_of_a_name_counts() {
        let record = TestRecord::new("p").header("retries", [0, 0, 0, 1]).header("retries", [0, 0, 0, 2]);
        assert_eq!(record.extract::<Header<Retries>>().unwrap().0, 2);
    }

    #[test]
    fn a_missing_header_is_rejected_unless_it_may_be_missing() {
        let record = TestRecord::new("p").header("other", "x");
        let error = record.extract::<Header<Retries>>().unwrap_err().to_string();
        assert!(error.contains("no header `retries`"), "{error}");
        assert!(record.extract::<Option<Header<Retries>>>().unwrap().is_none());
    }

    #[test]
    fn a_header_of_another_form_is_rejected_by_name() {
        let error = TestRecord::new("p").header("retries", "x").extract::<Option<Header<Retries>>>().unwrap_err();
        assert!(error.to_string().contains("its header `retries`: a big-endian number of 4 bytes"), "{error}");
    }
}

//! [`Key`]: the record's key as an argument.

use super::{
    FromRecord,
    payload::{IsNull, declare_registry, rejected},
};
use crate::{
    convert::FromPayload,
    handler::{Declaration, RecordContext, Rejection},
};

/// The key of the record: `Key<String>`, `Key<Option<i64>>` where it may be missing.
///
/// ```
/// use kafka_app::{Key, Text};
///
/// async fn store(Key(id): Key<String>, Text(line): Text) {
///     println!("{id}: {line}");
/// }
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Key<T>(pub T);

impl<'r, T: FromKey<'r>> FromRecord<'r> for Key<T> {
    fn from_record(cx: &RecordContext<'r>) -> Result<Self, Rejection> {
        T::from_key_of(cx).map(Self)
    }

    fn declare(declaration: &mut Declaration) {
        T::declare(declaration);
    }
}

/// What a key can be made into: any payload type, `Option` of one where keys may be null, `()` where they do not matter.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be made of a record's key",
    label = "no converter",
    note = "a key is any type with `FromPayload` (`String`, `&str`, `Json<T>`, `Bytes`, `i64`, ..), an `Option` of one where it may be null, or `()` where it does not matter"
)]
pub trait FromKey<'r>: Sized {
    /// Makes the value of the record's key.
    ///
    /// # Errors
    /// The bytes are no such value, or there are none.
    fn from_key_of(cx: &RecordContext<'r>) -> Result<Self, Rejection>;

    /// As [`FromRecord::declare`].
    fn declare(declaration: &mut Declaration) {
        let _ = declaration;
    }
}

#[diagnostic::do_not_recommend]
impl<'r, P: FromPayload<'r>> FromKey<'r> for P {
    fn from_key_of(cx: &RecordContext<'r>) -> Result<Self, Rejection> {
        match cx.record.key() {
            Some(key) => P::from_payload_of(&cx.key_context(), key).map_err(rejected::<Key<P>, _>),
            None => Err(rejected::<Key<P>, _>(IsNull("key"))),
        }
    }

    fn declare(declaration: &mut Declaration) {
        declare_registry::<P>(declaration);
    }
}

impl<'r, P: FromPayload<'r>> FromKey<'r> for Option<P> {
    fn from_key_of(cx: &RecordContext<'r>) -> Result<Self, Rejection> {
        let key = cx.record.key().map(|key| P::from_payload_of(&cx.key_context(), key));
        key.transpose().map_err(rejected::<Key<P>, _>)
    }

    fn declare(declaration: &mut Declaration) {
        declare_registry::<P>(declaration);
    }
}

impl FromKey<'_> for () {
    fn from_key_of(_: &RecordContext<'_>) -> Result<Self, Rejection> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_support::TestRecord;

    #[test]
    fn a_key_has_its_own_type() {
        let record = TestRecord::new("payload").key(7_i64.to_be_bytes());
        assert_eq!(record.extract::<Key<i64>>().unwrap(), Key(7));
    }

    #[test]
    fn a_null_key_is_rejected_unless_it_may_be_null() {
        let record = TestRecord::new("payload");
        let error = record.extract::<Key<&str>>().unwrap_err().to_string();
        assert!(error.ends_with("its key is null; take `Option<..>` of it where keys may be null"), "{error}");
        assert_eq!(record.extract::<Key<Option<&str>>>().unwrap(), Key(None));
        assert_eq!(record.extract::<Key<()>>().unwrap(), Key(()));
    }
}

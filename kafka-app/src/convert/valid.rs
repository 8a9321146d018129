//! [`Valid`]: payloads that are checked before a listener sees them.

use std::{
    error::Error as StdError,
    fmt,
    ops::{Deref, DerefMut},
};

use bytes::{Bytes, BytesMut};

use super::{FromPayload, PayloadContext, ToPayload};
use crate::{error::Result, schema::WithSchema};

/// A value that can be checked beyond its form.
///
/// Implement it for the type itself; crates such as `garde` or `validator` are called in one line.
pub trait Validate {
    /// What is wrong; said without what the value holds, since it is logged and goes with a dead letter.
    type Error: Into<Box<dyn StdError + Send + Sync>>;

    /// Checks the value.
    ///
    /// # Errors
    /// What is wrong.
    fn validate(&self) -> Result<(), Self::Error>;
}

/// A payload or key that is valid: a record whose value is not is rejected like one that cannot be decoded, and goes the
/// dead-letter way at once with the reason, since no delivery mends it. Spring's `@Valid @Payload`.
///
/// It wraps any converter, and stands wherever that may: `Valid<Json<T>>`, `Option<Valid<Avro<T>>>`, `Batch<Valid<Json<T>>>`.
///
/// ```
/// use kafka_app::{FromPayload, Json, Valid, Validate};
///
/// #[derive(serde::Deserialize)]
/// struct Order { cents: u64 }
///
/// impl Validate for Order {
///     type Error = &'static str;
///
///     fn validate(&self) -> Result<(), Self::Error> {
///         if self.cents > 0 { Ok(()) } else { Err("an order costs something") }
///     }
/// }
///
/// async fn bill(Valid(Json(order)): Valid<Json<Order>>) {
///     println!("{}", order.cents);
/// }
///
/// let error = Valid::<Json<Order>>::from_payload(br#"{"cents":0}"#).err().unwrap();
/// assert_eq!(error.to_string(), "not valid: an order costs something");
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Valid<P>(pub P);

impl<P> Deref for Valid<P> {
    type Target = P;

    fn deref(&self) -> &P {
        &self.0
    }
}

impl<P> DerefMut for Valid<P> {
    fn deref_mut(&mut self) -> &mut P {
        &mut self.0
    }
}

/// Why there is no valid value.
pub enum Invalid<E> {
    /// The bytes are no such value.
    Undecoded(E),
    /// The value did not pass its own check.
    Refused(Box<dyn StdError + Send + Sync>),
}

impl<E> fmt::Display for Invalid<E>
where
    E: fmt::Display,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Undecoded(error) => error.fmt(f),
            Self::Refused(error) => write!(f, "not valid: {error}"),
        }
    }
}

impl<E: fmt::Display> fmt::Debug for Invalid<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Invalid({self})")
    }
}

impl<E: fmt::Display> StdError for Invalid<E> {}

impl<'r, P> FromPayload<'r> for Valid<P>
where
    P: FromPayload<'r, Error: fmt::Display + Send + Sync + 'static> + Validate,
{
    type Error = Invalid<<P as FromPayload<'r>>::Error>;

    const NEEDS_REGISTRY: bool = P::NEEDS_REGISTRY;

    fn from_payload(payload: &'r [u8]) -> Result<Self, Self::Error> {
        checked(P::from_payload(payload))
    }

    fn from_payload_of(cx: &PayloadContext<'r>, payload: &'r [u8]) -> Result<Self, Self::Error> {
        checked(P::from_payload_of(cx, payload))
    }

    fn payload_type() -> &'static str {
        P::payload_type()
    }
}

fn checked<P: Validate, E>(decoded: Result<P, E>) -> Result<Valid<P>, Invalid<E>> {
    let value = decoded.map_err(Invalid::Undecoded)?;
    match value.validate() {
        Ok(()) => Ok(Valid(value)),
        Err(error) => Err(Invalid::Refused(error.into())),
    }
}

/// Sent as what it wraps, without another check.
impl<P: ToPayload> ToPayload for Valid<P> {
    fn encode(&self, buffer: &mut BytesMut) -> Result<()> {
        self.0.encode(buffer)
    }

    fn to_payload(&self, buffer: &mut BytesMut) -> Result<Option<Bytes>> {
        self.0.to_payload(buffer)
    }

    fn into_payload(self) -> Result<Option<Bytes>> {
        self.0.into_payload()
    }

    fn with_schema(&self) -> Option<&dyn WithSchema> {
        self.0.with_schema()
    }

    fn needs_registry() -> bool {
        P::needs_registry()
    }

    fn sent_type() -> &'static str {
        P::sent_type()
    }
}

macro_rules! validated_inside {
    ($($(#[$attribute:meta])* $wrapper:ident),+) => {$(
        $(#[$attribute])*
        impl<T: Validate> Validate for super::$wrapper<T> {
            type Error = T::Error;

            fn validate(&self) -> Result<(), T::Error> {
                self.0.validate()
            }
        }
    )+};
}

validated_inside!(
    #[cfg(feature = "json")]
    Json,
    #[cfg(feature = "avro")]
    Avro,
    #[cfg(feature = "json-schema")]
    JsonSchema,
    #[cfg(feature = "protobuf")]
    Protobuf
);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Text, test_support::TestRecord};

    impl Validate for Text {
        type Error = String;

        fn validate(&self) -> Result<(), String> {
            if self.0.is_empty() { Err("no text".to_owned()) } else { Ok(()) }
        }
    }

    #[test]
    fn what_is_valid_is_passed_on() {
        assert_eq!(TestRecord::new("a").extract::<Valid<Text>>().unwrap().0.0, "a");
        assert!(TestRecord::tombstone().extract::<Option<Valid<Text>>>().unwrap().is_none());
    }

    #[test]
    fn what_is_not_valid_is_rejected_with_its_reason() {
        let rejection = TestRecord::new("").extract::<Valid<Text>>().unwrap_err();
        assert_eq!(rejection.error.to_string(), "not valid: no text");
        assert!(rejection.type_name.contains("Invalid"), "{}", rejection.type_name);
    }

    #[test]
    fn what_cannot_be_decoded_says_why_as_without_the_check() {
        let rejection = TestRecord::new([0xff]).extract::<Valid<Text>>().unwrap_err();
        assert_eq!(rejection.error.to_string(), "not UTF-8 from byte 0 on");
    }

    #[test]
    fn a_listener_that_checks_reads_the_same_type_as_one_that_does_not() {
        assert_eq!(Valid::<Text>::payload_type(), Text::payload_type());
    }
}

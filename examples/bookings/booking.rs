//! [`Booking`]: the types of the topic `bookings`.

use apache_avro::AvroSchema;
use kafka_app::{Avro, FromPayload, PayloadContext, SchemaError, Validate};
use serde::{Deserialize, Serialize};

/// Something was sold.
#[derive(Debug, Serialize, Deserialize, AvroSchema)]
#[avro(namespace = "shop")]
pub(crate) struct Sale {
    pub(crate) id: i64,
    pub(crate) article: String,
    pub(crate) cents: i64,
}

/// Something was given back.
#[derive(Debug, Serialize, Deserialize, AvroSchema)]
#[avro(namespace = "shop")]
pub(crate) struct Refund {
    pub(crate) sale: i64,
    pub(crate) cents: i64,
}

/// A record of the topic: the schema it was written by says which.
#[derive(Debug)]
pub(crate) enum Booking {
    Sale(Sale),
    Refund(Refund),
}

impl<'r> FromPayload<'r> for Booking {
    type Error = Box<dyn std::error::Error + Send + Sync>;

    const NEEDS_REGISTRY: bool = true;

    fn from_payload(_: &'r [u8]) -> Result<Self, Self::Error> {
        Err(SchemaError::NoRegistry.into())
    }

    fn from_payload_of(cx: &PayloadContext<'r>, payload: &'r [u8]) -> Result<Self, Self::Error> {
        match &*cx.schema_name(payload)? {
            "shop.Sale" => Ok(Self::Sale(Avro::from_payload_of(cx, payload)?.0)),
            "shop.Refund" => Ok(Self::Refund(Avro::from_payload_of(cx, payload)?.0)),
            other => Err(format!("no booking is a `{other}`").into()),
        }
    }
}

impl Validate for Booking {
    type Error = &'static str;

    fn validate(&self) -> Result<(), Self::Error> {
        let (Self::Sale(Sale { cents, .. }) | Self::Refund(Refund { cents, .. })) = self;
        if *cents > 0 { Ok(()) } else { Err("a booking moves money") }
    }
}

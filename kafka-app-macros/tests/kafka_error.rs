//! The classes that `#[derive(KafkaError)]` gives.
#![deny(warnings, missing_docs, unreachable_pub)]
#![allow(dead_code, reason = "only the classes are of interest")]

use std::{error::Error, fmt};

use kafka_app::{ErrorClass, KafkaError};

macro_rules! errors {
    ($($error:ident $(<$generic:ident>)?),*) => {$(
        impl$(<$generic: fmt::Debug>)? fmt::Display for $error$(<$generic>)? {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{self:?}")
            }
        }
        impl$(<$generic: fmt::Debug>)? Error for $error$(<$generic>)? {}
    )*};
}

#[derive(Debug, KafkaError)]
enum Billing {
    Busy,
    #[retry]
    StillBusy {
        seconds: u64,
    },
    #[dead_letter]
    NoCustomer(u64),
    #[skip]
    AlreadyBilled,
    #[stop]
    Credentials(String, u8),
}

#[derive(Debug, KafkaError)]
#[dead_letter]
enum Shipping {
    NoAddress,
    #[retry]
    NoDriver,
}

#[derive(Debug, KafkaError)]
#[skip]
struct Seen;

#[derive(Debug, KafkaError)]
struct Wrapped<T>(T)
where
    T: fmt::Debug;

#[derive(Debug, KafkaError)]
enum Never {}

errors!(Billing, Shipping, Seen, Wrapped<T>, Never);

#[test]
fn each_variant_has_its_class_and_without_one_is_retried() {
    assert_eq!(Billing::Busy.class(), ErrorClass::Retry);
    assert_eq!(Billing::StillBusy { seconds: 1 }.class(), ErrorClass::Retry);
    assert_eq!(Billing::NoCustomer(1).class(), ErrorClass::DeadLetter);
    assert_eq!(Billing::AlreadyBilled.class(), ErrorClass::Skip);
    assert_eq!(Billing::Credentials("a".to_owned(), 1).class(), ErrorClass::Stop);
}

#[test]
fn the_class_of_the_type_is_that_of_variants_without_one() {
    assert_eq!(Shipping::NoAddress.class(), ErrorClass::DeadLetter);
    assert_eq!(Shipping::NoDriver.class(), ErrorClass::Retry);
}

#[test]
fn a_struct_has_the_class_of_its_type() {
    assert_eq!(Seen.class(), ErrorClass::Skip);
    assert_eq!(Wrapped(5).class(), ErrorClass::Retry);
}

#[test]
fn an_error_without_variants_compiles() {
    let no_error: Result<(), Never> = Ok(());
    assert_eq!(no_error.map_err(|never| never.class()), Ok(()));
}

//! Extractors: what a listener's arguments may be.

use crate::handler::{Declaration, RecordContext, Rejection};

/// Makes an argument of a record.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be an argument of a listener",
    label = "no extractor",
    note = "allowed are `Json<T>`, `Text`, `String`, `&str`, `Bytes`, `&[u8]`, `Option<..>` of these for tombstones, `Key<T>`, `Header<T>`, `Headers`, `Record<K, V>`, `RecordMetadata`, `DeliveryAttempt`, `State<T>`, `Ack`, `Template<K, V>`, `Batch<T>`, and types that implement `FromRecord` or `FromPayload`"
)]
pub trait FromRecord<'r>: Sized {
    /// Makes the argument, borrowing from the record where it can.
    ///
    /// # Errors
    /// Why the record does not hold such an argument; the record then goes the dead-letter way at once.
    fn from_record(cx: &RecordContext<'r>) -> Result<Self, Rejection>;

    /// Says what the argument needs of the application; asked once before start.
    fn declare(declaration: &mut Declaration) {
        let _ = declaration;
    }
}

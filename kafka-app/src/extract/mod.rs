//! Extractors: what a listener's arguments may be.

mod ack;
mod batch;
mod header;
mod headers;
mod key;
mod key_state;
mod metadata;
mod payload;
mod record;
mod state;
mod template;
mod template_of;

use crate::handler::{BatchContext, Declaration, RecordContext, Rejection};

pub use batch::{Batch, BatchRecord};
pub use header::{Header, HeaderName};
pub use key::{FromKey, Key};
pub use key_state::{KeyScope, KeyState, KeyedState};
pub use metadata::DeliveryAttempt;
pub use record::Record;
pub use state::State;
pub use template::Template;
pub(crate) use template_of::ClusterTemplates;
pub use template_of::{Cluster, TemplateOf};

/// Makes an argument of a record.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be an argument of a listener",
    label = "no extractor",
    note = "allowed are `Json<T>`, `Text`, `String`, `&str`, `Bytes`, `&[u8]`, `Option<..>` of these for tombstones, `Key<T>`, `Header<T>`, `Headers`, `Record<K, V>`, `RecordMetadata`, `DeliveryAttempt`, `State<T>`, `KeyState<S>`, `Ack`, `Template<K, V>`, `TemplateOf<C, K, V>`, `Batch<T>`, and types that implement `FromRecord` or `FromPayload`"
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

/// Makes an argument of many records: what a listener that takes a `Batch<T>` may have beside it.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be an argument of a listener that takes a batch",
    label = "no extractor for batches",
    note = "allowed are one `Batch<T>`, `State<T>`, `Ack`, `Template<K, V>`, `TemplateOf<C, K, V>`, and types that implement `FromBatch`"
)]
pub trait FromBatch<'r>: Sized {
    /// Makes the argument. A record it cannot take goes to `rejected` with its index in the batch, by rising index.
    ///
    /// # Errors
    /// The argument cannot be made at all; the listener then stops.
    fn from_batch(cx: &BatchContext<'r>, rejected: &mut Vec<(usize, Rejection)>) -> Result<Self, Rejection>;

    /// As [`FromRecord::declare`].
    fn declare(declaration: &mut Declaration) {
        let _ = declaration;
    }
}

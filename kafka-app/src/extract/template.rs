//! [`Template`]: a [`KafkaTemplate`] as an argument.

use std::{fmt, ops::Deref};

use super::{FromBatch, FromRecord, payload::rejected};
use crate::{
    handler::{BatchContext, Declaration, HandlerEnv, RecordContext, Rejection},
    producer::KafkaTemplate,
};

/// The producer of the listener's own cluster, for keys of type `K` and payloads of type `V`.
///
/// What it sends is sent, whatever becomes of the record that is handled: await its sends, or return what is to be sent,
/// which the runtime then awaits before the record counts as done. [`TemplateOf`](crate::TemplateOf) is that of another
/// cluster. Only where the listener delivers exactly once is it
/// part of the record's transaction, and so committed with it or not at all; there a handler that takes a `Template` and
/// fails has its whole transaction handled again, while one that returns its outputs fails alone.
///
/// ```
/// use kafka_app::{SendError, Template, Text};
///
/// async fn copy(Template(copies): Template<String, Text>, line: Text) -> Result<(), SendError> {
///     copies.send("copies", "all", &line).await?;
///     Ok(())
/// }
/// ```
pub struct Template<K: ?Sized, V: ?Sized>(pub KafkaTemplate<K, V>);

impl<K: ?Sized, V: ?Sized> Deref for Template<K, V> {
    type Target = KafkaTemplate<K, V>;

    fn deref(&self) -> &KafkaTemplate<K, V> {
        &self.0
    }
}

impl<K: ?Sized, V: ?Sized> fmt::Debug for Template<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Template").finish_non_exhaustive()
    }
}

impl<'r, K: ?Sized + 'static, V: ?Sized + 'static> FromRecord<'r> for Template<K, V> {
    fn from_record(cx: &RecordContext<'r>) -> Result<Self, Rejection> {
        template(Some(cx.env))
    }

    fn declare(declaration: &mut Declaration) {
        declaration.takes_template();
    }
}

impl<'r, K: ?Sized + 'static, V: ?Sized + 'static> FromBatch<'r> for Template<K, V> {
    fn from_batch(cx: &BatchContext<'r>, _: &mut Vec<(usize, Rejection)>) -> Result<Self, Rejection> {
        template(cx.records.first().map(|record| record.env))
    }

    fn declare(declaration: &mut Declaration) {
        declaration.takes_template();
    }
}

fn template<K: ?Sized, V: ?Sized>(env: Option<&HandlerEnv>) -> Result<Template<K, V>, Rejection> {
    let template = env.and_then(|env| env.template.as_ref());
    template
        .map(|template| Template(template.typed()))
        .ok_or_else(|| rejected::<Template<K, V>, _>("the listener was started without a producer"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_support::TestRecord;

    #[test]
    fn a_template_is_declared_and_needs_a_producer() {
        let mut declaration = Declaration::default();
        <Template<String, String> as FromRecord<'_>>::declare(&mut declaration);
        assert!(declaration.takes_template);
        let error = TestRecord::new("p").extract::<Template<String, String>>().unwrap_err().to_string();
        assert!(error.ends_with("the listener was started without a producer"), "{error}");
    }
}

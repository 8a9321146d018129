//! [`TemplateOf`]: a [`KafkaTemplate`] of another cluster as an argument.

use std::{collections::BTreeMap, fmt, marker::PhantomData, ops::Deref};

use super::{FromBatch, FromRecord, payload::rejected};
use crate::{
    config::listener_key,
    handler::{BatchContext, Declaration, HandlerEnv, RecordContext, Rejection},
    producer::KafkaTemplate,
};

/// A cluster of the configuration, by its name under `kafka.clusters`; `default` is that of `kafka.*` itself.
pub trait Cluster: 'static {
    /// The name, without regard to case and dashes.
    const NAME: &'static str;
}

/// The producer of another cluster than the listener's own, for keys of type `K` and payloads of type `V`.
///
/// What it sends is sent, whatever becomes of the record that is handled, also where the listener delivers exactly once: a
/// Kafka transaction is of one cluster. A cluster that the configuration does not have is an error of the start.
///
/// ```
/// use kafka_app::{Cluster, SendError, TemplateOf, Text};
///
/// struct Audit;
///
/// impl Cluster for Audit {
///     const NAME: &'static str = "audit"; // kafka.clusters.audit.*
/// }
///
/// async fn tell(audit: TemplateOf<Audit, String, Text>, line: Text) -> Result<(), SendError> {
///     audit.send("lines", "all", &line).await?;
///     Ok(())
/// }
/// ```
pub struct TemplateOf<C, K: ?Sized, V: ?Sized> {
    template: KafkaTemplate<K, V>,
    cluster: PhantomData<fn() -> C>,
}

impl<C, K: ?Sized, V: ?Sized> Deref for TemplateOf<C, K, V> {
    type Target = KafkaTemplate<K, V>;

    fn deref(&self) -> &KafkaTemplate<K, V> {
        &self.template
    }
}

impl<C: Cluster, K: ?Sized, V: ?Sized> fmt::Debug for TemplateOf<C, K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TemplateOf").field("cluster", &C::NAME).finish_non_exhaustive()
    }
}

impl<'r, C: Cluster, K: ?Sized + 'static, V: ?Sized + 'static> FromRecord<'r> for TemplateOf<C, K, V> {
    fn from_record(cx: &RecordContext<'r>) -> Result<Self, Rejection> {
        template_of(Some(cx.env))
    }

    fn declare(declaration: &mut Declaration) {
        declaration.sends_to_cluster(C::NAME);
    }
}

impl<'r, C: Cluster, K: ?Sized + 'static, V: ?Sized + 'static> FromBatch<'r> for TemplateOf<C, K, V> {
    fn from_batch(cx: &BatchContext<'r>, _: &mut Vec<(usize, Rejection)>) -> Result<Self, Rejection> {
        template_of(cx.records.first().map(|record| record.env))
    }

    fn declare(declaration: &mut Declaration) {
        declaration.sends_to_cluster(C::NAME);
    }
}

fn template_of<C: Cluster, K: ?Sized, V: ?Sized>(env: Option<&HandlerEnv>) -> Result<TemplateOf<C, K, V>, Rejection> {
    let templates = env.and_then(|env| env.states.get::<ClusterTemplates>());
    let template = templates.and_then(|templates| Some(templates.0.get(&listener_key(C::NAME))?.typed()));
    template
        .map(|template| TemplateOf { template, cluster: PhantomData })
        .ok_or_else(|| rejected::<TemplateOf<C, K, V>, _>("the listener was started without this cluster"))
}

/// The templates of all clusters by name: a state of the application that nobody gave.
pub(crate) struct ClusterTemplates(BTreeMap<String, KafkaTemplate<(), ()>>);

impl ClusterTemplates {
    pub(crate) fn new(by_name: impl IntoIterator<Item = (String, KafkaTemplate<(), ()>)>) -> Self {
        Self(by_name.into_iter().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_support::TestRecord;

    struct Audit;

    impl Cluster for Audit {
        const NAME: &'static str = "audit-log";
    }

    #[test]
    fn the_cluster_is_declared_and_has_to_be_there() {
        let mut declaration = Declaration::default();
        <TemplateOf<Audit, String, String> as FromRecord<'_>>::declare(&mut declaration);
        assert_eq!(declaration.clusters, ["audit-log"]);
        assert!(!declaration.takes_template, "it is no part of the listener's transactions");
        let error = TestRecord::new("p").extract::<TemplateOf<Audit, String, String>>().unwrap_err().to_string();
        assert!(error.ends_with("the listener was started without this cluster"), "{error}");
    }
}

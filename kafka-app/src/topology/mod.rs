//! [`Topology`]: what an application's listeners read and send, known before anything starts.

mod check;
mod mermaid;
mod payload;
mod reads;
mod retries;
#[cfg(test)]
mod tests;
mod text;

use std::collections::BTreeSet;

pub(crate) use check::{Source, check};

use crate::{
    config::{Delivery, ResolvedListener, Subscription},
    handler::Declaration,
};

/// What an application's listeners read and send, as far as it is declared; [`KafkaApp::topology`](crate::KafkaApp::topology)
/// makes it without connecting to anything.
///
/// [`Display`](std::fmt::Display) has it as text, a paragraph a listener; [`to_mermaid`](Self::to_mermaid) as a picture.
/// What a listener sends by a `Template`, or with an `Outgoing` that names its topic, is decided record by record and not
/// in here; that it can is.
///
/// ```
/// use kafka_app::{KafkaApp, Text, kafka_listener, listeners};
///
/// #[kafka_listener(topic = "orders", group = "billing", send_to = "invoices", dead_letter = "orders-dlt")]
/// async fn bill(Text(order): Text) -> String {
///     format!("invoice for {order}")
/// }
///
/// let topology = KafkaApp::new("localhost:9092").listeners(listeners![bill]).topology()?;
/// assert_eq!(topology.to_string(), "\
/// bill (group billing, at-least-once)
///   reads   orders as Text
///   sends   invoices as String
///   gives up to orders-dlt
/// ");
/// # Ok::<(), kafka_app::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Topology {
    listeners: Vec<Node>,
}

/// One listener.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Node {
    id: String,
    /// Where its topics are; `None`: on the cluster of `kafka.*`.
    cluster: Option<String>,
    group: String,
    delivery: Delivery,
    reads: Subscription,
    /// Patterns of topics that its client takes for not there (`topic.blacklist`).
    passes_over: Vec<String>,
    /// The payload's type with its paths; `None`: it takes none, or the whole record.
    payload: Option<&'static str>,
    send_to: Option<String>,
    /// The type of what it returns, with its paths; `None`: nothing, or records that name their topics themselves.
    returns: Option<&'static str>,
    dead_letters: Vec<String>,
    /// Retry topics that its records may go to next.
    retries_to: Vec<String>,
    /// Of one that reads retry topics: the listener they are of.
    retries_of: Option<String>,
    takes_template: bool,
    /// Other clusters that it sends to.
    sends_to_clusters: Vec<&'static str>,
    replies: bool,
}

impl Topology {
    /// Of listeners whose settings are decided, with what their functions say of themselves.
    pub(crate) fn of<'l>(listeners: impl IntoIterator<Item = (&'l ResolvedListener, &'l Declaration)>) -> Self {
        let node = |(resolved, declaration): (&ResolvedListener, &Declaration)| Node {
            id: resolved.id.clone(),
            cluster: resolved.cluster.clone(),
            group: resolved.group_id.clone(),
            delivery: resolved.delivery,
            reads: resolved.subscription.clone(),
            passes_over: resolved.topic_blacklist.clone(),
            payload: declaration.payload,
            send_to: resolved.send_to.clone(),
            returns: declaration.returns.map(|returned| returned.type_name),
            dead_letters: resolved.dead_letter_topics(),
            retries_to: resolved.next_retry_topics(),
            retries_of: resolved
                .stage()
                .filter(|_| resolved.is_of_retry_topic())
                .and_then(|stage| Some(resolved.id.strip_suffix(&stage.suffix)?.to_owned())),
            takes_template: declaration.takes_template,
            sends_to_clusters: declaration.clusters.clone(),
            replies: resolved.reply,
        };
        let mut listeners: Vec<_> = listeners.into_iter().map(node).collect();
        listeners.sort_by(|left, right| left.id.cmp(&right.id));
        Self { listeners }
    }

    /// Every topic that is named in it, sorted; one of a name on two clusters is there once.
    #[must_use]
    pub fn topics(&self) -> Vec<&str> {
        self.places().into_iter().map(|(_, topic)| topic).collect::<BTreeSet<_>>().into_iter().collect()
    }

    /// Every topic that is named in it with its cluster, sorted.
    fn places(&self) -> Vec<Place<'_>> {
        let named = self.listeners.iter().flat_map(|node| {
            let written = node.dead_letters.iter().chain(&node.retries_to).map(String::as_str);
            node.topics_read().chain(node.send_to.as_deref()).chain(written).map(|topic| node.place(topic))
        });
        named.collect::<BTreeSet<_>>().into_iter().collect()
    }

    /// As a flow chart for Mermaid, which GitHub and many wikis draw.
    ///
    /// Topics are round, listeners are boxes; dotted arrows lead to retry topics and dead letter topics. A hexagon
    /// is a pattern that is read, or the topic that a request wants its reply in.
    #[must_use]
    pub fn to_mermaid(&self) -> String {
        mermaid::flow_chart(self)
    }
}

/// A topic with the name of its cluster: topics of one name on two clusters have nothing to do with each other.
type Place<'t> = (Option<&'t str>, &'t str);

impl Node {
    /// One of its topics.
    fn place<'t>(&'t self, topic: &'t str) -> Place<'t> {
        (self.cluster.as_deref(), topic)
    }

    /// The topics it reads by name; those of a pattern are only known while it runs, and [`reads`] finds some of them.
    fn topics_read(&self) -> impl Iterator<Item = &str> {
        let topics: &[String] = match &self.reads {
            Subscription::Topics(topics) => topics,
            Subscription::Pattern(_) => &[],
        };
        topics.iter().map(String::as_str)
    }
}

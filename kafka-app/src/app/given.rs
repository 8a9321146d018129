//! [`Given`]: whether what listeners need is there, and goes with how they are set: pure.

use crate::{
    admin::NewTopic,
    config::{Delivery, KafkaProperties, Mistake, Ordering, ResolvedListener},
    handler::{Declaration, States},
    listener::Listener,
};

/// What an application was given.
pub(super) struct Given<'a> {
    pub(super) properties: &'a KafkaProperties,
    pub(super) listeners: &'a [Listener],
    /// What each of them needs.
    pub(super) declarations: &'a [Declaration],
    pub(super) states: &'a States,
    pub(super) topics: &'a [NewTopic],
}

impl<'a> Given<'a> {
    /// What is missing or does not fit, with the settings that were decided for each listener.
    pub(super) fn mistakes<'r>(
        &'r self,
        resolved: &'r [ResolvedListener],
    ) -> impl Iterator<Item = Mistake> + use<'r, 'a> {
        let declared = || self.listeners.iter().zip(self.declarations);
        let missing = declared().flat_map(|(listener, needs)| missing_states(listener, needs, self.states));
        let has_registry = !self.properties.schema_registry.url.is_empty();
        let without_registry =
            declared().filter(move |_| !has_registry).flat_map(|(listener, needs)| needs_registry(listener, needs));
        let wrong_layers = self.listeners.iter().filter(|listener| listener.has_wrong_layer).map(wrong_layer);
        let unfit = declared().zip(resolved).flat_map(|((listener, needs), resolved)| {
            let kept = key_state_mistakes(&needs.key_states, resolved);
            let sent = cluster_mistakes(self.properties, &needs.clusters, resolved);
            kept.into_iter().chain(sent).map(|text| mistake_of(listener, text))
        });
        missing
            .chain(without_registry)
            .chain(lost_topics(self.properties, self.topics))
            .chain(wrong_layers)
            .chain(unfit)
    }
}

/// A layer that does not fit.
fn wrong_layer(listener: &Listener) -> Mistake {
    let text = match listener.is_batch() {
        true => "takes many records at a time: put the layer around it with `.batch_layer(..)`",
        false => "takes one record at a time: put the layer around it with `.layer(..)`",
    };
    mistake_of(listener, text.to_owned())
}

/// Why values that are kept for each key would not be what their handler takes them for.
fn key_state_mistakes(kept: &[&str], listener: &ResolvedListener) -> Vec<String> {
    let Some(name) = kept.first() else { return Vec::new() };
    let why = [
        (listener.ordering == Ordering::None)
            .then_some("with ordering \"none\" two records of a key are handled at once: take \"key\""),
        (listener.delivery == Delivery::ExactlyOnce)
            .then_some("what a transaction that is given up had changed in it would stay: deliver at least once"),
        (listener.retry_topics.is_some() && listener.stage.is_none()).then_some(
            "a record of a retry topic is in another partition, which has values of its own: retry in place",
        ),
        kept.iter().enumerate().any(|(i, one)| kept[..i].contains(one)).then_some("twice: take it once"),
    ];
    why.into_iter().flatten().map(|why| format!("takes `KeyState<{name}>`: {why}")).collect()
}

/// Why templates of these clusters would not send where their handler means.
fn cluster_mistakes(properties: &KafkaProperties, clusters: &[&str], listener: &ResolvedListener) -> Vec<String> {
    let mistake = |name: &&str| match properties.find_cluster(name) {
        Err(text) => Some(format!("takes a `TemplateOf` the cluster `{name}`: {text}")),
        Ok(found) if found == listener.cluster.as_deref() && listener.delivery == Delivery::ExactlyOnce => {
            Some(format!(
                "takes a `TemplateOf` its own cluster `{name}`, which would send beside its transaction: take a `Template`"
            ))
        }
        Ok(_) => None,
    };
    clusters.iter().filter_map(mistake).collect()
}

/// A mistake for each declared topic of a cluster that is not there.
fn lost_topics(properties: &KafkaProperties, topics: &[NewTopic]) -> Vec<Mistake> {
    let mistake = |topic: &NewTopic| {
        let text = properties.find_cluster(topic.cluster()?).err()?;
        Some(Mistake { source: "code".to_owned(), key: format!("topic `{}`", topic.name()), text })
    };
    topics.iter().filter_map(mistake).collect()
}

fn mistake_of(listener: &Listener, text: String) -> Mistake {
    Mistake {
        source: listener.location.unwrap_or("code").to_owned(),
        key: format!("listener `{}`", listener.id()),
        text,
    }
}

/// A mistake for each type whose schemas are in a registry, where there is none.
fn needs_registry(listener: &Listener, needs: &Declaration) -> Vec<Mistake> {
    let taken = needs.with_schemas.iter().map(|name| ("takes", *name));
    let returned =
        needs.returns.iter().filter(|returned| returned.needs_registry).map(|one| ("returns", one.type_name));
    let text =
        |(does, name)| format!("{does} `{name}`, whose schemas are in a registry: set `kafka.schema-registry.url`");
    taken.chain(returned).map(|one| mistake_of(listener, text(one))).collect()
}

/// A mistake for each type of state that a listener takes and nobody gave.
fn missing_states(listener: &Listener, needs: &Declaration, states: &States) -> Vec<Mistake> {
    let missing = needs.states.iter().filter(|(id, _)| !states.contains(*id));
    missing
        .map(|(_, name)| {
            let text =
                format!("takes `State<{name}>`, but the application has no such state: give it with `.state(..)`");
            mistake_of(listener, text)
        })
        .collect()
}

//! The check of everything that is declared, before anything connects: pure.

use std::iter;

use crate::{
    admin::NewTopic,
    config::{Declared, Delivery, KafkaProperties, Mistake, Ordering, ResolvedListener},
    error::Result,
    handler::{Declaration, States},
    listener::Listener,
    topology::{self, Topology},
};

/// What an application is going to run.
pub(crate) struct Plan {
    pub(crate) listeners: Vec<Planned>,
    pub(crate) topology: Topology,
}

/// A listener with its settings decided.
pub(crate) struct Planned {
    pub(crate) listener: Listener,
    pub(crate) resolved: ResolvedListener,
    /// The same function on the listener's retry topics.
    pub(crate) stages: Vec<Self>,
}

/// Decides every listener's settings.
///
/// # Errors
/// All mistakes together: of the configuration, of the declarations, and of what the listeners do to each other.
pub(crate) fn plan(
    properties: &KafkaProperties,
    listeners: Vec<Listener>,
    states: &States,
    topics: &[NewTopic],
) -> Result<Plan> {
    let declarations = listeners.iter().map(Listener::declaration).collect::<Vec<_>>();
    let declared = listeners.iter().zip(&declarations).map(|(listener, declaration)| Declared {
        id: listener.id(),
        settings: &listener.settings,
        location: listener.location,
        is_batch: listener.is_batch(),
        takes_ack: declaration.takes_ack,
        returns_nothing: declaration.returns_nothing,
    });
    let missing =
        listeners.iter().zip(&declarations).flat_map(|(listener, needs)| missing_states(listener, needs, states));
    let wrong_layers = listeners.iter().filter(|listener| listener.has_wrong_layer).map(wrong_layer);
    let has_registry = !properties.schema_registry.url.is_empty();
    let without_registry = listeners
        .iter()
        .zip(&declarations)
        .filter(|_| !has_registry)
        .flat_map(|(listener, needs)| needs_registry(listener, needs));
    let missing = missing.chain(without_registry).chain(lost_topics(properties, topics));
    let declared_at: topology::Source<'_> =
        listeners.iter().filter_map(|listener| Some((listener.id(), listener.location?))).collect();
    let topology_of = |resolved: &[ResolvedListener]| {
        let with_stages = |(listener, declaration): (&ResolvedListener, _)| {
            iter::once((listener.clone(), declaration))
                .chain(listener.stages().into_iter().map(move |s| (s, declaration)))
        };
        let all: Vec<_> = resolved.iter().zip(&declarations).flat_map(with_stages).collect();
        Topology::of(all.iter().map(|(listener, declaration)| (listener, *declaration)))
    };
    let may_mix_payloads = !properties.listener.mixed_payloads_fatal;
    let also = |resolved: &[ResolvedListener]| {
        let declared = listeners.iter().zip(&declarations).zip(resolved);
        let kept = declared.flat_map(|((listener, declaration), resolved)| {
            let kept = key_state_mistakes(&declaration.key_states, resolved);
            let sent = cluster_mistakes(properties, &declaration.clusters, resolved);
            kept.into_iter().chain(sent).map(|text| mistake_of(listener, text))
        });
        missing
            .chain(wrong_layers)
            .chain(kept)
            .chain(topology::check(&topology_of(resolved), &declared_at, may_mix_payloads))
            .collect()
    };
    let resolved = properties.resolve_listeners(&declared.collect::<Vec<_>>(), also)?;
    let topology = topology_of(&resolved);
    let planned = |(listener, resolved): (Listener, ResolvedListener)| {
        let stage = |resolved| Planned { listener: listener.clone(), resolved, stages: Vec::new() };
        let stages = resolved.stages().into_iter().map(stage).collect();
        Planned { listener, resolved, stages }
    };
    Ok(Plan { listeners: listeners.into_iter().zip(resolved).map(planned).collect(), topology })
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
    let text = |name| format!("takes `{name}`, whose schemas are in a registry: set `kafka.schema-registry.url`");
    needs.with_schemas.iter().map(|name| mistake_of(listener, text(name))).collect()
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

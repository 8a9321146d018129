//! The check of everything that is declared, before anything connects: pure.

use std::iter;

use super::given::Given;
use crate::{
    admin::NewTopic,
    config::{Declared, KafkaProperties, ResolvedListener},
    error::Result,
    handler::States,
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
        returns: declaration.returns.map(|returned| returned.type_name),
    });
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
    let given = Given { properties, listeners: &listeners, declarations: &declarations, states, topics };
    let may_mix_payloads = !properties.listener.mixed_payloads_fatal;
    let also = |resolved: &[ResolvedListener]| {
        let of_all = topology::check(&topology_of(resolved), &declared_at, may_mix_payloads);
        given.mistakes(resolved).chain(of_all).collect()
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

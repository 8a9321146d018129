//! The check of everything that is declared, before anything connects: pure.

use crate::{
    config::{Declared, KafkaProperties, Mistake, ResolvedListener},
    error::Result,
    handler::{Declaration, States},
    listener::Listener,
};

/// A listener with its settings decided.
pub(crate) struct Planned {
    pub(crate) listener: Listener,
    pub(crate) resolved: ResolvedListener,
}

/// Decides every listener's settings.
///
/// # Errors
/// All mistakes together: of the configuration and of the declarations.
pub(crate) fn plan(properties: &KafkaProperties, listeners: Vec<Listener>, states: &States) -> Result<Vec<Planned>> {
    let declarations = listeners.iter().map(Listener::declaration).collect::<Vec<_>>();
    let declared = listeners.iter().zip(&declarations).map(|(listener, declaration)| Declared {
        id: listener.id(),
        settings: &listener.settings,
        location: listener.location,
        is_batch: listener.is_batch(),
        takes_ack: declaration.takes_ack,
    });
    let missing =
        listeners.iter().zip(&declarations).flat_map(|(listener, needs)| missing_states(listener, needs, states));
    let resolved = properties.resolve_listeners(&declared.collect::<Vec<_>>(), &missing.collect::<Vec<_>>())?;
    Ok(listeners.into_iter().zip(resolved).map(|(listener, resolved)| Planned { listener, resolved }).collect())
}

/// A mistake for each type of state that a listener takes and nobody gave.
fn missing_states(listener: &Listener, needs: &Declaration, states: &States) -> Vec<Mistake> {
    let missing = needs.states.iter().filter(|(id, _)| !states.contains(*id));
    missing
        .map(|(_, name)| Mistake {
            source: listener.location.unwrap_or("code").to_owned(),
            key: format!("listener `{}`", listener.id()),
            text: format!("takes `State<{name}>`, but the application has no such state: give it with `.state(..)`"),
        })
        .collect()
}

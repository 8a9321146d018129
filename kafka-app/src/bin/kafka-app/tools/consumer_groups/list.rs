//! `--list`: names, and the types and states of groups if they are asked for.

use std::{collections::BTreeSet, io, io::Write};

use super::{
    options::Options,
    trouble::{Trouble, Wrapped},
};
use crate::wire::{Cluster, GroupListing, GroupState, GroupType, WireError};

/// The types of groups of consumers.
pub(super) const CONSUMER_TYPES: [GroupType; 2] = [GroupType::Classic, GroupType::Consumer];

const CONSUMER_STATES: [GroupState; 7] = [
    GroupState::Reconciling,
    GroupState::Dead,
    GroupState::CompletingRebalance,
    GroupState::Empty,
    GroupState::Stable,
    GroupState::Assigning,
    GroupState::PreparingRebalance,
];

/// Which groups are listed, and with what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Wanted {
    types: Vec<GroupType>,
    states: Vec<GroupState>,
    with_type: bool,
    with_state: bool,
}

impl Wanted {
    /// # Errors
    /// There is no such type or state, in the words of the script.
    pub(super) fn of(options: &Options) -> Result<Self, String> {
        let types = options.r#type.as_deref().unwrap_or_default();
        let states = options.state.as_deref().unwrap_or_default();
        let with_type = options.r#type.is_some();
        Ok(Self {
            // Asked for types, the script asks for all of them, but shows those of consumers only.
            types: if types.is_empty() { Vec::new() } else { parse_types(types)? },
            states: if states.is_empty() { Vec::new() } else { parse_states(states)? },
            with_type,
            with_state: options.state.is_some(),
        })
    }
}

fn parse_types(list: &str) -> Result<Vec<GroupType>, String> {
    let types: BTreeSet<GroupType> = list.split(',').map(|name| GroupType::named(name.trim())).collect();
    if types.iter().all(|kind| CONSUMER_TYPES.contains(kind)) {
        return Ok(types.into_iter().collect());
    }
    Err(format!("Invalid types list '{list}'. Valid types are: Consumer, Classic"))
}

fn parse_states(list: &str) -> Result<Vec<GroupState>, String> {
    let states: BTreeSet<GroupState> = list.split(',').map(|name| GroupState::named(name.trim())).collect();
    if states.iter().all(|state| CONSUMER_STATES.contains(state)) {
        return Ok(states.into_iter().collect());
    }
    let valid = CONSUMER_STATES.map(GroupState::name).join(", ");
    Err(format!("Invalid state list '{list}'. Valid states are: {valid}"))
}

/// The groups of consumers.
///
/// # Errors
/// A node does not answer.
pub(super) async fn consumer_groups(cluster: &Cluster) -> Result<Vec<GroupListing>, WireError> {
    Ok(of_consumers(cluster.list_groups(&CONSUMER_TYPES, &[]).await?))
}

/// A group without members is of no type of protocol.
fn of_consumers(groups: Vec<GroupListing>) -> Vec<GroupListing> {
    groups.into_iter().filter(|group| matches!(group.protocol_type.as_str(), "" | "consumer")).collect()
}

pub(super) async fn run(cluster: &Cluster, wanted: &Wanted, out: &mut impl Write) -> Result<(), Trouble> {
    if !wanted.with_type && !wanted.with_state {
        let groups = consumer_groups(cluster).await.map_err(|error| Trouble::of(&error, Wrapped::Twice))?;
        for group in groups {
            writeln!(out, "{}", group.group)?;
        }
        return Ok(());
    }
    let groups =
        cluster.list_groups(&wanted.types, &wanted.states).await.map_err(|error| Trouble::of(&error, Wrapped::Once))?;
    Ok(render(&of_consumers(groups), wanted, out)?)
}

fn render(groups: &[GroupListing], wanted: &Wanted, out: &mut impl Write) -> io::Result<()> {
    let width = groups.iter().map(|group| group.group.chars().count()).fold(15, usize::max) + 10;
    let mut line = |group: &str, kind: &str, state: &str| {
        write!(out, "{group:<width$}")?;
        if wanted.with_type {
            write!(out, " {kind:<20}")?;
        }
        if wanted.with_state {
            write!(out, " {state:<20}")?;
        }
        writeln!(out)
    };
    line("GROUP", "TYPE", "STATE")?;
    for group in groups {
        let kind = group.kind.unwrap_or(GroupType::Unknown);
        let state = group.state.unwrap_or(GroupState::Unknown);
        line(&group.group, kind.name(), state.name())?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{super::options::tests::options, *};

    fn wanted(types: Option<&'static str>, states: Option<&'static str>) -> Result<Wanted, String> {
        let list = |option, list: Option<&'static str>| list.map(|list| [option, list]).into_iter().flatten();
        let said: Vec<&str> = list("--type", types).chain(list("--state", states)).collect();
        Wanted::of(&options(&said))
    }

    fn group(group: &str, kind: GroupType, state: GroupState) -> GroupListing {
        let protocol_type = "consumer".to_owned();
        GroupListing { group: group.to_owned(), kind: Some(kind), protocol_type, state: Some(state) }
    }

    fn rendered(groups: &[GroupListing], wanted: &Wanted) -> String {
        let mut out = Vec::new();
        render(groups, wanted, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn types_and_states_stand_in_columns() {
        let groups = [
            group("next", GroupType::Consumer, GroupState::Stable),
            group("idle", GroupType::Classic, GroupState::Empty),
        ];
        assert_eq!(
            rendered(&groups, &wanted(Some(""), Some("stable,empty")).unwrap()),
            "GROUP                     TYPE                 STATE               \n\
             next                      Consumer             Stable              \n\
             idle                      Classic              Empty               \n"
        );
    }

    #[test]
    fn without_a_group_there_is_the_head() {
        assert_eq!(rendered(&[], &wanted(None, Some("")).unwrap()), "GROUP                     STATE               \n");
    }

    #[test]
    fn what_is_no_state_or_type_is_refused() {
        assert_eq!(
            wanted(None, Some("nope")),
            Err("Invalid state list 'nope'. Valid states are: Reconciling, Dead, CompletingRebalance, Empty, Stable, \
                 Assigning, PreparingRebalance"
                .to_owned())
        );
        assert_eq!(
            wanted(Some("Nope"), None),
            Err("Invalid types list 'Nope'. Valid types are: Consumer, Classic".to_owned())
        );
        assert!(wanted(Some("share"), None).is_err());
    }

    #[test]
    fn case_does_not_matter() {
        let found = wanted(Some("CLASSIC, consumer"), Some("Stable")).unwrap();
        assert_eq!((found.types, found.states), (CONSUMER_TYPES.to_vec(), vec![GroupState::Stable]));
    }
}

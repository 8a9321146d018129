//! Groups: which there are, who is in them, and their end.

use std::{fmt, str::FromStr};

use super::{AdminClient, BrokerError, Node, PerItem, topics::distinct};
use crate::{
    client::{DeleteGroups, DescribeGroups, ListGroups},
    error::{Error, ErrorKind, Result},
    record::TopicPartition,
};

/// Where a group stands; shown by Kafka's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum GroupState {
    /// One that librdkafka has no name for: `Assigning` and `Reconciling` of the newer protocol.
    Unknown,
    /// Members are to join anew.
    PreparingRebalance,
    /// Members wait for their partitions.
    CompletingRebalance,
    /// Members have their partitions.
    Stable,
    /// There is no such group.
    Dead,
    /// It has no members.
    Empty,
}

/// By which protocol a group runs; shown by Kafka's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum GroupType {
    /// One that librdkafka has no name for, or a broker that does not tell.
    Unknown,
    /// The broker assigns (KIP-848).
    Consumer,
    /// A member assigns.
    Classic,
}

/// Which groups are listed; every one by default.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct GroupFilter {
    /// Those in one of these states; empty: in any.
    pub states: Vec<GroupState>,
    /// Those of one of these types; empty: of any.
    pub types: Vec<GroupType>,
}

impl GroupFilter {
    /// Every group.
    #[must_use]
    pub fn all() -> Self {
        Self::default()
    }

    /// Those in one of these states.
    #[must_use]
    pub fn states(self, states: impl IntoIterator<Item = GroupState>) -> Self {
        Self { states: states.into_iter().collect(), ..self }
    }

    /// Those of one of these types.
    #[must_use]
    pub fn types(self, types: impl IntoIterator<Item = GroupType>) -> Self {
        Self { types: types.into_iter().collect(), ..self }
    }
}

/// A group there is; Kafka's `GroupListing`.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct GroupListing {
    /// Its name.
    pub group: String,
    /// Whether it only keeps offsets, and nobody ever joined it.
    pub is_simple: bool,
    /// Where it stands.
    pub state: GroupState,
    /// By which protocol it runs.
    pub group_type: GroupType,
}

/// The groups of all brokers that told theirs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct GroupListings {
    /// By name.
    pub groups: Vec<GroupListing>,
    /// What went wrong with brokers that did not.
    pub errors: Vec<BrokerError>,
}

impl GroupListings {
    /// The first error, if there is nothing else.
    fn nobody_answered(&self) -> Option<&BrokerError> {
        let nobody = self.groups.is_empty() && self.errors.iter().all(BrokerError::is_of_connection);
        self.errors.first().filter(|_| nobody)
    }

    /// The groups, if every broker told its own.
    ///
    /// # Errors
    /// The first of those there are.
    pub fn all(self) -> Result<Vec<GroupListing>> {
        match self.errors.into_iter().next() {
            None => Ok(self.groups),
            Some(error) => Err(error.into()),
        }
    }
}

/// A group and its members; Kafka's `ConsumerGroupDescription`.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct GroupDescription {
    /// Its name.
    pub group: String,
    /// Whether it only keeps offsets, and nobody ever joined it.
    pub is_simple: bool,
    /// Where it stands.
    pub state: GroupState,
    /// By which protocol it runs.
    pub group_type: GroupType,
    /// What assigns partitions: `cooperative-sticky`, `uniform`; empty without members.
    pub assignor: String,
    /// The broker that coordinates it.
    pub coordinator: Option<Node>,
    /// Its members, by id.
    pub members: Vec<GroupMember>,
}

/// A member of a group; Kafka's `MemberDescription`.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct GroupMember {
    /// Its id in the group.
    pub member_id: String,
    /// What it calls itself: `client.id`.
    pub client_id: String,
    /// From where it is connected, with a slash before the address.
    pub host: String,
    /// `group.instance.id` of one that keeps its partitions over a restart.
    pub instance_id: Option<String>,
    /// The partitions it has.
    pub assignment: Vec<TopicPartition>,
    /// The partitions it is to have, by the newer protocol.
    pub target_assignment: Option<Vec<TopicPartition>>,
}

const STATES: [(GroupState, &str); 6] = [
    (GroupState::Unknown, "Unknown"),
    (GroupState::PreparingRebalance, "PreparingRebalance"),
    (GroupState::CompletingRebalance, "CompletingRebalance"),
    (GroupState::Stable, "Stable"),
    (GroupState::Dead, "Dead"),
    (GroupState::Empty, "Empty"),
];

const TYPES: [(GroupType, &str); 3] =
    [(GroupType::Unknown, "Unknown"), (GroupType::Consumer, "Consumer"), (GroupType::Classic, "Classic")];

fn name_of<T: PartialEq>(names: &[(T, &'static str)], one: &T) -> &'static str {
    names.iter().find(|(known, _)| known == one).map_or("Unknown", |(_, name)| name)
}

/// However it is written: `stable`, `preparing-rebalance`, `PreparingRebalance`.
fn by_name<T: Copy>(names: &[(T, &'static str)], text: &str, what: &str) -> Result<T> {
    let letters = |text: &str| text.chars().filter(|c| c.is_alphabetic()).collect::<String>().to_lowercase();
    let found = names.iter().find(|(_, name)| letters(name) == letters(text));
    found.map(|(one, _)| *one).ok_or_else(|| {
        let known: Vec<_> = names.iter().map(|(_, name)| *name).collect();
        Error::new(ErrorKind::Config, format!("`{text}` is no {what} of a group: it is one of {}", known.join(", ")))
    })
}

impl fmt::Display for GroupState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(name_of(&STATES, self))
    }
}

impl FromStr for GroupState {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        by_name(&STATES, text, "state")
    }
}

impl fmt::Display for GroupType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(name_of(&TYPES, self))
    }
}

impl FromStr for GroupType {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        by_name(&TYPES, text, "type")
    }
}

impl AdminClient {
    /// The groups of all brokers, by name.
    ///
    /// ```no_run
    /// use kafka_app::admin::{AdminClient, GroupFilter, GroupState};
    ///
    /// # async fn example(admin: AdminClient) -> kafka_app::Result<()> {
    /// let idle = admin.list_groups(&GroupFilter::all().states([GroupState::Empty])).await?.all()?;
    /// println!("{} groups have no members", idle.len());
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// No broker answered in time, or the filter names one thing twice.
    pub async fn list_groups(&self, filter: &GroupFilter) -> Result<GroupListings> {
        const WHAT: &str = "listing groups";
        let listings = self.ask(WHAT, ListGroups(filter.clone())).await?;
        match listings.nobody_answered() {
            Some(error) => Err(self.failed(WHAT, error.clone())),
            None => Ok(listings),
        }
    }

    /// Groups and their members. One that is not there is `Dead`, without members.
    ///
    /// # Errors
    /// A name is none. A coordinator that does not answer is said of the group.
    pub async fn describe_groups<G: Into<String>>(
        &self,
        groups: impl IntoIterator<Item = G>,
    ) -> Result<PerItem<String, GroupDescription>> {
        let groups = distinct(groups);
        if groups.is_empty() {
            return Ok(PerItem::new());
        }
        self.ask("describing groups", DescribeGroups(groups)).await
    }

    /// Deletes groups with all that they have committed. Of one with members, `NON_EMPTY_GROUP`; of one that is not there,
    /// `GROUP_ID_NOT_FOUND`.
    ///
    /// # Errors
    /// A name is none. A coordinator that does not answer is said of the group.
    pub async fn delete_groups<G: Into<String>>(
        &self,
        groups: impl IntoIterator<Item = G>,
    ) -> Result<PerItem<String, ()>> {
        let groups = distinct(groups);
        if groups.is_empty() {
            return Ok(PerItem::new());
        }
        self.ask("deleting groups", DeleteGroups(groups)).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn states_and_types_are_told_and_read_by_kafkas_names() {
        for (state, name) in STATES {
            assert_eq!((state.to_string().as_str(), name.parse().ok()), (name, Some(state)));
        }
        for (kind, name) in TYPES {
            assert_eq!((kind.to_string().as_str(), name.parse().ok()), (name, Some(kind)));
        }
        assert_eq!("preparing-rebalance".parse::<GroupState>().ok(), Some(GroupState::PreparingRebalance));
        let error = "asleep".parse::<GroupState>().expect_err("no state").to_string();
        assert!(error.contains("`asleep` is no state of a group") && error.contains("Stable"), "{error}");
    }

    #[test]
    fn a_broker_that_does_not_tell_its_groups_fails_the_list_only_if_all_are_wanted() {
        let listings = GroupListings { groups: Vec::new(), errors: vec![BrokerError::timed_out()] };
        assert_eq!(listings.nobody_answered(), Some(&BrokerError::timed_out()));
        assert_eq!(listings.all().expect_err("one is missing").kind(), ErrorKind::Unavailable);
        assert_eq!(GroupListings::default().nobody_answered(), None);
    }
}

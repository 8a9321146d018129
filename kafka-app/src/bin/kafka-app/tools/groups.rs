//! `kafka-groups`: the groups of all types.

use std::io::{self, Write};

use clap::Parser;

use super::{Connection, Output, ToolCommand};
use crate::{
    failure::Failure,
    wire::{ClientSettings, Cluster, GroupListing, GroupType, WireError},
};

/// This tool helps to list groups of all types.
#[derive(Debug, Parser)]
#[command(arg_required_else_help = true)]
#[expect(clippy::struct_excessive_bools, reason = "so many switches the script has")]
pub(crate) struct GroupsTool {
    #[command(flatten)]
    connection: Connection,

    /// List the groups
    #[arg(long)]
    list: bool,

    /// Only those of this type: classic, consumer, share or streams
    #[arg(long, value_name = "TYPE")]
    group_type: Option<String>,

    /// Only those of this type of protocol
    #[arg(long, value_name = "PROTOCOL")]
    protocol: Option<String>,

    /// Only those of consumers, of either protocol
    #[arg(long, conflicts_with_all = ["group_type", "protocol", "share", "streams"])]
    consumer: bool,

    /// Only share groups
    #[arg(long, conflicts_with_all = ["group_type", "protocol", "streams"])]
    share: bool,

    /// Only streams groups
    #[arg(long, conflicts_with_all = ["group_type", "protocol"])]
    streams: bool,
}

/// Which groups are listed.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Filter {
    All,
    Of { kind: Option<GroupType>, protocol: Option<String> },
    Consumers,
}

impl GroupsTool {
    /// # Errors
    /// The options make no sense, in the words of the script.
    fn filter(&self) -> Result<Filter, String> {
        if !self.list {
            return Err("Command must include exactly one action: --list.".to_owned());
        }
        let kind = match self.group_type.as_deref().map(GroupType::named) {
            Some(GroupType::Unknown) => return Err("--group-type must be a valid group type.".to_owned()),
            _ if self.share => Some(GroupType::Share),
            _ if self.streams => Some(GroupType::Streams),
            kind => kind,
        };
        Ok(match (kind, self.protocol.clone()) {
            _ if self.consumer => Filter::Consumers,
            (None, None) => Filter::All,
            (kind, protocol) => Filter::Of { kind, protocol },
        })
    }
}

impl Filter {
    fn takes(&self, group: &GroupListing) -> bool {
        match self {
            Self::All => true,
            Self::Of { kind, protocol } => {
                kind.is_none_or(|kind| group.kind == Some(kind))
                    && protocol.as_ref().is_none_or(|protocol| group.protocol_type == *protocol)
            }
            Self::Consumers => {
                matches!(group.protocol_type.as_str(), "" | "consumer") || group.kind == Some(GroupType::Consumer)
            }
        }
    }
}

impl ToolCommand for GroupsTool {
    async fn run(self, out: &mut Output) -> Result<u8, Failure> {
        let filter = self.filter().map_err(Failure::Failed)?;
        match listed(&self.connection).await {
            Ok(mut groups) => {
                groups.retain(|group| filter.takes(group));
                render(&groups, out)?;
                Ok(0)
            }
            Err((told, failure)) => {
                writeln!(out, "Error while executing groups command : {told}")?;
                Err(failure)
            }
        }
    }
}

/// Every group, or why they are not known: in the words of the script, and in ours.
async fn listed(connection: &Connection) -> Result<Vec<GroupListing>, (String, Failure)> {
    let unusable = |failure| ("Failed to create new KafkaAdminClient".to_owned(), failure);
    let properties = connection.properties().map_err(unusable)?;
    let settings = ClientSettings::of(&properties).map_err(|error| unusable(error.into()))?;
    // Before groups are listed, Java's clients ask which brokers there are, and say nothing of why they could not.
    let no_brokers = |error: WireError| ("Failed to find brokers to send ListGroups".to_owned(), error.into());
    let cluster = Cluster::connect(settings, "listGroups").await.map_err(no_brokers)?;
    cluster.list_groups(&[], &[]).await.map_err(|error| (error.message(), error.into()))
}

fn render(groups: &[GroupListing], out: &mut impl Write) -> io::Result<()> {
    let kind = |group: &GroupListing| group.kind.map_or("", GroupType::name);
    let cells = |group: &GroupListing| [group.group.chars().count(), group.protocol_type.chars().count()];
    let width = groups.iter().flat_map(cells).fold(20, usize::max);
    // The head's last column has no space behind it, those of groups have.
    writeln!(out, "{:<width$} {:<width$} {:<width$}", "GROUP", "TYPE", "PROTOCOL")?;
    for group in groups {
        writeln!(out, "{:<width$} {:<width$} {:<width$} ", group.group, kind(group), group.protocol_type)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::GroupState;

    fn group(group: &str, kind: GroupType, protocol_type: &str) -> GroupListing {
        let protocol_type = protocol_type.to_owned();
        GroupListing { group: group.to_owned(), kind: Some(kind), protocol_type, state: Some(GroupState::Empty) }
    }

    fn tool(said: &[&str]) -> GroupsTool {
        GroupsTool::parse_from(["kafka-groups", "--bootstrap-server", "b:1"].iter().chain(said))
    }

    fn listed(said: &[&str]) -> Vec<String> {
        let filter = tool(said).filter().unwrap();
        let groups = [
            group("bare", GroupType::Classic, ""),
            group("busy", GroupType::Classic, "consumer"),
            group("connect", GroupType::Classic, "connect"),
            group("next", GroupType::Consumer, "consumer"),
            group("queue", GroupType::Share, "share"),
        ];
        groups.iter().filter(|group| filter.takes(group)).map(|group| group.group.clone()).collect()
    }

    #[test]
    fn filters_are_the_scripts() {
        assert_eq!(listed(&["--list"]).len(), 5);
        assert_eq!(listed(&["--list", "--group-type", "CONSUMER"]), ["next"]);
        assert_eq!(listed(&["--list", "--group-type", "classic", "--protocol", "connect"]), ["connect"]);
        assert_eq!(listed(&["--list", "--protocol", "consumer"]), ["busy", "next"]);
        assert_eq!(listed(&["--list", "--consumer"]), ["bare", "busy", "next"]);
        assert_eq!(listed(&["--list", "--share"]), ["queue"]);
        assert!(listed(&["--list", "--streams"]).is_empty());
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        assert_eq!(tool(&["--consumer"]).filter(), Err("Command must include exactly one action: --list.".to_owned()));
        assert!(tool(&["--list", "--group-type", "nope"]).filter().is_err());
    }

    #[test]
    fn columns_are_as_wide_as_the_longest_group() {
        let mut out = Vec::new();
        render(&[group("a-rather-long-group-name-for-columns", GroupType::Classic, "")], &mut out).unwrap();
        let (name, kind, blank) = ("a-rather-long-group-name-for-columns", "Classic", "");
        assert_eq!(
            String::from_utf8(out).unwrap(),
            format!("{:<36} {:<36} {:<36}\n{name} {kind:<36} {blank:<36} \n", "GROUP", "TYPE", "PROTOCOL")
        );
    }
}

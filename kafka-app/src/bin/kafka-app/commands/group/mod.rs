//! `kafka-app group`: consumer groups, their members and how far they are behind.

mod describe;
mod reset;
mod screen;

use clap::{Args, Subcommand};
use kafka_app::admin::{GroupFilter, GroupState, GroupType};
use serde_json::json;

use super::{Answer, ClusterOptions, OutputOptions, YesOption, done_with, table::Table};

#[derive(Debug, Args)]
#[command(about = "Consumer groups, their members and how far they are behind", arg_required_else_help = true)]
pub(crate) struct GroupCommand {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    #[command(visible_alias = "ls")]
    List(List),
    Describe(describe::Describe),
    Lag(describe::Lag),
    Reset(reset::Reset),
    Delete(Delete),
}

/// List groups
#[derive(Debug, Args)]
#[command(after_long_help = "Examples:\n  kafka-app group list\n  kafka-app group list --state empty --type classic")]
struct List {
    /// Those in this state, such as stable or empty; may be repeated
    #[arg(long, value_name = "STATE")]
    state: Vec<GroupState>,
    /// Those of this type, classic or consumer; may be repeated
    #[arg(long = "type", value_name = "TYPE")]
    types: Vec<GroupType>,
    #[command(flatten)]
    output: OutputOptions,
    #[command(flatten)]
    cluster: ClusterOptions,
}

/// Delete groups with all that they have committed
#[derive(Debug, Args)]
#[command(after_long_help = "Example:\n  kafka-app group delete billing --yes")]
struct Delete {
    /// Their names; they must have no members
    #[arg(value_name = "GROUP", required = true)]
    groups: Vec<String>,
    #[command(flatten)]
    yes: YesOption,
    #[command(flatten)]
    cluster: ClusterOptions,
}

impl GroupCommand {
    pub(crate) async fn run(self) -> Answer {
        match self.command {
            Command::List(list) => list.run().await,
            Command::Describe(describe) => describe.run().await,
            Command::Lag(lag) => lag.run().await,
            Command::Reset(reset) => reset.run().await,
            Command::Delete(delete) => delete.run().await,
        }
    }
}

impl List {
    async fn run(self) -> Answer {
        let admin = self.cluster.admin()?;
        let filter = GroupFilter::all().states(self.state).types(self.types);
        let listed = admin.list_groups(&filter).await?.all()?;
        let mut described = admin.describe_groups(listed.iter().map(|group| &group.group)).await?;
        let mut table = Table::new(["group", "type", "state", "members"]);
        for group in listed {
            let members = described.remove(&group.group).and_then(Result::ok).map(|described| described.members.len());
            let (kind, state) = (group.group_type.to_string(), group.state.to_string());
            table.row([json!(group.group), json!(kind), json!(state), json!(members)]);
        }
        table.render(self.output.output)
    }
}

impl Delete {
    async fn run(self) -> Answer {
        let admin = self.cluster.admin()?;
        self.yes.confirm(&format!("Delete {} with all committed offsets?", self.groups.join(", ")))?;
        done_with(admin.delete_groups(self.groups).await?, |group, ()| format!("deleted {group}"))
    }
}

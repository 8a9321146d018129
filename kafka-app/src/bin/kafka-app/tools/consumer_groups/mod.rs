//! `kafka-consumer-groups`: which groups there are, how far each is, and other offsets for them.
//!
//! What goes wrong once the options are read, the script says on standard output, and ends with exit code 0 all the same.

mod delete;
mod describe;
mod list;
mod options;
mod reset;
mod topics;
mod trouble;

use std::{
    io::{self, Write},
    time::Duration,
};

use clap::Parser;

use super::{Connection, Output, ToolCommand};
use crate::{
    failure::Failure,
    wire::{ClientSettings, Cluster, WireError},
};
use options::{Action, Options};
use trouble::{Trouble, Wrapped};

/// This tool helps to list all consumer groups, describe a consumer group, delete consumer group info, or reset consumer
/// group offsets.
#[derive(Debug, Parser)]
#[command(arg_required_else_help = true)]
pub(crate) struct ConsumerGroupsTool {
    #[command(flatten)]
    options: Options,
}

impl ToolCommand for ConsumerGroupsTool {
    async fn run(self, out: &mut Output) -> Result<u8, Failure> {
        let action = self.options.action().map_err(Failure::Failed)?;
        match act(&self.options, action, out).await {
            Ok(()) => Ok(0),
            Err(trouble) => trouble.tell(out),
        }
    }
}

async fn act(options: &Options, action: Action, out: &mut Output) -> Result<(), Trouble> {
    match action {
        Action::List => {
            let wanted = list::Wanted::of(options).map_err(Trouble::Usage)?;
            let cluster = cluster(options, "listGroups", no_brokers).await?;
            list::run(&cluster, &wanted, out).await
        }
        Action::Describe(view) => {
            let call = "describeConsumerGroups(api=FIND_COORDINATOR)";
            let cluster = cluster(options, call, |error| Trouble::of(error, Wrapped::Once)).await?;
            describe::run(&cluster, options, view, out).await
        }
        Action::Delete => {
            let call = "deleteConsumerGroups(api=FIND_COORDINATOR)";
            let cluster = cluster(options, call, |error| Trouble::of(error, Wrapped::Once)).await?;
            delete::groups(&cluster, options, out).await
        }
        Action::DeleteOffsets => {
            let call = "deleteConsumerGroupOffsets(api=FIND_COORDINATOR)";
            let cluster = cluster(options, call, |error| Trouble::of(error, Wrapped::Once)).await?;
            delete::offsets(&cluster, options, out).await
        }
        Action::ResetOffsets => {
            if options.is_undecided() {
                say_undecided();
            }
            let call = "describeConsumerGroups(api=FIND_COORDINATOR)";
            let cluster = cluster(options, call, |error| Trouble::of(error, Wrapped::Twice)).await?;
            reset::run(&cluster, options, out).await
        }
        Action::ValidateRegex => Ok(validate(options.regex(), out)?),
    }
}

/// In the script's words: who scripts it is to know what will change.
fn say_undecided() {
    let said = "WARN: No action will be performed as the --execute option is missing. In a future major release, the \
                default behavior of this command will be to prompt the user before executing the reset rather than \
                doing a dry run. You should add the --dry-run option explicitly if you are scripting this command and \
                want to keep the current default behavior without prompting.";
    // Nobody is left to be told that this could not be said.
    let _ = writeln!(io::stderr(), "{said}");
}

fn validate(regex: &str, out: &mut Output) -> io::Result<()> {
    match embedded_broker::check_pattern(regex) {
        Ok(()) => writeln!(out, "The regular expression `{regex}` is valid."),
        Err(why) => writeln!(out, "The regular expression `{regex}` is invalid: {why}."),
    }
}

/// Connects; `call` is what is asked first, by the name of Java's call, and `told` how the script tells that it could not.
async fn cluster(options: &Options, call: &str, told: fn(&WireError) -> Trouble) -> Result<Cluster, Trouble> {
    let server = options.bootstrap_server.clone().unwrap_or_default();
    let connection = Connection::to(server, options.command_config.clone());
    let properties = connection.properties().map_err(|failure| Trouble::failed(failure.to_string()))?;
    let unusable = |error: WireError| Trouble::told("Failed to create new KafkaAdminClient", &error);
    let settings = ClientSettings::of(&properties).map_err(unusable)?;
    let settings = settings.with_api_timeout(Duration::from_millis(options.timeout));
    Cluster::connect(settings, call).await.map_err(|error| told(&error))
}

/// Before groups are listed, Java's clients ask which brokers there are, and say nothing of why they could not.
fn no_brokers(error: &WireError) -> Trouble {
    let told = "java.util.concurrent.ExecutionException: org.apache.kafka.common.KafkaException: \
                Failed to find brokers to send ListGroups";
    Trouble::told(told, error)
}

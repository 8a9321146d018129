//! `kafka-app dlq`: dead letter topics, what is in them, and the way back.

mod list;
mod purge;
mod replay;
mod show;

use clap::{Args, Subcommand};

use super::Answer;

#[derive(Debug, Args)]
#[command(about = "Dead letters: list, show, replay and purge them", arg_required_else_help = true)]
pub(crate) struct DlqCommand {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    #[command(visible_alias = "ls")]
    List(list::List),
    Show(show::Show),
    Replay(replay::ReplayCommand),
    Purge(purge::Purge),
}

impl DlqCommand {
    pub(crate) async fn run(self) -> Answer {
        match self.command {
            Command::List(list) => list.run().await,
            Command::Show(show) => Box::pin(show.run()).await,
            Command::Replay(replay) => replay.run().await,
            Command::Purge(purge) => purge.run().await,
        }
    }
}

/// Ends of the names of dead letter topics: the framework's, Spring's of listeners, and Spring's of old.
const SUFFIXES: [&str; 3] = ["-dlt", ".DLT", ".dlt"];

/// Whether a topic is named as dead letter topics are.
fn is_dead_letter_topic(name: &str, suffixes: &[String]) -> bool {
    let ends = |suffix: &str| name.len() > suffix.len() && name.ends_with(suffix);
    SUFFIXES.into_iter().any(ends) || suffixes.iter().any(|suffix| ends(suffix))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dead_letter_topics_are_known_by_their_names() {
        for name in ["orders-dlt", "orders.DLT", "orders-billing-dlt"] {
            assert!(is_dead_letter_topic(name, &[]), "{name}");
        }
        for name in ["orders", "-dlt", "orders-dlt-retry", "orders.dead"] {
            assert!(!is_dead_letter_topic(name, &[]), "{name}");
        }
        assert!(is_dead_letter_topic("orders.dead", &[".dead".to_owned()]));
    }
}

//! RustStream as one more client of the benchmarks in `tests/bench`, which starts this program as it starts itself: it is
//! told what to do on its command line, and its last line of output says what was measured.

#[path = "../../bench/src/alike.rs"]
mod alike;
mod consume;
#[path = "../../bench/src/count.rs"]
mod count;
#[path = "../../bench/src/order.rs"]
#[allow(dead_code, reason = "this program fills no topics")]
mod order;
mod produce;
#[path = "../../bench/src/protocol.rs"]
mod protocol;

use anyhow::Result;
use clap::{Args, Parser, Subcommand, ValueEnum};
use protocol::RunArgs;

#[derive(Parser)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Runs one measured client.
    Client(ClientArgs),
}

#[derive(Args)]
struct ClientArgs {
    #[arg(long)]
    client: Client,
    #[command(flatten)]
    run: RunArgs,
}

/// The measured clients, by the names that `tests/bench` has for them.
#[derive(Clone, Copy, ValueEnum)]
enum Client {
    #[value(name = "listener-ruststream")]
    Listener,
    #[value(name = "listener-json-ruststream")]
    ListenerJson,
    #[value(name = "send-all-ruststream")]
    SendAll,
    #[value(name = "send-ruststream")]
    Send,
}

fn main() -> Result<()> {
    let Command::Client(ClientArgs { client, run }) = Cli::parse().command;
    let measured = match client {
        Client::Listener => consume::bytes(&run)?,
        Client::ListenerJson => consume::json(&run)?,
        Client::SendAll => produce::send(&run, alike::MANY_IN_FLIGHT)?,
        Client::Send => produce::send(&run, alike::IN_FLIGHT)?,
    };
    println!("{}", serde_json::to_string(&measured)?);
    Ok(())
}

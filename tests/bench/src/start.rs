//! The start of a process to its first record, and what it then holds in memory: ours beside a bare rdkafka program.

use std::{io::Read, time::Instant};

use anyhow::Result;
use clap::{Args, ValueEnum};
use kafka_app::{KafkaApp, Listener, handler_fn};
use rdkafka::{
    ClientConfig,
    consumer::{Consumer, StreamConsumer},
};

use crate::{
    alike::{CONSUMER, fresh_group},
    bench::{Settings, to_f64},
    clients,
    figures::Figures,
    process::{Client, Server, measure},
};

pub(crate) const NAME: &str = "start";

/// What a starting process is told.
#[derive(Args)]
pub(crate) struct StartArgs {
    #[arg(long)]
    kind: Kind,
    #[arg(long)]
    bootstrap_server: String,
    #[arg(long)]
    topic: String,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Kind {
    /// A `StreamConsumer` and nothing else.
    Bare,
    /// An application with one listener.
    One,
    /// An application with ten listeners, each in a group of its own.
    Ten,
}

pub(crate) fn run(settings: &Settings, figures: &mut Figures) -> Result<()> {
    let embedded = settings.bootstrap_server.is_none().then(|| Server::start(&["broker"])).transpose()?;
    let servers = settings.bootstrap_server.as_deref().or(embedded.as_ref().map(|server| server.address.as_str()));
    let servers = servers.unwrap_or_default();
    let topic = format!("bench-start-{}", std::process::id());
    clients::create_topic(servers, &topic, 1)?;
    measure(&std::env::current_exe()?, Client::Fill, servers, &topic, 1)?;
    for _ in 0..settings.n_rounds {
        for (name, kind) in [("start-bare", "bare"), ("start-app", "one"), ("start-ten-listeners", "ten")] {
            let began = Instant::now();
            let process = Server::start(&["start", "--kind", kind, "--bootstrap-server", servers, "--topic", &topic])?;
            figures.add(name, "first-record", began.elapsed().as_secs_f64() * 1e3, "ms");
            figures.add(name, "memory", to_f64(process.resident()?) / 1e6, "MB");
        }
    }
    clients::delete_topic(servers, &topic)?;
    figures.ratio("start-app", "start-bare", "first-record", "<= 1.3");
    figures.ratio("start-app", "start-bare", "memory", "<= 12 MB");
    figures.ratio("start-ten-listeners", "start-bare", "memory", "<= 40 MB");
    Ok(())
}

/// Says a line at the first record, or when all ten listeners had theirs, and goes on until standard input ends.
#[tokio::main(worker_threads = 2)]
pub(crate) async fn run_process(args: &StartArgs) -> Result<()> {
    let parent = tokio::task::spawn_blocking(|| std::io::stdin().read_to_end(&mut Vec::new()));
    if args.kind == Kind::Bare {
        let mut config = ClientConfig::new();
        CONSUMER.iter().for_each(|(key, value)| {
            config.set(*key, *value);
        });
        let consumer: StreamConsumer =
            config.set("bootstrap.servers", &args.bootstrap_server).set("group.id", fresh_group()).create()?;
        consumer.subscribe(&[&args.topic])?;
        consumer.recv().await?;
        println!("first");
        parent.await??;
        return Ok(());
    }
    let n_listeners = if args.kind == Kind::One { 1 } else { 10 };
    let (seen, mut first) = tokio::sync::mpsc::unbounded_channel();
    let listeners = (0..n_listeners).map(|n| {
        let seen = seen.clone();
        let handler = handler_fn(move |_: String| {
            let told = seen.send(());
            async move { told }
        });
        Listener::record(format!("l{n}"), handler).topics([args.topic.clone()]).group(format!("{}-{n}", fresh_group()))
    });
    let app = KafkaApp::new(&args.bootstrap_server).listeners(listeners).start().await?;
    for _ in 0..n_listeners {
        first.recv().await;
    }
    println!("first");
    parent.await??;
    app.stop().await.into_result()?;
    Ok(())
}

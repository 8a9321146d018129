//! Which clients are compared, how often, and what the ratios should be.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use crate::{
    broker, clients,
    figures::Figures,
    order::N_PARTITIONS,
    process::{Client, Run, Server, measure, name_of},
    protocol::Measured,
    start, verify,
};

/// How long and on what it is measured.
pub(crate) struct Settings {
    pub(crate) bootstrap_server: Option<String>,
    pub(crate) server_pid: Option<u32>,
    pub(crate) n_records: u64,
    pub(crate) n_rounds: usize,
    /// The program with RustStream's clients, where there is one.
    pub(crate) ruststream: Option<PathBuf>,
}

/// Clients that read or write alike.
struct Comparison {
    name: &'static str,
    clients: &'static [Client],
    /// What fills the topic that each of them reads; `None`: they write.
    fill: Option<Client>,
    /// Client, base, budget on processor time.
    ratios: &'static [(Client, Client, &'static str)],
    /// The same on time that passes.
    times: &'static [(Client, Client, &'static str)],
    /// Of the records of a run, one in so many.
    one_in: u64,
}

/// What is no budget.
const COMPARED: &str = "told for comparison";

const COMPARISONS: [Comparison; 8] = [
    Comparison {
        name: "listener",
        clients: &[Client::ListenerBare, Client::ListenerStream, Client::ListenerApp, Client::ListenerRuststream],
        fill: Some(Client::Fill),
        ratios: &[
            (Client::ListenerApp, Client::ListenerBare, "<= 1.2"),
            (Client::ListenerApp, Client::ListenerStream, "<= 0.6"),
            (Client::ListenerApp, Client::ListenerRuststream, COMPARED),
        ],
        ..NONE
    },
    Comparison {
        name: "listener-json",
        clients: &[
            Client::ListenerJsonBare,
            Client::ListenerJsonStream,
            Client::ListenerJsonApp,
            Client::ListenerJsonRuststream,
        ],
        fill: Some(Client::FillJson),
        ratios: &[
            (Client::ListenerJsonApp, Client::ListenerJsonBare, "<= 1.2"),
            (Client::ListenerJsonApp, Client::ListenerJsonStream, COMPARED),
            (Client::ListenerJsonApp, Client::ListenerJsonRuststream, COMPARED),
        ],
        ..NONE
    },
    Comparison {
        name: "send-all",
        clients: &[Client::SendAllBare, Client::SendAllFuture, Client::SendAllApp, Client::SendAllRuststream],
        fill: None,
        ratios: &[
            (Client::SendAllApp, Client::SendAllBare, "<= 1.2"),
            (Client::SendAllApp, Client::SendAllFuture, "<= 0.4"),
            (Client::SendAllApp, Client::SendAllRuststream, COMPARED),
        ],
        ..NONE
    },
    Comparison {
        name: "send",
        clients: &[Client::SendFuture, Client::SendApp, Client::SendRuststream],
        fill: None,
        ratios: &[(Client::SendApp, Client::SendFuture, "<= 0.7"), (Client::SendApp, Client::SendRuststream, COMPARED)],
        ..NONE
    },
    Comparison {
        name: "at-least-once",
        clients: &[Client::PipelineFlushed, Client::ForwardApp],
        fill: Some(Client::Fill),
        ratios: &[(Client::ForwardApp, Client::PipelineFlushed, COMPARED)],
        ..NONE
    },
    Comparison {
        name: "ordering",
        clients: &[Client::ListenerApp, Client::ListenerKeyApp, Client::ForwardApp, Client::ForwardKeyApp],
        fill: Some(Client::Fill),
        ratios: &[
            (Client::ListenerKeyApp, Client::ListenerApp, COMPARED),
            (Client::ForwardKeyApp, Client::ForwardApp, COMPARED),
        ],
        ..NONE
    },
    Comparison {
        name: "exactly-once",
        clients: &[Client::PipelineFlushed, Client::PipelineBare, Client::PipelineApp],
        fill: Some(Client::Fill),
        // 0.35 of the records per second.
        times: &[
            (Client::PipelineApp, Client::PipelineFlushed, "<= 2.86"),
            (Client::PipelineApp, Client::PipelineBare, COMPARED),
        ],
        ..NONE
    },
    Comparison {
        name: "exactly-once-single",
        clients: &[Client::SingleBare, Client::SingleApp],
        fill: Some(Client::Fill),
        // 0.9 of the transactions per second.
        times: &[(Client::SingleApp, Client::SingleBare, "<= 1.11")],
        one_in: 500,
        ..NONE
    },
];

/// What most comparisons have not.
const NONE: Comparison = Comparison { name: "", clients: &[], fill: None, ratios: &[], times: &[], one_in: 1 };

pub(crate) fn run(names: &[String], settings: &Settings) -> Result<()> {
    let is_wanted = |name: &str| names.is_empty() || names.iter().any(|wanted| wanted == name);
    let known: Vec<_> = COMPARISONS.iter().map(|c| c.name).chain([start::NAME]).chain(broker::NAMES).collect();
    if let Some(unknown) = names.iter().find(|name| !known.contains(&name.as_str())) {
        bail!("there is no benchmark `{unknown}`; there are {}", known.join(", "));
    }
    let mut figures = Figures::default();
    for comparison in COMPARISONS.iter().filter(|c| is_wanted(c.name)) {
        compare(comparison, settings, &mut figures)?;
    }
    if is_wanted(start::NAME) {
        start::run(settings, &mut figures)?;
    }
    let of_broker: Vec<_> = broker::NAMES.into_iter().filter(|name| is_wanted(name)).collect();
    if !of_broker.is_empty() {
        broker::run(&of_broker, settings, &mut figures)?;
    }
    figures.print();
    Ok(())
}

fn compare(comparison: &Comparison, settings: &Settings, figures: &mut Figures) -> Result<()> {
    let embedded = match settings.bootstrap_server {
        None => Some(Server::start(&["broker"])?),
        Some(_) => None,
    };
    let servers = settings.bootstrap_server.as_deref().or(embedded.as_ref().map(|server| server.address.as_str()));
    let servers = servers.unwrap_or_default();
    let (id, own) = (std::process::id(), std::env::current_exe()?);
    let clients = measurable(comparison, &own, settings);
    let source = format!("bench-{}-{id}", comparison.name);
    let n_records = (settings.n_records / comparison.one_in).max(1);
    if let Some(fill) = comparison.fill {
        clients::create_topic(servers, &source, N_PARTITIONS)?;
        measure(&own, fill, servers, &source, n_records)?;
    }
    for round in 0..settings.n_rounds {
        // Each round starts with another client, so that none always runs on a machine that another has warmed.
        for i in 0..clients.len() {
            let (client, program) = clients[(round + i) % clients.len()];
            let measured = match comparison.fill {
                Some(_) => read(program, client, servers, &source, n_records)?,
                None => write(program, client, servers, &format!("bench-{}-{id}-{round}", name_of(client)), n_records)?,
            };
            record(figures, client, &measured);
        }
    }
    if comparison.fill.is_some() {
        clients::delete_topic(servers, &source)?;
    }
    for (client, base, budget) in comparison.ratios {
        figures.ratio(&name_of(*client), &name_of(*base), "cpu", budget);
        figures.ratio(&name_of(*client), &name_of(*base), "wall", COMPARED);
    }
    for (client, base, budget) in comparison.times {
        figures.ratio(&name_of(*client), &name_of(*base), "wall", budget);
        figures.ratio(&name_of(*client), &name_of(*base), "cpu", COMPARED);
    }
    Ok(())
}

/// The clients that there are, each with its program; says so if there is none for RustStream's.
fn measurable<'a>(comparison: &Comparison, own: &'a Path, settings: &'a Settings) -> Vec<(Client, &'a Path)> {
    let program = |client: Client| if client.is_ruststream() { settings.ruststream.as_deref() } else { Some(own) };
    let clients: Vec<_> = comparison.clients.iter().filter_map(|client| Some((*client, program(*client)?))).collect();
    if clients.len() < comparison.clients.len() {
        eprintln!("{}: without RustStream, whose program is not built (see tests/bench/README.md)", comparison.name);
    }
    clients
}

fn read(program: &Path, client: Client, servers: &str, source: &str, n_records: u64) -> Result<Measured> {
    let Run { measured, group } = measure(program, client, servers, source, n_records)?;
    // Of a pipeline it says as well that no transaction was aborted: then handlers would have counted records twice.
    verify::committed(servers, source, &group, n_records).with_context(|| name_of(client))?;
    Ok(measured)
}

fn write(program: &Path, client: Client, servers: &str, target: &str, n_records: u64) -> Result<Measured> {
    clients::create_topic(servers, target, N_PARTITIONS)?;
    let Run { measured, .. } = measure(program, client, servers, target, n_records)?;
    verify::sent(servers, target, n_records).with_context(|| name_of(client))?;
    clients::delete_topic(servers, target)?;
    Ok(measured)
}

fn record(figures: &mut Figures, client: Client, measured: &Measured) {
    let millions = to_f64(measured.n_records) / 1e6;
    let name = name_of(client);
    figures.add(&name, "cpu", measured.cpu_s / millions, "s/M");
    figures.add(&name, "wall", measured.wall_s / millions, "s/M");
}

/// Counts of this size are exact as floating point numbers.
pub(crate) fn to_f64(n: u64) -> f64 {
    u32::try_from(n).map_or_else(|_| f64::from(u32::try_from(n >> 16).unwrap_or(u32::MAX)) * 65_536.0, f64::from)
}

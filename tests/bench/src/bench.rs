//! Which clients are compared, how often, and what the ratios should be.

use anyhow::{Result, bail};

use crate::{
    broker, clients,
    figures::Figures,
    order::N_PARTITIONS,
    process::{Client, Measured, Server, measure, name_of},
    start,
};

/// How long and on what it is measured.
pub(crate) struct Settings {
    pub(crate) bootstrap_server: Option<String>,
    pub(crate) server_pid: Option<u32>,
    pub(crate) n_records: u64,
    pub(crate) n_rounds: usize,
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

const COMPARISONS: [Comparison; 6] = [
    Comparison {
        name: "listener",
        clients: &[Client::ListenerBare, Client::ListenerStream, Client::ListenerApp],
        fill: Some(Client::Fill),
        ratios: &[
            (Client::ListenerApp, Client::ListenerBare, "<= 1.2"),
            (Client::ListenerApp, Client::ListenerStream, "<= 0.6"),
        ],
        ..NONE
    },
    Comparison {
        name: "listener-json",
        clients: &[Client::ListenerJsonBare, Client::ListenerJsonStream, Client::ListenerJsonApp],
        fill: Some(Client::FillJson),
        ratios: &[
            (Client::ListenerJsonApp, Client::ListenerJsonBare, "<= 1.2"),
            (Client::ListenerJsonApp, Client::ListenerJsonStream, "told for comparison"),
        ],
        ..NONE
    },
    Comparison {
        name: "send-all",
        clients: &[Client::SendAllBare, Client::SendAllFuture, Client::SendAllApp],
        fill: None,
        ratios: &[
            (Client::SendAllApp, Client::SendAllBare, "<= 1.2"),
            (Client::SendAllApp, Client::SendAllFuture, "<= 0.4"),
        ],
        ..NONE
    },
    Comparison {
        name: "send",
        clients: &[Client::SendFuture, Client::SendApp],
        fill: None,
        ratios: &[(Client::SendApp, Client::SendFuture, "<= 0.7")],
        ..NONE
    },
    Comparison {
        name: "exactly-once",
        clients: &[Client::PipelineFlushed, Client::PipelineBare, Client::PipelineApp],
        fill: Some(Client::Fill),
        // 0.35 of the records per second.
        times: &[
            (Client::PipelineApp, Client::PipelineFlushed, "<= 2.86"),
            (Client::PipelineApp, Client::PipelineBare, "told for comparison"),
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
    for name in broker::NAMES.into_iter().filter(|name| is_wanted(name)) {
        broker::run(name, settings, &mut figures)?;
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
    let id = std::process::id();
    let source = format!("bench-{}-{id}", comparison.name);
    let n_records = (settings.n_records / comparison.one_in).max(1);
    if let Some(fill) = comparison.fill {
        clients::create_topic(servers, &source, N_PARTITIONS)?;
        measure(fill, servers, &source, n_records)?;
    }
    for round in 0..settings.n_rounds {
        // Each round starts with another client, so that none always runs on a machine that another has warmed.
        for i in 0..comparison.clients.len() {
            let client = comparison.clients[(round + i) % comparison.clients.len()];
            let measured = match comparison.fill {
                Some(_) => measure(client, servers, &source, n_records)?,
                None => {
                    let target = format!("bench-{}-{id}-{round}", name_of(client));
                    clients::create_topic(servers, &target, N_PARTITIONS)?;
                    let measured = measure(client, servers, &target, n_records)?;
                    clients::delete_topic(servers, &target)?;
                    measured
                }
            };
            record(figures, client, &measured);
        }
    }
    if comparison.fill.is_some() {
        clients::delete_topic(servers, &source)?;
    }
    for (client, base, budget) in comparison.ratios {
        figures.ratio(&name_of(*client), &name_of(*base), "cpu", budget);
        figures.ratio(&name_of(*client), &name_of(*base), "wall", "told for comparison");
    }
    for (client, base, budget) in comparison.times {
        figures.ratio(&name_of(*client), &name_of(*base), "wall", budget);
        figures.ratio(&name_of(*client), &name_of(*base), "cpu", "told for comparison");
    }
    Ok(())
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

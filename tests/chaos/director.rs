//! The director: starts everything, brings the troubles, waits until all has settled, and asks for the verdict.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    time::Duration,
};

use anyhow::{Context, Result, anyhow};
use rdkafka::{
    ClientConfig,
    admin::{AdminClient, AdminOptions, NewTopic, TopicReplication},
    client::DefaultClientContext,
    consumer::{BaseConsumer, Consumer},
};
use tokio::{
    sync::watch,
    task::JoinHandle,
    time::{Instant, sleep, sleep_until, timeout},
};

use crate::{
    Plan, SETTLING,
    faults::{Broker, Trouble, Troubles, Victims},
    nodes::Nodes,
    numbers::Number,
    process::Process,
    producer,
    proxy::{Latency, LimitData},
    reader::Reader,
    verdict::{Mode, Outcome, Place, Seen, Verdict},
};

const N_PROCESSES: usize = 3;
const N_PARTITIONS: i32 = 6;
const STAGES: [&str; 2] = ["first", "second"];
const TOPICS: [&str; 3] = ["in", "between", "out"];

/// Runs the plan and says what became of the records.
pub(crate) async fn run(plan: &Plan) -> Result<Verdict> {
    let name = format!("chaos-{}-{}", plan.seed, std::process::id());
    let dir = plan.dir.join(&name);
    std::fs::create_dir_all(&dir).with_context(|| dir.display().to_string())?;
    println!("logs are in {}", dir.display());
    let mut scene = Scene::set(plan, &name, &dir).await?;
    let (end, ended) = watch::channel(false);
    let reader = Reader::start(&scene.servers, &format!("{name}-out"), N_PARTITIONS)?;
    let (n_acknowledged, acknowledged) = watch::channel(0);
    let input = producer::run(scene.servers.clone(), format!("{name}-in"), plan.rate, ended, n_acknowledged);
    let input = tokio::spawn(input);
    let n_rounds = scene.suffer(plan).await?;
    end.send_replace(true);
    let sent = acknowledged_of(input, acknowledged).await?;
    println!("the troubles are over after {n_rounds} rounds: {} records were acknowledged", sent.len());
    match plan.delivery {
        Mode::AtMostOnce => scene.await_committed().await?,
        Mode::AtLeastOnce | Mode::ExactlyOnce => await_outputs(&mut scene, reader.n_seen.clone(), sent.len()).await?,
    }
    for process in &mut scene.processes {
        process.end().await?;
    }
    let mut output = reader.finish().await?;
    if output.missing(&sent).next().is_some() {
        // It may have stood still: what there is counts, not what a client of librdkafka has made of it.
        let (n_seen, again) = (output.len(), scene.read(TOPICS[2]).await?);
        if again.len() > n_seen {
            println!("the reader stood still at {n_seen} records: there are {}", again.len());
            output = again;
        }
    }
    tell_missing(plan.delivery, &sent, &output.missing(&sent).take(20).collect::<Vec<_>>());
    let input = match output.repeated().next() {
        Some(_) => scene.read(TOPICS[0]).await?,
        None => Seen::default(),
    };
    let has_run = scene.processes.iter().any(Process::has_run);
    let verdict = Verdict::new(plan.delivery, has_run, n_rounds, &sent, &input, &output);
    match verdict.outcome() {
        Outcome::Kept => {}
        Outcome::Untried => scene.tell_last_words(),
        Outcome::Broken => {
            scene.tell_stages(&sent, &output).await?;
            if plan.hold {
                println!("{verdict}\nthe broker stays at {} until this is interrupted", scene.servers);
                std::future::pending::<()>().await;
            }
        }
    }
    Ok(verdict)
}

fn tell_missing(mode: Mode, sent: &BTreeSet<Number>, missing: &[Number]) {
    if !missing.is_empty() && mode != Mode::AtMostOnce {
        let missing: Vec<_> = missing.iter().map(ToString::to_string).collect();
        println!("missing of {} records, the first of them: {}", sent.len(), missing.join(" "));
    }
}

/// Says what is in a topic, and where in each partition that lies which is there too often.
fn tell_stage(stage: &str, sent: &BTreeSet<Number>, seen: &Seen) {
    let (n_missing, n_repeated) = (seen.missing(sent).count(), seen.repeated().count());
    println!("{stage}: {} different records, {n_missing} missing, {n_repeated} repeated", seen.len());
    let mut partitions: BTreeMap<i32, Vec<(Number, Place, Place)>> = BTreeMap::new();
    for repeated in seen.repeated() {
        partitions.entry(repeated.2.partition).or_default().push(repeated);
    }
    for repeated in partitions.values() {
        if let (Some((number, first, again)), Some((_, first_end, again_end))) = (repeated.first(), repeated.last()) {
            println!("  {} from {number} on: {first} to {first_end}, again {again} to {again_end}", repeated.len());
        }
    }
}

/// What was acknowledged to the producer, once all was.
///
/// # Errors
/// Records wait, and nothing is acknowledged any more.
async fn acknowledged_of(
    mut input: JoinHandle<Result<BTreeSet<Number>>>,
    mut n_acknowledged: watch::Receiver<usize>,
) -> Result<BTreeSet<Number>> {
    loop {
        tokio::select! {
            sent = &mut input => return sent?,
            () = sleep(SETTLING) => {
                let n = *n_acknowledged.borrow();
                return Err(anyhow!("records of the producer are not acknowledged: {n} are, the last over {SETTLING:?} ago"));
            }
            Ok(()) = n_acknowledged.changed() => {}
        }
    }
}

/// Returns when as many different records came out as went in, or nothing more comes.
async fn await_outputs(scene: &mut Scene, mut n_seen: watch::Receiver<usize>, n_sent: usize) -> Result<()> {
    let mut last = Instant::now();
    while *n_seen.borrow_and_update() < n_sent && last.elapsed() < SETTLING {
        if timeout(Duration::from_secs(1), n_seen.changed()).await.is_ok() {
            last = Instant::now();
        }
        scene.revive()?;
    }
    Ok(())
}

/// The processes and where they meet.
struct Scene {
    servers: String,
    name: String,
    broker: Option<Process>,
    nodes: Option<Nodes>,
    processes: Vec<Process>,
}

impl Scene {
    async fn set(plan: &Plan, name: &str, dir: &Path) -> Result<Self> {
        let (mut broker, mut nodes) = (None, None);
        let servers = match (&plan.bootstrap_server, plan.nodes) {
            (Some(servers), _) => servers.clone(),
            (None, Some(n_nodes)) => nodes.insert(Nodes::start(n_nodes, dir, plan.seed).await?).servers.clone(),
            (None, None) => {
                let (address, started) = start_broker(plan, dir).await?;
                broker = Some(started);
                address
            }
        };
        create_topics(&servers, name).await?;
        let start = |process: usize| {
            let args = pipeline_args(plan, &servers, name, process);
            Process::start(args, dir.join(format!("process-{process}.log")))
        };
        let processes = (0..N_PROCESSES).map(start).collect::<Result<_>>()?;
        Ok(Self { servers, name: name.to_owned(), broker, nodes, processes })
    }

    /// Brings troubles until the time is over; returns how many.
    async fn suffer(&mut self, plan: &Plan) -> Result<u64> {
        let until = Instant::now() + Duration::from_secs(plan.seconds);
        let longest_pause = Duration::from_millis(plan.pause_ms);
        let mut n_rounds = 0;
        let broker = match (&self.broker, plan.nodes) {
            (Some(_), _) if plan.brokers > 1 => Broker::Cluster { n_nodes: plan.brokers.into() },
            (Some(_), _) => Broker::Embedded,
            (None, Some(n_nodes)) if self.nodes.is_some() => Broker::Nodes { n_nodes },
            (None, _) => Broker::OfOthers,
        };
        let victims = Victims { n_processes: N_PROCESSES, n_stages: STAGES.len(), broker };
        for (pause, trouble) in Troubles::new(plan.seed, victims, longest_pause) {
            sleep_until(until.min(Instant::now() + pause)).await;
            if Instant::now() >= until {
                break;
            }
            println!("{:4} s left: {trouble:?}", (until - Instant::now()).as_secs());
            // Before the trouble too: a process that has ended already is not ended by it.
            self.revive()?;
            self.bring(trouble).await.with_context(|| format!("{trouble:?}"))?;
            self.revive()?;
            n_rounds += 1;
        }
        Ok(n_rounds)
    }

    async fn bring(&mut self, trouble: Trouble) -> Result<()> {
        match trouble {
            Trouble::Kill { process } => self.processes[process].kill().await,
            Trouble::Terminate { process } => self.processes[process].terminate().await,
            Trouble::Freeze { process, pause } => frozen(&self.processes[process], pause).await,
            Trouble::FreezeBroker { pause } => frozen(self.broker()?, pause).await,
            Trouble::KillBroker => {
                self.broker()?.kill().await?;
                self.broker()?.first_line().await.map(drop)
            }
            Trouble::StopBroker => {
                self.broker()?.tell("stop").await?;
                self.broker()?.terminate().await?;
                self.broker()?.first_line().await.map(drop)
            }
            Trouble::Latency { round_trip, lasts } => {
                self.broker()?.tell(&format!("latency {} {}", round_trip.as_millis(), lasts.as_millis())).await
            }
            Trouble::DropAnswers { per_mille, lasts } => {
                self.broker()?.tell(&format!("drop-answers {per_mille} {}", lasts.as_millis())).await
            }
            Trouble::Rebalance { stage } => {
                let line = format!("rebalance {}-{}", self.name, STAGES[stage]);
                self.broker()?.tell(&line).await
            }
            Trouble::LoseNode { node, in_order, pause } => {
                let verb = if in_order { "stop-node" } else { "crash" };
                self.broker()?.tell(&format!("{verb} {}", node + 1)).await?;
                sleep(pause).await;
                self.broker()?.tell(&format!("restart {}", node + 1)).await
            }
            Trouble::LagNode { node, by, lasts } => {
                let line = format!("lag {} {} {}", node + 1, by.as_millis(), lasts.as_millis());
                self.broker()?.tell(&line).await
            }
            Trouble::IsolateNodes { nodes: (a, b), lasts } => {
                self.broker()?.tell(&format!("isolate {} {} {}", a + 1, b + 1, lasts.as_millis())).await
            }
            Trouble::ShuffleLeaders => self.broker()?.tell("shuffle").await,
            Trouble::MoveController { node } => self.broker()?.tell(&format!("controller {}", node + 1)).await,
            Trouble::KillNode { node } => self.restart_node(node, "kill").await,
            Trouble::StopNode { node } => self.restart_node(node, "stop").await,
            Trouble::FreezeNode { node, pause } => {
                self.nodes()?.tell(node, "freeze").await?;
                sleep(pause).await;
                self.nodes()?.tell(node, "thaw").await
            }
            Trouble::SlowNode { node, latency, jitter, lasts } => {
                let late = Latency { latency, jitter, until: Instant::now() + lasts };
                self.nodes()?.suffer(node, |toxics| toxics.latency = Some(late));
                Ok(())
            }
            Trouble::CutAnswers { node, per_mille, lasts } => {
                let limit = LimitData { per_mille, until: Instant::now() + lasts };
                self.nodes()?.suffer(node, |toxics| toxics.limit_data = Some(limit));
                Ok(())
            }
            Trouble::SilenceNode { node, timeout } => {
                let until = Instant::now() + timeout;
                self.nodes()?.suffer(node, |toxics| toxics.timeout = Some(until));
                sleep_until(until).await;
                Ok(())
            }
            Trouble::ElectPreferred => self.nodes()?.elect_preferred().await,
        }
    }

    async fn restart_node(&self, node: usize, end: &str) -> Result<()> {
        self.nodes()?.tell(node, end).await?;
        self.nodes()?.tell(node, "start").await
    }

    fn nodes(&self) -> Result<&Nodes> {
        self.nodes.as_ref().context("there is no Kafka of our own")
    }

    fn broker(&mut self) -> Result<&mut Process> {
        self.broker.as_mut().ok_or_else(|| anyhow!("there is no broker of our own"))
    }

    fn tell_last_words(&self) {
        for process in &self.processes {
            println!("{}", process.last_words());
        }
    }

    /// Where in the pipeline a promise was broken: what the reader saw, and what another sees in each topic.
    async fn tell_stages(&self, sent: &BTreeSet<Number>, output: &Seen) -> Result<()> {
        tell_stage("the reader saw", sent, output);
        for stage in TOPICS {
            tell_stage(stage, sent, &self.read(stage).await?);
        }
        Ok(())
    }

    /// What there is in a topic.
    async fn read(&self, stage: &str) -> Result<Seen> {
        Reader::start(&self.servers, &format!("{}-{stage}", self.name), N_PARTITIONS)?.finish().await
    }

    /// A listener that stops ends its process; an operator would start it again.
    ///
    /// # Errors
    /// A process never comes to run.
    fn revive(&mut self) -> Result<()> {
        for (number, process) in self.processes.iter_mut().enumerate() {
            let is_new = process.revive();
            if is_new.with_context(|| format!("the pipeline does not run: process {number} does not"))? {
                println!("process {number} had ended by itself and was started again");
            }
        }
        Ok(())
    }

    /// Returns when both groups have committed all there is, or nothing moves any more.
    async fn await_committed(&mut self) -> Result<()> {
        let (mut last, mut behind) = (Instant::now(), i64::MAX);
        while last.elapsed() < SETTLING {
            let (servers, name) = (self.servers.clone(), self.name.clone());
            let now = tokio::task::spawn_blocking(move || lag(&servers, &name)).await??;
            if now == 0 {
                return Ok(());
            }
            if now < behind {
                (last, behind) = (Instant::now(), now);
            }
            self.revive()?;
            sleep(Duration::from_millis(500)).await;
        }
        Ok(())
    }
}

async fn frozen(process: &Process, pause: Duration) -> Result<()> {
    process.freeze().await?;
    sleep(pause).await;
    process.thaw().await
}

async fn start_broker(plan: &Plan, dir: &Path) -> Result<(String, Process)> {
    let args = |port: &str| {
        let (data_dir, seed) = (dir.join("broker").to_string_lossy().into_owned(), plan.seed.to_string());
        let brokers = plan.brokers.to_string();
        let args = ["broker", "--data-dir", &data_dir, "--port", port, "--seed", &seed, "--brokers", &brokers];
        args.map(str::to_owned).into()
    };
    let mut broker = Process::start(args("0"), dir.join("broker.log"))?;
    let address = broker.first_line().await?;
    // Where clients know it, whenever it is started again.
    let first = address.split(',').next().and_then(|first| first.rsplit(':').next());
    broker.set_args(args(first.unwrap_or_default()));
    Ok((address, broker))
}

fn pipeline_args(plan: &Plan, servers: &str, name: &str, process: usize) -> Vec<String> {
    let (seed, process) = (plan.seed.to_string(), process.to_string());
    let properties = plan.properties.iter().flat_map(|(key, value)| ["--set".to_owned(), format!("{key}={value}")]);
    let args = [
        "pipeline",
        "--bootstrap-server",
        servers,
        "--name",
        name,
        "--delivery",
        plan.delivery.name(),
        "--seed",
        &seed,
        "--process",
        &process,
    ];
    args.map(str::to_owned).into_iter().chain(properties).collect()
}

async fn create_topics(servers: &str, name: &str) -> Result<()> {
    let admin: AdminClient<DefaultClientContext> = ClientConfig::new().set("bootstrap.servers", servers).create()?;
    let names = TOPICS.map(|topic| format!("{name}-{topic}"));
    let topics: Vec<_> =
        names.iter().map(|name| NewTopic::new(name, N_PARTITIONS, TopicReplication::Fixed(-1))).collect();
    for result in admin.create_topics(&topics, &AdminOptions::new()).await? {
        result.map_err(|(topic, code)| anyhow!("cannot create topic {topic}: {code}"))?;
    }
    Ok(())
}

/// How many records both groups have still to commit.
fn lag(servers: &str, name: &str) -> Result<i64> {
    let patience = Duration::from_secs(10);
    let mut lag = 0;
    for (topic, stage) in TOPICS.into_iter().zip(STAGES) {
        let consumer: BaseConsumer = ClientConfig::new()
            .set("bootstrap.servers", servers)
            .set("group.id", format!("{name}-{stage}"))
            .create()?;
        let mut partitions = rdkafka::TopicPartitionList::new();
        partitions.add_partition_range(&format!("{name}-{topic}"), 0, N_PARTITIONS - 1);
        for at in consumer.committed_offsets(partitions, patience)?.elements() {
            let (_, end) = consumer.fetch_watermarks(at.topic(), at.partition(), patience)?;
            lag += end - at.offset().to_raw().unwrap_or(0).max(0);
        }
    }
    Ok(lag)
}

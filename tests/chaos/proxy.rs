//! [`Proxy`]: stands between clients and one node of a real Kafka, and does to its answers what a network does.
//!
//! What it does has the names of Toxiproxy's toxics, and as there it is done downstream, to what the node answers:
//! `latency` delays, `limit_data` ends a connection in the middle of an answer, `timeout` lets nothing through and then ends
//! the connections. The node serves every request all the same, and its client does not know.

use std::{
    io,
    net::{Ipv4Addr, SocketAddr},
    time::Duration,
};

use anyhow::{Context, Result};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, copy},
    net::{
        TcpListener, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    sync::{mpsc, watch},
    task::JoinHandle,
    time::{Instant, sleep_until},
};

use crate::answers::Answers;

/// Pieces of answers that wait for their time on one connection; more stay with the node.
const N_WAITING: usize = 64;
/// The longest of them.
const PIECE: usize = 64 * 1024;

/// What becomes of a node's answers now, each until its time is over.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Toxics {
    pub(crate) latency: Option<Latency>,
    pub(crate) limit_data: Option<LimitData>,
    /// Nothing goes through until then, when connections end.
    pub(crate) timeout: Option<Instant>,
}

/// All that comes is late by `latency` and up to `jitter` more, in order.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Latency {
    pub(crate) latency: Duration,
    pub(crate) jitter: Duration,
    pub(crate) until: Instant,
}

/// So many answers of a thousand are cut somewhere, and their connections with them.
#[derive(Debug, Clone, Copy)]
pub(crate) struct LimitData {
    pub(crate) per_mille: u32,
    pub(crate) until: Instant,
}

/// Stops when it is dropped.
pub(crate) struct Proxy {
    address: SocketAddr,
    toxics: watch::Sender<Toxics>,
    serving: JoinHandle<()>,
}

impl Proxy {
    /// Serves this port for the node behind another, both of this machine; what is drawn is drawn from the seed.
    pub(crate) async fn start(port: u16, node_port: u16, seed: u64) -> Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await;
        let listener = listener.with_context(|| format!("the proxy of port {node_port} cannot have port {port}"))?;
        let toxics = watch::Sender::default();
        let address = listener.local_addr()?;
        let serving = tokio::spawn(serve(listener, node_port, toxics.subscribe(), fastrand::Rng::with_seed(seed)));
        Ok(Self { address, toxics, serving })
    }

    /// Where clients find the node.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// From now on something else is done to answers.
    pub(crate) fn suffer(&self, change: impl FnOnce(&mut Toxics)) {
        self.toxics.send_modify(change);
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

async fn serve(listener: TcpListener, node_port: u16, toxics: watch::Receiver<Toxics>, mut random: fastrand::Rng) {
    loop {
        // One that cannot be accepted was given up by its client.
        let Ok((client, _)) = listener.accept().await else { continue };
        let (toxics, random) = (toxics.clone(), random.fork());
        tokio::spawn(async move {
            // A node that is down takes no connection, and its client sees this one end.
            let Ok(node) = TcpStream::connect((Ipv4Addr::LOCALHOST, node_port)).await else { return };
            if node.local_addr().is_ok_and(|own| own.port() == node_port) {
                return; // Nobody serves that port, and the system chose it for this end: who connects to itself holds it.
            }
            // However it ends: both sides see the end of their connection.
            let _ended = link(client, node, toxics, random).await;
        });
    }
}

/// Returns when either side has ended the connection, or a toxic has.
async fn link(
    client: TcpStream,
    node: TcpStream,
    toxics: watch::Receiver<Toxics>,
    random: fastrand::Rng,
) -> io::Result<()> {
    client.set_nodelay(true)?;
    node.set_nodelay(true)?;
    let (mut requests, to_client) = client.into_split();
    let (answers, mut to_node) = node.into_split();
    let (queue, queued) = mpsc::channel(N_WAITING);
    let passed_on = pass_on(queued, to_client, toxics.clone(), random);
    tokio::select! {
        done = copy(&mut requests, &mut to_node) => done.map(drop),
        done = async { tokio::try_join!(take(answers, queue), passed_on) } => done.map(drop),
        () = timed_out(toxics) => Ok(()),
    }
}

/// Takes answers as they come, each piece with the time at which it came.
async fn take(mut answers: OwnedReadHalf, queue: mpsc::Sender<(Instant, Vec<u8>)>) -> io::Result<()> {
    let mut piece = vec![0; PIECE];
    loop {
        let n = answers.read(&mut piece).await?;
        if n == 0 || queue.send((Instant::now(), piece[..n].to_vec())).await.is_err() {
            return Ok(());
        }
    }
}

/// Passes them on when they are due; an error ends the connection here and now.
async fn pass_on(
    mut queued: mpsc::Receiver<(Instant, Vec<u8>)>,
    mut client: OwnedWriteHalf,
    toxics: watch::Receiver<Toxics>,
    mut random: fastrand::Rng,
) -> io::Result<()> {
    let mut answers = Answers::default();
    while let Some((came_at, piece)) = queued.recv().await {
        let latency = toxics.borrow().latency.filter(|latency| came_at < latency.until);
        if let Some(Latency { latency, jitter, .. }) = latency {
            sleep_until(came_at + latency + jitter.mul_f64(random.f64())).await;
        }
        let now = Instant::now();
        let Toxics { limit_data, timeout, .. } = *toxics.borrow();
        if let Some(until) = timeout.filter(|until| now < *until) {
            sleep_until(until).await;
            return Err(io::ErrorKind::TimedOut.into());
        }
        let limit_data = limit_data.filter(|limit| now < limit.until);
        let cut = answers.cut(&piece, |length| {
            let is_cut = limit_data.is_some_and(|limit| random.u32(0..1_000) < limit.per_mille);
            (is_cut && length > 0).then(|| random.usize(0..length))
        });
        client.write_all(&piece[..cut.unwrap_or(piece.len())]).await?;
        if cut.is_some() {
            return Err(io::ErrorKind::ConnectionReset.into());
        }
    }
    Ok(())
}

/// Resolves when connections end that were silent until then, whether anything was to go through them or not.
async fn timed_out(mut toxics: watch::Receiver<Toxics>) {
    let is_silent = |toxics: &Toxics| toxics.timeout.is_some_and(|until| Instant::now() < until);
    let until = toxics.wait_for(is_silent).await.ok().and_then(|toxics| toxics.timeout);
    match until {
        Some(until) => sleep_until(until).await,
        None => std::future::pending().await,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A node that answers each byte with an answer of 100 bytes, and what was made of it.
    async fn behind_a_proxy() -> (Proxy, TcpStream) {
        let node = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let port = node.local_addr().unwrap().port();
        tokio::spawn(async move {
            while let Ok((mut client, _)) = node.accept().await {
                tokio::spawn(async move {
                    let answer: Vec<u8> = 100_u32.to_be_bytes().into_iter().chain([7; 100]).collect();
                    while client.read_u8().await.is_ok() && client.write_all(&answer).await.is_ok() {}
                });
            }
        });
        let proxy = Proxy::start(0, port, 1).await.unwrap();
        let client = TcpStream::connect(proxy.address()).await.unwrap();
        (proxy, client)
    }

    fn in_a_second() -> Instant {
        Instant::now() + Duration::from_secs(1)
    }

    #[tokio::test]
    async fn answers_go_through_as_they_are() {
        let (_proxy, mut client) = behind_a_proxy().await;
        client.write_all(&[1, 1, 1]).await.unwrap();
        let mut answers = vec![0; 3 * 104];
        client.read_exact(&mut answers).await.unwrap();
        assert!(answers.chunks(104).all(|answer| answer[..4] == 100_u32.to_be_bytes() && answer[4..] == [7; 100]));
    }

    #[tokio::test]
    async fn latency_delays_answers() {
        let (proxy, mut client) = behind_a_proxy().await;
        let latency = Duration::from_millis(200);
        proxy.suffer(|toxics| {
            toxics.latency = Some(Latency { latency, jitter: Duration::ZERO, until: in_a_second() });
        });
        let began = Instant::now();
        client.write_all(&[1]).await.unwrap();
        client.read_exact(&mut [0; 104]).await.unwrap();
        assert!(began.elapsed() >= latency, "{:?}", began.elapsed());
    }

    #[tokio::test]
    async fn limit_data_ends_the_connection_in_the_middle_of_an_answer() {
        let (proxy, mut client) = behind_a_proxy().await;
        proxy.suffer(|toxics| toxics.limit_data = Some(LimitData { per_mille: 1_000, until: in_a_second() }));
        client.write_all(&[1]).await.unwrap();
        let mut came = Vec::new();
        // The end may be told as a reset.
        let _ended = client.read_to_end(&mut came).await;
        assert!((4..104).contains(&came.len()), "{} bytes", came.len());
    }

    #[tokio::test]
    async fn timeout_lets_nothing_through_and_then_ends_every_connection() {
        let (proxy, mut asking) = behind_a_proxy().await;
        let mut silent = TcpStream::connect(proxy.address()).await.unwrap();
        let until = Instant::now() + Duration::from_millis(200);
        proxy.suffer(|toxics| toxics.timeout = Some(until));
        asking.write_all(&[1]).await.unwrap();
        for client in [&mut asking, &mut silent] {
            let mut came = Vec::new();
            let _ended = client.read_to_end(&mut came).await;
            assert!(came.is_empty() && Instant::now() >= until);
        }
        let mut later = TcpStream::connect(proxy.address()).await.unwrap();
        later.write_all(&[1]).await.unwrap();
        later.read_exact(&mut [0; 104]).await.unwrap();
    }
}

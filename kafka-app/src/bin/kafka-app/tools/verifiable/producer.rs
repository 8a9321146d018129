//! `kafka-verifiable-producer`: sends 0, 1, 2, … and tells what becomes of each.

use std::{
    collections::{BTreeMap, VecDeque},
    future::{Future as _, poll_fn},
    io::Write as _,
    path::PathBuf,
    pin::Pin,
    sync::Arc,
    task::Poll,
    time::Instant,
};

use bytes::Bytes;
use clap::Parser;
use kafka_app::{ErrorKind, KafkaApp, KafkaTemplate, PendingSend, ProducerRecord, SendError, SendResult};
use serde::Serialize;

use super::{Nothing, tell, text};
use crate::{
    clock::wall_clock,
    failure::Failure,
    stop::Stop,
    tools::{
        Output, ToolCommand,
        client::{self, Client, ClientSettings, say},
        perf::Pace,
    },
};

/// This tool produces increasing integers to the specified topic and prints JSON metadata to stdout on each "send" request,
/// making externally visible which messages have been acked and which have not.
#[derive(Debug, Parser)]
pub(crate) struct VerifiableProducer {
    /// The topic to send records to
    #[arg(long)]
    topic: String,

    /// The brokers to connect to first
    #[arg(long, value_name = "HOST:PORT,...")]
    bootstrap_server: String,

    /// How many records to send; -1: until it is stopped
    #[arg(long, value_name = "N", default_value_t = -1)]
    max_messages: i32,

    /// Records a second; -1 is as many as go
    #[arg(long, value_name = "N", default_value_t = -1)]
    throughput: i32,

    /// Which acknowledgment is wanted: 0, 1, or all (-1)
    #[arg(long, default_value = "-1", value_parser = ["0", "1", "-1"])]
    acks: String,

    /// Read properties of the client from a file
    #[arg(long = "producer.config", visible_alias = "command-config", value_name = "FILE")]
    producer_config: Option<PathBuf>,

    /// The time of the first record, in milliseconds since 1970
    #[arg(long, value_name = "MS", default_value_t = -1)]
    message_create_time: i64,

    /// What each value begins with, with a dot behind it
    #[arg(long, value_name = "NUMBER")]
    value_prefix: Option<i32>,

    /// Keys are 0, 1, 2, … up to before this number, and then 0 again
    #[arg(long, value_name = "N")]
    repeating_keys: Option<i32>,
}

impl ToolCommand for VerifiableProducer {
    const HELP_IS_AN_ANSWER: bool = true;

    async fn run(self, out: &mut Output) -> Result<u8, Failure> {
        client::log_to_standard_error(false);
        let settings = ClientSettings::translate(Client::Producer, &self.java_properties()?)?;
        let app =
            KafkaApp::with_configuration(settings.configuration()?).start().await.map_err(|e| client::failed(&e))?;
        let mut stop = Stop::listen()?;
        let started = Instant::now();
        let pace = Pace::new(f64::from(self.throughput), started);
        let mut records = Records::new(&self);
        let n_most = u64::try_from(self.max_messages).unwrap_or(u64::MAX);
        let mut run = Run {
            template: app.template(),
            topic: self.topic.as_str().into(),
            pending: VecDeque::new(),
            n_sent: 0,
            n_acked: 0,
        };
        tell(out, "startup_complete", Nothing {})?;
        out.flush()?;
        let (template, topic) = (run.template.clone(), Arc::clone(&run.topic));
        let refused = tokio::select! {
            biased;
            refused = client::shut_out(&template, &topic) => Err(refused),
            code = run.send(&mut records, pace, n_most, &mut stop, out) => Ok(code?),
        };
        let code = match refused {
            Ok(code) => code,
            Err(refused) => run.give_up(&mut records, n_most, &refused, out).map(|()| 0)?,
        };
        if let Err(cut_off) = app.stop().await.into_result() {
            say(cut_off);
        }
        tell(out, "shutdown_complete", Nothing {})?;
        let total = Total {
            sent: run.n_sent,
            acked: run.n_acked,
            target_throughput: self.throughput,
            avg_throughput: f64::from(u32::try_from(run.n_acked).unwrap_or(u32::MAX)) / started.elapsed().as_secs_f64(),
        };
        tell(out, "tool_data", total)?;
        Ok(code)
    }
}

impl VerifiableProducer {
    fn java_properties(&self) -> Result<BTreeMap<String, String>, Failure> {
        // What the file says wins, as in Apache's tool.
        let said = [("bootstrap.servers", self.bootstrap_server.as_str()), ("acks", &self.acks), ("retries", "0")];
        let mut java: BTreeMap<_, _> =
            said.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        java.extend(client::java_properties(self.producer_config.as_ref(), &[])?);
        java.entry("client.id".to_owned()).or_insert_with(|| "producer-1".to_owned());
        Ok(java)
    }
}

/// What is sent, one after the other.
struct Records {
    prefix: Option<i32>,
    n_keys: Option<i32>,
    create_time: Option<i64>,
    start_ms: i64,
    next: u64,
    next_key: i32,
}

impl Records {
    fn new(options: &VerifiableProducer) -> Self {
        Self {
            prefix: options.value_prefix,
            n_keys: options.repeating_keys,
            create_time: Some(options.message_create_time).filter(|time| *time != -1),
            start_ms: wall_clock(),
            next: 0,
            next_key: 0,
        }
    }

    fn next(&mut self, topic: &Arc<str>) -> ProducerRecord {
        let value = match self.prefix {
            Some(prefix) => format!("{prefix}.{}", self.next),
            None => self.next.to_string(),
        };
        self.next += 1;
        let key = self.n_keys.map(|n_keys| {
            let key = self.next_key;
            self.next_key = if key + 1 == n_keys { 0 } else { key.wrapping_add(1) };
            key.to_string()
        });
        let timestamp = self.create_time;
        // It goes on by all the time since the start each time, as Apache's does.
        self.create_time = timestamp.map(|time| time + wall_clock() - self.start_ms);
        ProducerRecord {
            timestamp,
            key: key.map(Bytes::from),
            payload: Some(Bytes::from(value)),
            ..ProducerRecord::to(Arc::clone(topic))
        }
    }
}

/// Records and what becomes of them.
struct Run {
    template: KafkaTemplate<Bytes, Bytes>,
    topic: Arc<str>,
    /// Those without an answer, in their order.
    pending: VecDeque<(ProducerRecord, PendingSend)>,
    n_sent: u64,
    n_acked: u64,
}

/// After so many records it is looked for answers, so that lines come while records go.
const LOOK_AFTER: u64 = 100;

impl Run {
    /// Sends until there are enough or a signal comes, and waits for all answers; the exit code.
    async fn send(
        &mut self,
        records: &mut Records,
        pace: Pace,
        n_most: u64,
        stop: &mut Stop,
        out: &mut Output,
    ) -> Result<u8, Failure> {
        let code = self.send_records(records, pace, n_most, stop, out).await?;
        self.tell_answers(usize::MAX, out).await?;
        Ok(code)
    }

    async fn send_records(
        &mut self,
        records: &mut Records,
        mut pace: Pace,
        n_most: u64,
        stop: &mut Stop,
        out: &mut Output,
    ) -> Result<u8, Failure> {
        while self.n_sent < n_most {
            let n_now = tokio::select! {
                biased;
                code = stop.requested() => return Ok(code),
                n_now = pace.next(LOOK_AFTER.min(n_most - self.n_sent)) => n_now,
                told = self.tell_answers(1, out), if !self.pending.is_empty() => {
                    told?;
                    continue;
                }
            };
            for _ in 0..n_now {
                let record = records.next(&self.topic);
                self.n_sent += 1;
                match self.template.enqueue_record(record.clone()).await {
                    Ok(pending) => self.pending.push_back((record, pending)),
                    Err(failed) => tell_failure(out, &self.topic, &failed)?,
                }
            }
            self.tell_answers(0, out).await?;
        }
        Ok(0)
    }

    /// Tells of all that is under way, and of what was still to be sent, that it could not be.
    fn give_up(
        &mut self,
        records: &mut Records,
        n_most: u64,
        refused: &kafka_app::Error,
        out: &mut Output,
    ) -> Result<(), Failure> {
        let message = refused.to_string();
        let exception = match refused.kind() {
            ErrorKind::SslAuthentication => "class org.apache.kafka.common.errors.SslAuthenticationException",
            _ => "class org.apache.kafka.common.errors.SaslAuthenticationException",
        };
        // Without a number it would never end.
        let n_left = if n_most == u64::MAX { 0 } else { n_most - self.n_sent };
        self.n_sent += n_left;
        let left = (0..n_left).map(|_| records.next(&self.topic));
        for record in self.pending.drain(..).map(|(record, _)| record).chain(left) {
            let (key, value) = parts(&record);
            let failed = Failed { topic: &self.topic, key, value, exception, message: message.clone() };
            tell(out, "producer_send_error", failed)?;
        }
        Ok(())
    }

    /// Waits for the first `n_awaited` answers, and tells them with those that are there behind them.
    async fn tell_answers(&mut self, n_awaited: usize, out: &mut Output) -> Result<(), Failure> {
        let mut n_awaited = n_awaited;
        while let Some((record, pending)) = self.pending.front_mut() {
            let answer = poll_fn(|cx| match Pin::new(&mut *pending).poll(cx) {
                Poll::Ready(answer) => Poll::Ready(Some(answer)),
                Poll::Pending if n_awaited == 0 => Poll::Ready(None),
                Poll::Pending => Poll::Pending,
            });
            let Some(answer) = answer.await else { break };
            n_awaited = n_awaited.saturating_sub(1);
            match answer {
                Ok(SendResult { partition, offset }) => {
                    self.n_acked += 1;
                    let (key, value) = parts(record);
                    let acked = Acked { key, value, offset, topic: &self.topic, partition };
                    tell(out, "producer_send_success", acked)?;
                }
                Err(failed) => tell_failure(out, &self.topic, &failed)?,
            }
            self.pending.pop_front();
        }
        Ok(out.flush()?)
    }
}

fn tell_failure(out: &mut Output, topic: &str, failed: &SendError) -> std::io::Result<()> {
    let (key, value) = parts(failed.record());
    let exception = match failed.kind() {
        ErrorKind::Unavailable | ErrorKind::Timeout => "class org.apache.kafka.common.errors.TimeoutException",
        _ => "class org.apache.kafka.common.KafkaException",
    };
    tell(out, "producer_send_error", Failed { topic, key, value, exception, message: failed.to_string() })
}

fn parts(record: &ProducerRecord) -> (Option<String>, Option<String>) {
    (record.key.as_deref().map(text), record.payload.as_deref().map(text))
}

#[derive(Serialize)]
struct Acked<'r> {
    key: Option<String>,
    value: Option<String>,
    offset: i64,
    topic: &'r str,
    partition: i32,
}

#[derive(Serialize)]
struct Failed<'r> {
    topic: &'r str,
    key: Option<String>,
    value: Option<String>,
    exception: &'static str,
    message: String,
}

#[derive(Serialize)]
struct Total {
    sent: u64,
    acked: u64,
    target_throughput: i32,
    avg_throughput: f64,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn records(arguments: &[&str]) -> Vec<(Option<String>, Option<String>)> {
        let all = ["tool", "--topic", "t", "--bootstrap-server", "b:1"].iter().chain(arguments);
        let mut records = Records::new(&VerifiableProducer::try_parse_from(all).unwrap());
        (0..3).map(|_| parts(&records.next(&Arc::from("t")))).collect()
    }

    #[test]
    fn values_count_with_or_without_a_prefix_and_keys_begin_anew() {
        let some = |text: &str| Some(text.to_owned());
        assert_eq!(records(&[]), [(None, some("0")), (None, some("1")), (None, some("2"))]);
        let expected = [(some("0"), some("7.0")), (some("1"), some("7.1")), (some("0"), some("7.2"))];
        assert_eq!(records(&["--value-prefix", "7", "--repeating-keys", "2"]), expected);
    }

    #[test]
    fn lines_are_as_apaches() {
        let mut out = Vec::new();
        let acked = Acked { key: None, value: Some("7.0".to_owned()), offset: 22, topic: "demo", partition: 0 };
        tell(&mut out, "producer_send_success", acked).unwrap();
        let line = String::from_utf8(out).unwrap();
        let expected = ",\"name\":\"producer_send_success\",\"key\":null,\"value\":\"7.0\",\"offset\":22,\"topic\":\"demo\",\"partition\":0}\n";
        assert!(line.starts_with("{\"timestamp\":") && line.ends_with(expected), "{line}");
    }
}

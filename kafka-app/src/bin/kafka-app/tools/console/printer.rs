//! [`Printer`]: records on standard output, up to a reason to end.

use std::time::{Duration, Instant};

use kafka_app::{ErrorKind, KafkaConsumer, Polled, RawRecord, TopicPartition};

use super::formatter::Formatter;
use crate::{
    failure::Failure,
    record_output::RecordOutput,
    stop::Stop,
    tools::client::{Troubles, say},
};

/// How long leaving the group may take.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(10);

/// Prints records and counts them.
pub(super) struct Printer {
    formatter: Formatter,
    /// Most records to print; `None`: all.
    limit: Option<u64>,
    skips_errors: bool,
    n_printed: u64,
    buffer: Vec<u8>,
}

/// Why no more is printed.
enum End {
    /// There are enough, or the consumer has failed, which was told.
    Done,
    Signal(u8),
    /// Nobody reads on.
    Closed,
    Failed(String),
}

impl Printer {
    pub(super) fn new(formatter: Formatter, limit: Option<u64>, skips_errors: bool) -> Self {
        Self { formatter, limit, skips_errors, n_printed: 0, buffer: Vec::new() }
    }

    /// Prints until there is a reason to end, leaves the group, and tells how many records there were.
    pub(super) async fn run(
        &mut self,
        mut consumer: KafkaConsumer,
        idle_after: Option<Duration>,
        stop: &mut Stop,
    ) -> Result<u8, Failure> {
        let output = RecordOutput::new()?;
        let end = self.print_records(&mut consumer, idle_after, stop, &output).await;
        if matches!(end, End::Closed) {
            say("Unable to write to standard out, closing consumer.");
        }
        if let Err(error) = consumer.close(CLOSE_TIMEOUT).await {
            say(error);
        }
        say(format_args!("Processed a total of {} messages", self.n_printed));
        match end {
            End::Done | End::Closed => Ok(0),
            End::Signal(code) => Ok(code),
            End::Failed(why) => Err(Failure::Failed(why)),
        }
    }

    async fn print_records(
        &mut self,
        consumer: &mut KafkaConsumer,
        idle_after: Option<Duration>,
        stop: &mut Stop,
        output: &RecordOutput,
    ) -> End {
        let (mut troubles, mut last) = (Troubles::default(), Instant::now());
        while self.limit.is_none_or(|limit| self.n_printed < limit) {
            if let Some(code) = stop.code() {
                return End::Signal(code);
            }
            let polled = match consumer.poll() {
                Some(polled) => polled,
                None => tokio::select! {
                    biased;
                    code = stop.requested() => return End::Signal(code),
                    polled = consumer.next() => polled,
                    () = output.closed() => return End::Closed,
                    () = idle(last, idle_after) => {
                        say("Error processing message, terminating consumer process: no record came in time (TimeoutException)");
                        return End::Done;
                    }
                },
            };
            match polled {
                Polled::Records { partition, records, .. } => {
                    last = Instant::now();
                    if let Some(end) = self.print_chunk(consumer, &partition, &records, output, stop).await {
                        return end;
                    }
                }
                // All before it is printed, and what lies behind the last record is none, as the marks of transactions are.
                Polled::End { partition, offset, .. } => consumer.store(&partition, offset, None),
                Polled::Trouble(error) if error.kind() == ErrorKind::Unavailable => troubles.tell(&error.to_string()),
                Polled::Trouble(error) | Polled::Failed(error) => {
                    say(format_args!("Error processing message, terminating consumer process: {error}"));
                    return End::Done;
                }
                _ => {}
            }
        }
        End::Done
    }

    /// Prints a chunk at once; what was printed is the position of the group.
    async fn print_chunk(
        &mut self,
        consumer: &mut KafkaConsumer,
        partition: &TopicPartition,
        records: &[RawRecord],
        output: &RecordOutput,
        stop: &mut Stop,
    ) -> Option<End> {
        let mut failed = None;
        let mut n_taken = 0;
        for record in records {
            if self.limit.is_some_and(|limit| self.n_printed >= limit) {
                break;
            }
            self.n_printed += 1;
            n_taken += 1;
            let length = self.buffer.len();
            if let Err(why) = self.formatter.print(partition.partition, record, &mut self.buffer) {
                if !self.skips_errors {
                    failed = Some(End::Failed(format!("Unknown error when running consumer: {why}")));
                    break;
                }
                self.buffer.truncate(length);
                say(format_args!("Error processing message, skipping this message: {why}"));
            }
        }
        match output.write(&mut self.buffer, stop).await {
            Ok(()) => {}
            Err(Failure::Stopped(code)) => return Some(End::Signal(code)),
            Err(_) => return Some(End::Closed),
        }
        if let Some(last) = records[..n_taken].last() {
            consumer.store(partition, last.offset() + 1, last.leader_epoch());
        }
        failed
    }
}

/// Resolves when no record has come for so long.
async fn idle(last: Instant, idle_after: Option<Duration>) {
    match idle_after.and_then(|idle_after| last.checked_add(idle_after)) {
        Some(deadline) => tokio::time::sleep_until(deadline.into()).await,
        None => std::future::pending().await,
    }
}

//! `kafka-app consume`: records of topics on standard output.

mod columns;
mod ends;
mod form;
mod lag;
mod reading;
mod span;

use std::{
    io::{IsTerminal as _, stderr},
    time::Duration,
};

use clap::{Args, ValueEnum};
use kafka_app::{
    KafkaConsumer, OffsetSpec,
    admin::AdminClient,
    config::{IsolationLevel, KafkaProperties},
};

use columns::Columns;
pub(super) use columns::shown;
pub(super) use ends::Ends;
use form::{Form, Part, Printer};
use lag::Positions;
pub(super) use reading::Reading;
pub(super) use span::Span;

use super::{
    ClusterOptions, escaped::Escaped, partitions::TopicPartitions, position::Position, record_filter::FilterOptions,
};
use crate::{failure::Failure, record_output::RecordOutput, say, stop::Stop};

/// Print records of topics, those that come from now on or those that are there
#[derive(Debug, Args)]
#[command(after_long_help = "Examples:\n  \
    kafka-app consume orders\n  \
    kafka-app consume orders --from earliest -n 10 --print key,offset\n  \
    kafka-app consume orders:0,1 --from -100 --to-end -o jsonl\n  \
    kafka-app consume orders --from @-1h --to-end --grep 'shoes|hats' -o table\n  \
    kafka-app consume orders --group billing-debug --lag\n  \
    kafka-app consume orders --to-end -o jsonl | kafka-app produce copy --format jsonl\n\n\
    Without --group no group is joined and nothing is committed. With one, it goes on where the group stands, and what \
    was printed is committed; a group.instance.id counts only if it is said here, by -X.\n\
    It ends with --max, with --to-end, or with Ctrl-C (exit code 130).")]
pub(crate) struct ConsumeCommand {
    /// Topics, or some partitions of them
    #[arg(value_name = "TOPIC[:PARTITION,...]", required = true)]
    topics: Vec<TopicPartitions>,
    /// These partitions of every topic; may be repeated
    #[arg(long = "partition", value_name = "N", value_delimiter = ',', value_parser = clap::value_parser!(i32).range(0..))]
    partitions: Vec<i32>,
    /// earliest, latest, an offset, -N for the last N records of each partition, @TIME or @-1h
    /// [default: latest; with --to-end earliest]
    #[arg(short, long, value_name = "WHERE", allow_hyphen_values = true, value_parser = Position::from_end)]
    from: Option<Position>,
    /// Stop where the partitions end now
    #[arg(short = 'e', long)]
    to_end: bool,
    /// Stop after so many records are printed
    #[arg(short = 'n', long = "max", value_name = "N")]
    max: Option<u64>,
    /// Read as a member of this group, from where it stands; --from says where it begins if it does not stand anywhere
    #[arg(short, long, value_name = "GROUP", conflicts_with = "partitions")]
    group: Option<String>,
    /// Records of committed transactions only, or all [default: as the configuration says, else committed]
    #[arg(long, value_name = "LEVEL", value_enum)]
    isolation: Option<Isolation>,
    /// Show on standard error how many records are still to be read
    #[arg(long)]
    lag: bool,

    /// The form in which records are printed
    #[arg(short, long, value_name = "FORM", value_enum, default_value_t)]
    output: Form,
    /// Before each value print these, too, in this order
    #[arg(long, value_name = "PART,...", value_enum, value_delimiter = ',')]
    print: Vec<Part>,
    /// What stands between them [default: a tab]
    #[arg(short = 'K', long, value_name = "SEP")]
    key_separator: Option<Escaped>,
    /// What stands after each record in the forms value and raw [default: \n for value, nothing for raw]
    #[arg(long, value_name = "TEXT")]
    delimiter: Option<Escaped>,

    #[command(flatten)]
    filter: FilterOptions,
    #[command(flatten)]
    cluster: ClusterOptions,
}

/// Which records are seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Isolation {
    /// Those of committed transactions
    Committed,
    /// Those of open and aborted transactions, too
    Uncommitted,
}

/// How often positions of the group are committed.
const COMMIT_EVERY: Duration = Duration::from_secs(5);
/// Records of a chunk: enough that what is done once for each costs nothing.
const CHUNK: usize = 2_000;
/// So many bytes are written at once, or one record if that is larger.
const WRITE_BYTES: usize = 1024 * 1024;

impl ConsumeCommand {
    /// # Errors
    /// Records cannot be read; or how it was ended.
    pub(crate) async fn run(self) -> Result<(), Failure> {
        self.check()?;
        let mut stop = Stop::listen()?;
        let of_reading = stop.clone();
        let opened = tokio::select! {
            code = stop.requested() => return Err(Failure::Stopped(code)),
            opened = self.open(of_reading) => opened?,
        };
        let Some((mut reading, watcher)) = opened else { return Ok(()) };
        let printed = tokio::select! {
            printed = self.print_all(&mut reading) => printed,
            () = watcher.show() => Ok(()),
        };
        let closed = reading.close().await;
        match (printed, closed) {
            (Ok(()), closed) => closed,
            // Who has ended it is told, and has the exit code that was asked for.
            (Err(ended @ (Failure::Closed | Failure::Stopped(_))), Err(failure)) => {
                say::line(format_args!("warning: {failure}"));
                Err(ended)
            }
            // What went wrong first counts.
            (failed, _) => failed,
        }
    }

    fn check(&self) -> Result<(), Failure> {
        let wrong = |text: &str| Err(Failure::Usage(text.to_owned()));
        let is_part = self.topics.iter().any(TopicPartitions::is_part);
        if is_part && !self.partitions.is_empty() {
            return wrong("partitions are named after the topic or by --partition, and not both");
        }
        if self.group.is_some() && is_part {
            return wrong("a group gives partitions to its members: they cannot be named");
        }
        if self.group.is_some() && !matches!(self.from, None | Some(Position::Earliest | Position::Latest)) {
            return wrong(
                "a group goes on where it stands: --from is earliest or latest here; `kafka-app group reset` moves it",
            );
        }
        let is_bytes = matches!(self.output, Form::Value | Form::Raw);
        if !is_bytes && self.delimiter.is_some() {
            return wrong("--delimiter is for -o value and raw");
        }
        if self.output != Form::Value && (!self.print.is_empty() || self.key_separator.is_some()) {
            return wrong("--print is for -o value; the forms jsonl and table have all parts");
        }
        Ok(())
    }

    /// Nothing, if there is nothing to read.
    async fn open(&self, stop: Stop) -> Result<Option<(Reading, Watcher)>, Failure> {
        let properties = self.configuration()?;
        let isolation = properties.consumer.isolation_level.unwrap_or_default();
        let admin = AdminClient::new(&properties)?.with_timeout(self.cluster.timeout());
        let mut partitions = Vec::new();
        for topic in &self.topics {
            partitions.extend(topic.or_partitions(&self.partitions).resolve(&admin).await?);
        }
        partitions.sort_unstable();
        partitions.dedup();
        let from = self.from.unwrap_or(if self.to_end { Position::Earliest } else { Position::Latest });
        let mut spans = Span::of_all(&admin, &partitions, from, isolation).await?;
        let builder = KafkaConsumer::builder(&properties).max_records(CHUNK);
        let builder = if self.to_end || self.lag || self.group.is_some() { builder.tell_ends() } else { builder };
        let (builder, begins) = match &self.group {
            Some(group) => {
                let topics = self.topics.iter().map(TopicPartitions::topic);
                // The configuration may be that of an application which runs: nobody is to take the place of its members.
                let builder = builder.group_instance_id(self.cluster.property("group.instance.id"));
                (builder.topics(topics).group(group).auto_commit(Some(COMMIT_EVERY)), Vec::new())
            }
            None => {
                spans.retain(|span| !self.to_end || span.from < span.end);
                if spans.is_empty() {
                    return Ok(None);
                }
                let begins: Vec<_> = spans.iter().map(|span| (span.at.clone(), span.from)).collect();
                let at = begins.iter().map(|(at, from)| (at.clone(), OffsetSpec::Offset(*from)));
                (builder.partitions(at), begins)
            }
        };
        self.tell_where(&spans, from);
        let consumer = builder.open().await?;
        let ends = spans.into_iter().map(|span| (span.at, span.end)).collect();
        let ends = if self.group.is_some() { Ends::of_group(ends) } else { Ends::of_all(ends) };
        let mut reading = Reading::new(consumer, self.to_end.then_some(ends), self.cluster.timeout(), stop);
        let watcher = self.lag.then(|| {
            reading.positions = Positions::watched();
            begins.iter().for_each(|(at, from)| reading.positions.set(at, *from));
            (admin, reading.positions.clone(), isolation)
        });
        Ok(Some((reading, Watcher(watcher))))
    }

    fn configuration(&self) -> Result<KafkaProperties, Failure> {
        let mut set = Vec::new();
        if let Some(isolation) = self.isolation {
            let level = match isolation {
                Isolation::Committed => "read-committed",
                Isolation::Uncommitted => "read-uncommitted",
            };
            set.push(("consumer.isolation-level", level.to_owned()));
        }
        let begins_early = matches!(self.from, Some(Position::Earliest)) || self.from.is_none() && self.to_end;
        if self.group.is_some() {
            let reset = if begins_early { "earliest" } else { "latest" };
            set.push(("consumer.auto-offset-reset", reset.to_owned()));
        }
        self.cluster.configuration_with(&set)
    }

    /// Says what may be a surprise, to people only.
    fn tell_where(&self, spans: &[Span], from: Position) {
        if !stderr().is_terminal() {
            return;
        }
        if let Position::Offset(offset) = from {
            spans.iter().filter(|span| span.from != offset).for_each(|span| {
                say::line(format_args!("{} has no offset {offset}: it is read from {}", span.at, span.from));
            });
        }
        match &self.group {
            Some(group) => say::line(format_args!("waiting for the partitions that group {group} gives; Ctrl-C ends")),
            None if self.from.is_none() && !self.to_end => {
                say::line("records that come from now on, --from earliest prints those that are there; Ctrl-C ends");
            }
            None => {}
        }
    }

    async fn print_all(&self, reading: &mut Reading) -> Result<(), Failure> {
        let mut printer = self.printer();
        let (output, mut stop) = (RecordOutput::new()?, reading.stop.clone());
        let mut left = self.max.unwrap_or(u64::MAX);
        let mut buffer = Vec::new();
        while left > 0 {
            let Some(chunk) = reading.next(&output).await? else { return Ok(()) };
            let mut last = None;
            for record in &chunk.records {
                if left == 0 {
                    break;
                }
                last = Some(record);
                if self.filter.takes(record) {
                    left -= 1;
                    printer.print(&chunk.at, record, &mut buffer);
                    if buffer.len() >= WRITE_BYTES {
                        output.write(&mut buffer, &mut stop).await?;
                    }
                }
            }
            if !buffer.is_empty() {
                output.write(&mut buffer, &mut stop).await?;
            }
            if let Some(last) = last {
                reading.consumer.store(&chunk.at, last.offset() + 1, last.leader_epoch());
            }
        }
        Ok(())
    }

    fn printer(&self) -> Printer {
        let bytes = |said: &Option<Escaped>, default: &[u8]| match said {
            Some(Escaped(said)) => said.clone(),
            None => default.to_vec(),
        };
        match self.output {
            Form::Jsonl => Printer::Jsonl,
            Form::Table => Printer::Table(Columns::new(self.topics.len() > 1)),
            Form::Value | Form::Raw => Printer::Value {
                parts: self.print.clone(),
                separator: bytes(&self.key_separator, b"\t"),
                delimiter: bytes(&self.delimiter, if self.output == Form::Value { b"\n" } else { b"" }),
            },
        }
    }
}

/// Who shows the lag, if anybody does.
struct Watcher(Option<(AdminClient, Positions, IsolationLevel)>);

impl Watcher {
    /// Does so for as long as it is awaited.
    async fn show(self) {
        match self.0 {
            Some((admin, positions, isolation)) => lag::show(admin, positions, isolation).await,
            None => std::future::pending().await,
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Command {
        #[command(flatten)]
        consume: ConsumeCommand,
    }

    fn consume(arguments: &[&str]) -> ConsumeCommand {
        Command::try_parse_from([&["tool", "orders"], arguments].concat()).unwrap().consume
    }

    #[test]
    fn options_that_do_not_go_together_are_refused() {
        for arguments in [
            &["orders:1", "--partition", "0"][..],
            &["--group", "g", "orders:1"],
            &["--group", "g", "--from", "-5"],
            &["--group", "g", "--from", "@-1h"],
            &["-o", "jsonl", "--print", "key"],
            &["-o", "raw", "--print", "key"],
            &["-o", "table", "--delimiter", ","],
        ] {
            assert!(matches!(consume(arguments).check(), Err(Failure::Usage(_))), "{arguments:?}");
        }
        for arguments in [
            &["--partition", "0,1", "--from", "-5"][..],
            &["--group", "g", "--from", "earliest"],
            &["--print", "key,offset", "-K", ":", "--delimiter", r"\0"],
            &["-o", "raw", "--delimiter", ","],
        ] {
            assert!(consume(arguments).check().is_ok(), "{arguments:?}");
        }
    }
}

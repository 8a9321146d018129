//! `kafka-app dlq show`: dead letters, where they came from and why they were given up.

use clap::Args;
use kafka_app::{DeadLetterInfo, KafkaConsumer, OffsetSpec, RawRecord, TopicPartition};
use serde_json::{Value, json};

use super::super::{
    Answer, ClusterOptions, OutputOptions, at_time,
    consume::{Ends, Reading, Span, shown},
    partitions::TopicPartitions,
    position::Position,
    record_filter::FilterOptions,
    record_json,
    table::{Format, Table},
};
use crate::{failure::Failure, record_output::RecordOutput, say, stop::Stop};

/// Show dead letters, where they came from and why they were given up
#[derive(Debug, Args)]
#[command(after_long_help = "Examples:\n  \
    kafka-app dlq show orders-dlt\n  \
    kafka-app dlq show orders-dlt --from -10 -o json\n  \
    kafka-app dlq show orders-dlt:0 --from @-1h --filter shoes")]
pub(super) struct Show {
    /// The dead letter topic, or some partitions of it
    #[arg(value_name = "TOPIC[:PARTITION,...]")]
    topic: TopicPartitions,
    /// earliest, an offset, -N for the last N of each partition, @TIME or @-1h
    #[arg(long, value_name = "WHERE", allow_hyphen_values = true, default_value = "earliest", value_parser = Position::from_end)]
    from: Position,
    /// At most so many
    #[arg(short = 'n', long = "max", value_name = "N", default_value = "100")]
    max: usize,
    #[command(flatten)]
    filter: FilterOptions,
    #[command(flatten)]
    output: OutputOptions,
    #[command(flatten)]
    cluster: ClusterOptions,
}

const COLUMNS: [&str; 10] = [
    "partition",
    "offset",
    "timestamp",
    "original_topic",
    "original_partition",
    "original_offset",
    "exception",
    "message",
    "key",
    "value",
];

/// Characters of a text that people are shown.
const SHOWN: usize = 60;

impl Show {
    pub(super) async fn run(self) -> Answer {
        let mut stop = Stop::listen()?;
        let of_reading = stop.clone();
        let opened = tokio::select! {
            code = stop.requested() => return Err(Failure::Stopped(code)),
            opened = self.open(of_reading) => opened?,
        };
        let mut table = Table::new(COLUMNS);
        let Some(mut reading) = opened else { return table.render(self.output.output) };
        let output = RecordOutput::new()?;
        let mut n_shown = 0;
        let mut is_all = true;
        'reading: while let Some(chunk) = reading.next(&output).await? {
            for record in chunk.records.iter().filter(|record| self.filter.takes(record)) {
                if n_shown == self.max {
                    is_all = false;
                    break 'reading;
                }
                n_shown += 1;
                table.row(row(&chunk.at, record, self.output.output));
            }
        }
        reading.close().await?;
        if !is_all {
            say::line(format_args!("there are more than these {n_shown}: --max shows more of them"));
        }
        table.render(self.output.output)
    }

    /// Nothing, if there is nothing to read.
    async fn open(&self, stop: Stop) -> Result<Option<Reading>, Failure> {
        let properties = self.cluster.configuration()?;
        let isolation = properties.consumer.isolation_level.unwrap_or_default();
        let admin = self.cluster.admin()?;
        let partitions = self.topic.resolve(&admin).await?;
        let mut spans = Span::of_all(&admin, &partitions, self.from, isolation).await?;
        spans.retain(|span| span.from < span.end);
        if spans.is_empty() {
            return Ok(None);
        }
        let at = spans.iter().map(|span| (span.at.clone(), OffsetSpec::Offset(span.from)));
        let consumer = KafkaConsumer::builder(&properties).partitions(at).tell_ends().open().await?;
        let ends = Ends::of_all(spans.into_iter().map(|span| (span.at, span.end)).collect());
        Ok(Some(Reading::new(consumer, Some(ends), self.cluster.timeout(), stop)))
    }
}

/// For people texts are cut to one line.
fn row(at: &TopicPartition, letter: &RawRecord, format: Format) -> [Value; 10] {
    let is_for_people = format == Format::Table;
    let bytes = |bytes: Option<&[u8]>| match bytes {
        Some(bytes) if is_for_people => json!(shown(bytes, SHOWN)),
        bytes => record_json::value(bytes),
    };
    let info = DeadLetterInfo::of(letter);
    let text = |text: Option<String>| match text {
        Some(text) if is_for_people => json!(shown(text.as_bytes(), SHOWN)),
        text => json!(text),
    };
    let timestamp = letter.timestamp().to_millis();
    [
        json!(at.partition),
        json!(letter.offset()),
        if is_for_people { json!(timestamp.map(at_time::readable)) } else { json!(timestamp) },
        text(info.original_topic),
        json!(info.original_partition),
        json!(info.original_offset),
        text(info.exception_class),
        text(info.exception_message),
        bytes(letter.key()),
        bytes(letter.payload()),
    ]
}

#[cfg(test)]
mod tests {
    use kafka_app::{Headers, OwnedRecord, Timestamp};

    use super::*;

    #[test]
    fn people_see_one_line_and_programs_all_of_it() {
        let mut headers = Headers::new();
        headers.push("kafka_dlt-original-topic", Some("orders".into()));
        headers.push("kafka_dlt-exception-message", Some("line 1\nline 2".into()));
        let letter = OwnedRecord {
            offset: 7,
            timestamp: Timestamp::CreateTime(2000),
            payload: Some(vec![0xff; 100]),
            headers,
            ..OwnedRecord::default()
        };
        let letter = letter.into();
        let at = TopicPartition::new("orders-dlt", 1);
        let people = row(&at, &letter, Format::Table);
        assert_eq!(people[..4], [json!(1), json!(7), json!("1970-01-01T00:00:02.000Z"), json!("orders")]);
        assert_eq!((&people[7], &people[8]), (&json!("line 1\\nline 2"), &Value::Null));
        assert!(people[9].as_str().is_some_and(|value| value.ends_with('…')));
        let programs = row(&at, &letter, Format::Json);
        assert_eq!((&programs[2], &programs[7]), (&json!(2000), &json!("line 1\nline 2")));
        assert!(programs[9]["base64"].is_string());
    }
}

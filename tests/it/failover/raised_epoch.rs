//! What librdkafka's idempotent producer does where several batches are under way and one is refused: its issue 4953, which
//! `docs/librdkafka.md` tells users of. These fail once it is mended, and then [`super::templates`] can be as strict as
//! [`super::acknowledged`].

use std::{
    sync::{Arc, Condvar, Mutex, PoisonError},
    time::Duration,
};

use anyhow::{Context, Result, bail, ensure};
use embedded_broker::{Api, EmbeddedBroker, ErrorCode, FaultBuilder, Outcome};
use kafka_app::{ErrorKind, KafkaApp, ProducerRecord};
use kafka_app_tests::{PATIENCE, TestBroker};
use rdkafka::{
    ClientContext,
    config::RDKafkaLogLevel,
    message::{DeliveryResult, Message},
    producer::{BaseRecord, Producer, ProducerContext, ThreadedProducer},
};

/// What it says when it has raised its epoch.
const RAISED: &[&str] = &["bumped epoch to"];

/// What the client says of itself.
#[derive(Clone, Default)]
struct Heard(Arc<(Mutex<Vec<String>>, Condvar)>);

impl Heard {
    fn say(&self, line: String) {
        self.0.0.lock().unwrap_or_else(PoisonError::into_inner).push(line);
        self.0.1.notify_all();
    }

    fn has(&self, texts: &[&str]) -> bool {
        let lines = self.0.0.lock().unwrap_or_else(PoisonError::into_inner);
        lines.iter().any(|line| texts.iter().all(|text| line.contains(text)))
    }

    /// Waits until it has said one of these, all the words of it in one line; whether it has.
    fn waits_for(&self, wanted: &[&[&str]]) -> bool {
        let lines = self.0.0.lock().unwrap_or_else(PoisonError::into_inner);
        let is_one = |line: &String| wanted.iter().any(|texts| texts.iter().all(|text| line.contains(text)));
        let is_missing = |lines: &mut Vec<String>| !lines.iter().any(is_one);
        let waited = self.0.1.wait_timeout_while(lines, PATIENCE, is_missing);
        !waited.unwrap_or_else(PoisonError::into_inner).1.timed_out()
    }
}

impl ClientContext for Heard {
    fn log(&self, _: RDKafkaLogLevel, facility: &str, line: &str) {
        self.say(format!("{facility}: {line}"));
    }
}

impl ProducerContext for Heard {
    type DeliveryOpaque = ();

    fn delivery(&self, result: &DeliveryResult<'_>, (): ()) {
        let text = match result {
            Ok(message) => format!("{} at {}", text_of(message), message.offset()),
            Err((error, message)) => format!("{} failed: {error}", text_of(message)),
        };
        self.say(text);
    }
}

fn text_of(message: &impl Message) -> String {
    String::from_utf8_lossy(message.payload().unwrap_or_default()).into_owned()
}

struct Sender {
    producer: ThreadedProducer<Heard>,
    heard: Heard,
    topic: String,
}

impl Sender {
    fn new(broker: &TestBroker, topic: String) -> Result<Self> {
        let heard = Heard::default();
        let mut config = broker.config();
        config.set("enable.idempotence", "true").set("batch.num.messages", "1").set("linger.ms", "0");
        config
            .set("retry.backoff.ms", "10")
            .set("retry.backoff.max.ms", "20")
            .set("debug", "eos,msg")
            .set_log_level(RDKafkaLogLevel::Debug);
        Ok(Self { producer: config.create_with_context(heard.clone())?, heard, topic })
    }

    fn send(&self, partition: i32, text: &str) -> Result<()> {
        let record = BaseRecord::<(), str>::to(&self.topic).partition(partition).payload(text);
        self.producer.send(record).map_err(|(error, _)| error.into())
    }
}

fn texts(broker: &EmbeddedBroker, topic: &str, partition: i32) -> Result<Vec<String>> {
    let records = broker.topic(topic).records()?.into_iter().filter(|record| record.partition == partition);
    Ok(records.map(|record| record.value_str().unwrap_or_default().to_owned()).collect())
}

/// Whatever makes it raise the epoch, the epoch is that of all partitions; and what it sends again, it sends with the new one,
/// by which no broker knows it again. Java's producer sends it again as it was.
#[tokio::test(flavor = "multi_thread")]
async fn what_librdkafka_sends_again_after_another_partition_has_made_it_raise_its_epoch_is_there_twice() -> Result<()>
{
    let plain = TestBroker::embedded(&[])?;
    let broker = plain.as_embedded().context("it is one")?;
    let sender = Sender::new(&plain, plain.topic("numbers", 2).await?)?;
    let (topic, heard) = (&sender.topic, &sender.heard);
    let faults = |partition| broker.fault().on(Api::Produce).topic(topic).partition(partition);

    // This is appended, and its acknowledgement gets lost. When it comes again, there are too few replicas for a while.
    let lost = faults(1).times(1).disconnect_after();
    let too_few = faults(1).error(ErrorCode::NotEnoughReplicas);
    sender.send(1, "twice")?;
    ensure!(heard.waits_for(&[&["MSGSET", "[1]", "in-sync replicas"]]), "it does not come again");
    assert_eq!((texts(broker, topic, 1)?, lost.times_happened()), (vec!["twice".to_owned()], 1));

    sender.send(0, "0")?; // From now on the partition knows what comes next.
    ensure!(heard.waits_for(&[&["0 at 0"]]), "it is not acknowledged");
    let mut sent = vec!["0".to_owned()];
    while !heard.has(RAISED) {
        sent.extend(send_one_that_is_refused_and_one_behind_it(&sender, faults(0), 0, sent.len())?);
    }
    drop(too_few);
    sender.producer.flush(PATIENCE)?;

    assert_eq!(texts(broker, topic, 0)?, sent);
    assert_eq!(texts(broker, topic, 1)?, ["twice", "twice"]);
    ensure!(heard.waits_for(&[&["twice at 1"]]), "it is acknowledged where it lies last");
    Ok(())
}

/// A partition that has not heard of a producer takes any batch of it for the first, as Kafka's does. By the second, librdkafka
/// takes the first for written as well (`rd_kafka_dr_implicit_ack`).
#[tokio::test(flavor = "multi_thread")]
async fn the_first_that_librdkafka_sends_to_a_partition_is_lost_if_it_is_refused_while_the_second_is_under_way()
-> Result<()> {
    let plain = TestBroker::embedded(&[])?;
    let broker = plain.as_embedded().context("it is one")?;
    let sender = Sender::new(&plain, plain.topic("numbers", 20).await?)?;
    for partition in 0..20 {
        let fault = broker.fault().on(Api::Produce).topic(&sender.topic).partition(partition);
        let sent = send_one_that_is_refused_and_one_behind_it(&sender, fault, partition, 0)?;
        sender.producer.flush(PATIENCE)?;
        if texts(broker, &sender.topic, partition)? == sent {
            continue; // The second was held back, and both came again.
        }
        assert_eq!(texts(broker, &sender.topic, partition)?, sent[1..]);
        ensure!(sender.heard.waits_for(&[&["0 at -1001"]]), "it was told of as written, somewhere");
        return Ok(());
    }
    bail!("the second was never under way with the first")
}

/// As before, through a template: what is acknowledged is there, and what is only taken for written is not acknowledged.
#[tokio::test(flavor = "multi_thread")]
async fn what_librdkafka_takes_for_written_and_has_no_offset_of_is_a_failed_send() -> Result<()> {
    const ATTEMPTS: i32 = 20;
    let plain = TestBroker::embedded(&[])?;
    let broker = plain.as_embedded().context("it is one")?;
    let topic = plain.topic("numbers", ATTEMPTS).await?;
    // The second is under way long before the first is answered.
    let _late = broker.network().answers_only().latency(Duration::from_millis(40));
    for partition in 0..ATTEMPTS {
        // Each with a producer of its own: one that has the first sent again after the second stops for good.
        let app = KafkaApp::new(plain.bootstrap_servers()).set("kafka.producer.properties.batch.num.messages", "1");
        let app = app.set("kafka.producer.properties.linger.ms", "0").start().await?;
        let faults = broker.fault().on(Api::Produce).topic(&topic).partition(partition);
        let _refused = faults.times(1).error(ErrorCode::NotEnoughReplicas);
        let template = app.template::<String, String>();
        let to = |text: &str| ProducerRecord::to(topic.as_str()).partition(partition).payload(text.to_owned());
        let (first, second) = tokio::join!(template.send_record(to("first")), template.send_record(to("second")));
        let there = texts(broker, &topic, partition)?;
        for (text, sent) in [("first", &first), ("second", &second)] {
            let is_there = there.iter().any(|one| one == text);
            ensure!(sent.is_err() || is_there, "{text} of {partition}: {sent:?}, and there are {there:?}");
        }
        let _ = app.stop().await; // Of a producer that has stopped for good it tells so again.
        if let Err(error) = first
            && error.to_string().contains("takes it for written")
        {
            assert_eq!((error.kind(), there), (ErrorKind::Unavailable, vec!["second".to_owned()]), "{error}");
            return Ok(());
        }
    }
    bail!("the second was never under way with the first")
}

/// The first is refused when the second is under way, which then comes out of order: unless it was held back in the last moment.
fn send_one_that_is_refused_and_one_behind_it(
    sender: &Sender,
    fault: FaultBuilder<'_>,
    partition: i32,
    n_sent: usize,
) -> Result<[String; 2]> {
    let texts = [n_sent, n_sent + 1].map(|n| n.to_string());
    let (heard, at) = (sender.heard.clone(), format!("[{partition}]: Produce MessageSet"));
    let sequence = format!("BaseSeq {},", n_sent + 1);
    let _refused = fault.times(1).intercept(move |_| {
        heard.waits_for(&[&[&at, &sequence]]);
        Outcome::Error(ErrorCode::NotEnoughReplicas)
    });
    texts.iter().try_for_each(|text| sender.send(partition, text))?;
    let is_there = format!("{} at", texts[1]);
    ensure!(sender.heard.waits_for(&[RAISED, &[&is_there]]), "nothing becomes of what was sent");
    Ok(texts)
}

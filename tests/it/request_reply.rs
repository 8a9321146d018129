//! Request and reply: each requester gets its own answers, whatever becomes of the others; headers are Spring's.

use std::time::Duration;

use anyhow::Result;
use kafka_app::{
    Delivery, ErrorKind, KafkaApp, KafkaTemplate, Listener, ProducerRecord, Release, Replies, RequestError, RunningApp,
    Template, Text, handler_fn, kafka_listener, listeners,
};
use kafka_app_tests::{PATIENCE, Record, TestBroker, record};
use tokio::task::JoinSet;

#[kafka_listener(id = "shout", topic = "${in}", group = "${group}", reply)]
async fn shout(Text(word): Text) -> String {
    word.to_uppercase()
}

/// A topic of requests with two partitions, one of replies with three, and who answers.
struct Setup {
    broker: TestBroker,
    requests: String,
    replies: String,
    group: String,
}

impl Setup {
    async fn new() -> Result<Self> {
        let broker = TestBroker::start()?;
        let (requests, replies) = (broker.topic("requests", 2).await?, broker.topic("replies", 3).await?);
        let group = broker.name("responders");
        Ok(Self { broker, requests, replies, group })
    }

    fn app(&self) -> KafkaApp {
        KafkaApp::new(self.broker.bootstrap_servers()).set("in", &self.requests).set("group", &self.group)
    }

    async fn responder(&self) -> Result<RunningApp> {
        Ok(self.app().listeners(listeners![shout]).start().await?)
    }

    async fn requester(&self) -> Result<RunningApp> {
        Ok(self.app().set("kafka.template.reply-topic", &self.replies).start().await?)
    }
}

async fn ask(template: &KafkaTemplate<String, str>, topic: &str, word: &str) -> Result<String, RequestError> {
    template.request(topic, word, word, PATIENCE).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_is_answered_and_both_records_carry_springs_headers() -> Result<()> {
    let setup = Setup::new().await?;
    let (requester, responder) = (setup.requester().await?, setup.responder().await?);
    let template = requester.template::<String, str>();
    assert_eq!(ask(&template, &setup.requests, "tea").await?, "TEA");

    let request = setup.broker.records(&setup.requests, 1).await?.remove(0);
    assert_eq!(request.header("kafka_replyTopic"), Some(setup.replies.as_bytes()));
    assert_eq!(request.header("kafka_replyPartition"), None, "the responder's partitioner chooses");
    let id = request.header("kafka_correlationId").unwrap_or_default();
    assert_eq!((id.len(), id[6] >> 4), (16, 4), "a random UUID");
    let reply = setup.broker.records(&setup.replies, 1).await?.remove(0);
    assert_eq!(reply.headers, [("kafka_correlationId".to_owned(), id.to_vec())]);
    assert_eq!((reply.key.as_deref(), reply.text().as_str()), (Some("tea"), "TEA"));
    responder.stop().await.expect_clean();
    requester.stop().await.expect_clean();
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn two_requesters_share_a_topic_of_replies() -> Result<()> {
    let setup = Setup::new().await?;
    let responder = setup.responder().await?;
    // Of before: nobody reads them.
    setup.broker.produce(&setup.replies, (0..50).map(|n| record(n.to_string(), "old"))).await?;
    let apps = [setup.requester().await?, setup.requester().await?];
    let mut asking = JoinSet::new();
    for (who, app) in apps.iter().enumerate() {
        for n in 0..200 {
            let (template, topic) = (app.template::<String, str>(), setup.requests.clone());
            asking.spawn(async move {
                let word = format!("w{who}-{n}");
                ask(&template, &topic, &word).await.map(|answer| (word.to_uppercase(), answer))
            });
        }
    }
    while let Some(asked) = asking.join_next().await {
        let (expected, answer) = asked??;
        assert_eq!(answer, expected);
    }
    let [one, other] = apps.each_ref().map(|app| app.template::<(), ()>().reply_counts());
    assert_eq!((one.received, other.received), (200, 200));
    assert_eq!((one.uncorrelated, other.uncorrelated), (0, 0), "what was there before is not read");
    for app in apps {
        app.stop().await.expect_clean();
    }
    responder.stop().await.expect_clean();
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_asked_while_nobody_listens_is_answered_later() -> Result<()> {
    let setup = Setup::new().await?;
    let requester = setup.requester().await?;
    let template = requester.template::<String, str>();
    for round in 0..2 {
        let words = [format!("a{round}"), format!("b{round}"), format!("c{round}")];
        let mut asking = JoinSet::new();
        for word in words {
            let (template, topic) = (template.clone(), setup.requests.clone());
            asking.spawn(async move { ask(&template, &topic, &word).await });
        }
        setup.broker.records(&setup.requests, (round + 1) * 3).await?;
        let responder = setup.responder().await?;
        while let Some(asked) = asking.join_next().await {
            asked??;
        }
        responder.stop().await.expect_clean();
    }
    requester.stop().await.expect_clean();
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn replies_to_requesters_that_are_gone_do_no_harm() -> Result<()> {
    let setup = Setup::new().await?;
    let gone = setup.requester().await?;
    let template = gone.template::<String, str>();
    let asked = async { tokio::join!(ask(&template, &setup.requests, "a"), ask(&template, &setup.requests, "b")) };
    let stop = async {
        setup.broker.records(&setup.requests, 2).await?;
        anyhow::Ok(gone.stop().await)
    };
    let ((a, b), report) = tokio::join!(asked, stop);
    report?.expect_clean();
    assert!([a, b].iter().all(|end| matches!(end, Err(error) if error.kind() == ErrorKind::Stopped)));
    let late = ask(&template, &setup.requests, "c").await;
    assert!(matches!(late, Err(error) if error.kind() == ErrorKind::Stopped));
    // Somebody who asked for a partition that does not exist, and somebody who asked for nothing.
    let nowhere = Record {
        headers: vec![
            ("kafka_replyTopic".to_owned(), setup.replies.clone().into_bytes()),
            ("kafka_replyPartition".to_owned(), 99_i32.to_be_bytes().to_vec()),
        ],
        ..record("x", "nowhere")
    };
    let no_topic = Record {
        headers: vec![("kafka_replyTopic".to_owned(), b"no topic at all".to_vec())],
        ..record("x", "no-topic")
    };
    setup.broker.produce(&setup.requests, [nowhere, no_topic, record("x", "nothing")]).await?;

    let responder = setup.responder().await?;
    let requester = setup.requester().await?;
    let template = requester.template::<String, str>();
    // With the key of those two, so that it is behind them.
    let answer: String = template.request(&setup.requests, "x", "tea", PATIENCE).await?;
    assert_eq!(answer, "TEA");
    let texts: Vec<_> = setup.broker.records(&setup.replies, 3).await?.iter().map(Record::text).collect();
    assert!(["A", "B", "TEA"].iter().all(|text| texts.contains(&(*text).to_owned())), "{texts:?}");
    responder.stop().await.expect_clean();
    requester.stop().await.expect_clean();
    let committed = setup.broker.committed(&setup.group, &setup.requests)?;
    assert_eq!(committed.values().sum::<i64>(), 6, "all that was asked is handled: {committed:?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_without_an_answer_ends_in_time_and_its_late_reply_is_dropped() -> Result<()> {
    let setup = Setup::new().await?;
    let requester = setup.requester().await?;
    let template = requester.template::<String, str>();
    let timeout = Duration::from_secs(2);
    let error = template.request::<String, str>(&setup.requests, "k", "b", timeout).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout, "{error}");
    let RequestError::Timeout(what) = error else { anyhow::bail!("{error}") };
    assert_eq!((&*what.topic, what.n_replies), (&*setup.requests, 0));
    assert!(what.waited >= timeout, "{what}");
    let sent = setup.broker.records(&setup.requests, 1).await?;
    assert!(sent.iter().any(|r| r.header("kafka_correlationId") == Some(&what.correlation_id.as_bytes()[..])));

    let responder = setup.responder().await?;
    // With the same key, so that its reply is behind the late one.
    let answer: String = template.request(&setup.requests, "k", "c", PATIENCE).await?;
    assert_eq!(answer, "C");
    let counts = template.reply_counts();
    assert_eq!((counts.received, counts.unexpected, counts.uncorrelated), (1, 1, 0));
    responder.stop().await.expect_clean();
    requester.stop().await.expect_clean();
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn several_listeners_answer_one_request() -> Result<()> {
    let setup = Setup::new().await?;
    let warehouse = |name: &'static str| {
        let count = handler_fn(move |Text(article): Text| async move { format!("{name}: {article}") });
        Listener::record(name, count).topics([&setup.requests]).group(setup.broker.name(name)).reply()
    };
    let at_most_once = warehouse("south").delivery(Delivery::AtMostOnce);
    let app = setup
        .app()
        .set("kafka.template.reply-topic", &setup.replies)
        .listeners([warehouse("north"), at_most_once])
        .start()
        .await?;
    app.ready().await?;
    let template = app.template::<(), str>();
    let Replies { mut replies, is_complete, .. } =
        template.request_many::<String, ()>(&setup.requests, &(), "tea", &Release::count(2), PATIENCE).await?;
    replies.sort();
    assert_eq!((replies, is_complete), (vec!["north: tea".to_owned(), "south: tea".to_owned()], true));

    let some = Release::count(3).or_what_there_is();
    let partial: Replies<String> =
        template.request_many(&setup.requests, &(), "tea", &some, Duration::from_secs(5)).await?;
    assert_eq!((partial.replies.len(), partial.is_complete), (2, false));

    let from_north = Release::when(|replies| {
        replies.iter().any(|reply| reply.record().payload().is_some_and(|payload| payload.starts_with(b"north")))
    });
    let north: Replies<String> = template.request_many(&setup.requests, &(), "tea", &from_north, PATIENCE).await?;
    assert_eq!(north.replies.last().map(String::as_str), Some("north: tea"));
    app.stop().await.expect_clean();
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_listener_answers_exactly_once() -> Result<()> {
    let setup = Setup::new().await?;
    let echo = handler_fn(|Text(word): Text| async move { format!("{word}!") });
    let listener = Listener::record("echo", echo).topics([&setup.requests]).group(&*setup.group).reply();
    let responder = setup.app().listeners([listener.delivery(Delivery::ExactlyOnce)]).start().await?;
    let nowhere = Record {
        headers: vec![
            ("kafka_replyTopic".to_owned(), setup.replies.clone().into_bytes()),
            ("kafka_replyPartition".to_owned(), 99_i32.to_be_bytes().to_vec()),
        ],
        ..record("k", "nowhere")
    };
    setup.broker.produce(&setup.requests, [nowhere]).await?;
    let requester = setup.requester().await?;
    let template = requester.template::<String, str>();
    for word in ["a", "b", "c"] {
        let answer: String = template.request(&setup.requests, "k", word, PATIENCE).await?;
        assert_eq!(answer, format!("{word}!"));
    }
    responder.stop().await.expect_clean();
    requester.stop().await.expect_clean();
    let counts = template.reply_counts();
    assert_eq!((counts.received, counts.unexpected), (3, 0));
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plain_client_answers_as_spring_does() -> Result<()> {
    let setup = Setup::new().await?;
    let requester =
        setup.app().set("kafka.template.reply-topic", &setup.replies).set("kafka.template.reply-partition", "1");
    let requester = requester.start().await?;
    let template = requester.template::<String, str>();
    let record =
        ProducerRecord::to(&*setup.requests).key("k".to_owned()).payload("tea".to_owned()).header("trace", "t");
    let asked = template.typed::<String, String>();
    let asked = asked.request_record(record, PATIENCE);
    let answer = async {
        let request = setup.broker.records(&setup.requests, 1).await?.remove(0);
        assert_eq!(request.header("kafka_replyPartition"), Some(&[0, 0, 0, 1][..]));
        assert_eq!(request.header("trace"), Some(&b"t"[..]));
        let id = request.header("kafka_correlationId").unwrap_or_default().to_vec();
        let reply = Record {
            partition: Some(1),
            headers: vec![("kafka_correlationId".to_owned(), id), ("from".to_owned(), b"spring".to_vec())],
            ..record_of("TEA")
        };
        setup.broker.produce(&setup.replies, [record_of("noise"), reply]).await
    };
    let (reply, answered) = tokio::join!(asked, answer);
    answered?;
    let reply = reply?;
    assert_eq!((reply.metadata().partition, reply.decode::<String>()?), (1, "TEA".to_owned()));
    let mut from = None;
    reply.record().for_each_header(|name, value| {
        if name == "from" {
            from = value.map(<[u8]>::to_vec);
        }
    });
    assert_eq!(from.as_deref(), Some(&b"spring"[..]));
    requester.stop().await.expect_clean();
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn replies_in_a_partition_that_their_topic_got_later_are_read_after_the_first_that_is_missed() -> Result<()> {
    let setup = Setup::new().await?;
    let requester = setup.requester().await?;
    let template = requester.template::<String, str>();
    let asks = |within| template.request::<String, str>(&setup.requests, "k", "tea", within);
    // Answers the last of so many requests in this partition, as somebody does who knows the topic as it is.
    let answers = async |n_asked: usize, partition: i32| {
        let request = setup.broker.records(&setup.requests, n_asked).await?.remove(n_asked - 1);
        let id = request.header("kafka_correlationId").unwrap_or_default().to_vec();
        let headers = vec![("kafka_correlationId".to_owned(), id)];
        setup.broker.produce(&setup.replies, [Record { partition: Some(partition), headers, ..record_of("TEA") }]).await
    };
    let (reply, answered) = tokio::join!(asks(PATIENCE), answers(1, 0));
    answered?;
    assert_eq!(reply?, "TEA");
    for (_, grown) in requester.admin()?.create_partitions([(&setup.replies, 4)]).await? {
        grown?;
    }
    let (missed, answered) = tokio::join!(asks(Duration::from_secs(3)), answers(2, 3));
    answered?;
    assert!(matches!(missed, Err(RequestError::Timeout(_))), "nobody reads there: {missed:?}");
    let (reply, answered) = tokio::join!(asks(PATIENCE), answers(3, 3));
    answered?;
    assert_eq!(reply?, "TEA");
    let counts = template.reply_counts();
    assert_eq!((counts.received, counts.unexpected), (2, 1), "the second came late");
    requester.stop().await.expect_clean();
    Ok(())
}

fn record_of(text: &str) -> Record {
    Record { partition: Some(0), ..record("k", text) }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plain_client_asks_as_spring_does() -> Result<()> {
    let setup = Setup::new().await?;
    let responder = setup.responder().await?;
    let request = Record {
        headers: vec![
            ("kafka_replyTopic".to_owned(), setup.replies.clone().into_bytes()),
            ("kafka_correlationId".to_owned(), b"any bytes".to_vec()),
            ("kafka_replyPartition".to_owned(), vec![0, 0, 0, 2]),
        ],
        ..record("k", "tea")
    };
    setup.broker.produce(&setup.requests, [request]).await?;
    let reply = setup.broker.records(&setup.replies, 1).await?.remove(0);
    assert_eq!((reply.partition, reply.text().as_str(), reply.key.as_deref()), (Some(2), "TEA", Some("k")));
    assert_eq!(reply.headers, [("kafka_correlationId".to_owned(), b"any bytes".to_vec())]);
    responder.stop().await.expect_clean();
    Ok(())
}

#[kafka_listener(id = "relay", topic = "${relayed}", group = "${group}", reply)]
async fn relay(Text(word): Text, template: Template<(), str>) -> Result<String, String> {
    let topic = word.split_once(' ').map_or("nowhere", |(topic, _)| topic);
    template.request(topic, &(), &word, PATIENCE).await.map_err(|error| error.to_string())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_handler_asks_before_it_answers() -> Result<()> {
    let setup = Setup::new().await?;
    let relayed = setup.broker.topic("relayed", 1).await?;
    let app = setup.app().set("relayed", &relayed).set("kafka.template.reply-topic", &setup.replies);
    let app = app.listeners(listeners![shout, relay]).start().await?;
    let word = format!("{} tea", setup.requests);
    let answer: String = app.template::<(), str>().request(&relayed, &(), &word, PATIENCE).await?;
    assert_eq!(answer, word.to_uppercase());
    app.stop().await.expect_clean();
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn who_cannot_ask_is_told_why() -> Result<()> {
    let setup = Setup::new().await?;
    let without = setup.app().start().await?;
    let error = ask(&without.template(), &setup.requests, "a").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Config);
    assert!(error.to_string().contains("kafka.template.reply-topic"), "{error}");
    without.stop().await.expect_clean();

    let app = setup.app().set("kafka.template.reply-topic", &setup.replies).set("kafka.template.reply-partition", "3");
    let app = app.start().await?;
    let error = ask(&app.template(), &setup.requests, "a").await.unwrap_err().to_string();
    assert!(error.contains("3 partitions, and no 3 (`kafka.template.reply-partition`)"), "{error}");
    app.stop().await.expect_clean();
    Ok(())
}

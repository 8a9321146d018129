//! What an application that cannot work is refused with, and what one that can is going to do: nothing connects.

use serde::{Deserialize, Serialize};

use crate::{
    DeadLetter, Delivery, Json, KafkaApp, Listener, NewTopic, Outgoing, State, Template, Text,
    config::{RetryTopicNames, RetryTopicSettings},
    handler_fn,
};

#[derive(Serialize, Deserialize)]
struct Order;

#[derive(Serialize, Deserialize)]
struct Invoice;

fn app(listeners: impl IntoIterator<Item = Listener>) -> KafkaApp {
    KafkaApp::new("localhost:1").set("kafka.consumer.group-id", "shop").listeners(listeners)
}

/// The mistakes that it does not start for, one a line.
fn mistakes(app: &KafkaApp) -> Vec<String> {
    let told = app.topology().map(|topology| topology.to_string()).expect_err("it cannot work").to_string();
    told.lines().skip(1).map(|line| line.trim_start_matches("  - code: listener ").to_owned()).collect()
}

#[track_caller]
fn one_mistake(listeners: impl IntoIterator<Item = Listener>, expected: &str) {
    let told = mistakes(&app(listeners));
    let [only] = told.as_slice() else { panic!("one mistake: {told:#?}") };
    assert!(only.starts_with(expected), "{expected}\nin: {only}");
}

fn takes_orders(id: &str) -> Listener {
    Listener::record(id, handler_fn(|_: Json<Order>| async {})).topics(["orders"])
}

fn takes_text(id: &str) -> Listener {
    Listener::record(id, handler_fn(|_: Text| async {})).topics(["orders"])
}

fn bills(id: &str) -> Listener {
    Listener::record(id, handler_fn(|_: Json<Order>| async { Json(Invoice) })).topics(["orders"]).send_to("invoices")
}

fn echoes(id: &str) -> Listener {
    Listener::record(id, handler_fn(|Text(text): Text| async { text })).topics(["words"])
}

fn retried(listener: Listener) -> Listener {
    listener.retry_topics(RetryTopicSettings::default())
}

#[test]
fn two_payload_types_on_one_topic_are_no_start_unless_it_is_said() {
    let listeners =
        || [takes_orders("bill"), Listener::record("pay", handler_fn(|_: Json<Invoice>| async {})).topics(["orders"])];
    one_mistake(
        listeners(),
        "`pay`: reads topic `orders` as Json<Invoice>, but listener `bill` reads it as Json<Order>: use one type",
    );
    let allowed = app(listeners()).set("kafka.listener.mixed-payloads-fatal", "false").topology();
    assert_eq!(allowed.expect("both are there").topics(), ["orders"]);
}

#[test]
fn what_is_sent_to_a_topic_agrees_with_those_who_read_it_and_send_to_it() {
    let pay = || Listener::record("pay", handler_fn(|_: Json<Order>| async {})).topics(["invoices"]);
    one_mistake(
        [bills("bill"), pay()],
        "`bill`: sends to topic `invoices` as Json<Invoice>, but listener `pay` reads it as Json<Order>",
    );
    let copy = Listener::record("copy", handler_fn(|order: Json<Order>| async { Ok::<_, String>(vec![order]) }));
    one_mistake(
        [bills("bill"), copy.topics(["copies"]).send_to("invoices")],
        "`copy`: sends to topic `invoices` as Json<Order>, but listener `bill` sends to it as Json<Invoice>",
    );
    let right = [bills("bill"), pay().topics(["copies"]), echoes("echo").send_to("invoices")];
    app(right).topology().expect("text may hold anything");
}

#[test]
fn a_listener_that_sends_to_what_it_reads_is_no_start() {
    one_mistake([echoes("echo").send_to("words")], "`echo`: what it sends comes back to it: `echo` → words");
}

#[test]
fn a_pattern_that_takes_in_what_its_listener_sends_or_gives_up_is_no_start() {
    let by_pattern =
        || Listener::record("all", handler_fn(|Text(text): Text| async { text })).topic_pattern("orders.*");
    one_mistake([by_pattern().send_to("orders-out")], "`all`: what it sends comes back to it: `all` → orders-out");
    one_mistake(
        [by_pattern().send_to("out").dead_letter(DeadLetter::Topic("orders-dead".to_owned()))],
        "`all`: gives up to `orders-dead`, which its pattern `^orders.*$` takes in: its dead letters would go in a circle",
    );
    let apart = by_pattern().send_to("all-orders").dead_letter(DeadLetter::Topic("dead-orders".to_owned()));
    app([apart]).topology().expect("names that the pattern does not fit");
    let left_out = by_pattern().send_to("orders-out").property("topic.blacklist", "^x,-out$");
    app([left_out]).topology().expect("the client does not see the topic");
    let unreadable = by_pattern().topic_pattern("orders[[:nothing:]].*").send_to("orders-out");
    app([unreadable]).topology().expect("what cannot be read here is no mistake");
}

#[test]
fn a_pattern_takes_in_the_topics_that_others_name() {
    let by_pattern = Listener::record("all", handler_fn(|_: Json<Invoice>| async {})).topic_pattern("or.*");
    one_mistake(
        [by_pattern, takes_orders("bill")],
        "`bill`: reads topic `orders` as Json<Order>, but listener `all` reads it as Json<Invoice>",
    );
    let spy = || Listener::record("spy", handler_fn(|_: Text| async {})).topic_pattern("orders-r.*");
    one_mistake(
        [retried(takes_orders("bill")), spy()],
        "`spy`: reads `orders-retry`, a retry topic of listener `bill`, which alone uses it: leave it out of the pattern",
    );
    let far = spy().cluster("audit");
    let apart = app([retried(takes_orders("bill")), far]).set("kafka.clusters.audit.bootstrap-servers", "localhost:1");
    apart.topology().expect("another cluster has other topics");
}

#[test]
fn retry_topics_of_two_listeners_on_one_topic_are_no_start() {
    one_mistake(
        [retried(takes_orders("bill")), retried(takes_orders("ship"))],
        "`ship`: its retry topic `orders-retry` is one of listener `bill` too",
    );
}

#[test]
fn what_is_returned_has_a_place_to_go_to() {
    let text = "`echo`: returns `alloc::string::String`, and nothing says where it goes: say send-to or reply";
    one_mistake([echoes("echo")], text);
    for listener in [echoes("echo").send_to("out"), echoes("echo").reply()] {
        app([listener]).topology().expect("a place");
    }
    let chooses = Listener::record("route", handler_fn(|| async { vec![Outgoing::new("a").topic("b")] })).topics(["a"]);
    app([chooses]).topology().expect("the records name their topics");
    one_mistake(
        [takes_text("print").send_to("out")],
        "`print`: send-to: the handler returns nothing: there is nothing to send",
    );
    let by_configuration = app([takes_text("print")]).set("kafka.listeners.print.send-to", "out");
    let told = mistakes(&by_configuration).concat();
    assert!(told.contains("kafka.listeners.print.send-to: the handler returns nothing"), "{told}");
}

#[cfg(feature = "json-schema")]
#[test]
fn what_is_returned_with_a_schema_needs_a_registry() {
    #[derive(Serialize, schemars::JsonSchema)]
    struct Receipt;
    let receipts =
        Listener::record("receipts", handler_fn(|| async { Some(crate::Valid(crate::JsonSchema(Receipt))) }));
    one_mistake(
        [receipts.topics(["orders"]).send_to("receipts")],
        "`receipts`: returns `kafka_app::convert::json_schema::JsonSchema<kafka_app::app::plan_tests::",
    );
}

#[test]
fn two_listeners_whose_producers_would_fence_each_other_are_no_start() {
    let once = |id, group| takes_text(id).group(group).delivery(Delivery::ExactlyOnce);
    one_mistake(
        [once("c", "a-b"), once("b-c", "a")],
        "`b-c`: its \"transactional.id\" would begin with `a-b-c-` (its group and its id), as that of listener `c`",
    );
    app([once("c", "a-b"), once("d", "a-b")]).topology().expect("two listeners of a group");
    let listeners = [once("c", "a-b"), once("b-c", "a").delivery(Delivery::AtLeastOnce)];
    app(listeners).topology().expect("one of them has no transactions");
}

#[test]
fn a_handler_of_dead_letters_has_those_of_one_listener() {
    let suffixed = |id: &str, suffix: &str| {
        let settings = RetryTopicSettings { suffix: Some(suffix.to_owned()), ..RetryTopicSettings::default() };
        takes_text(id).retry_topics(settings)
    };
    let letters = || Listener::record("letters", handler_fn(|_: Text| async {})).dead_letters_of("bill");
    one_mistake(
        [suffixed("bill", "-bill"), suffixed("ship", "-ship"), letters()],
        "`letters`: handles the dead letters of `bill`, and `orders-dlt` has those of listener `ship` too",
    );
    app([suffixed("bill", "-bill"), suffixed("ship", "-ship")]).topology().expect("nobody says whose they are");
    let parked = |id: &str| takes_text(id).dead_letter(DeadLetter::Topic("parked".to_owned()));
    app([parked("bill"), parked("ship"), letters()]).topology().expect("a topic that both name");
}

/// One of each kind.
fn all_kinds() -> KafkaApp {
    let nowhere = Listener::record("nowhere", handler_fn(|_: State<u64>, _: Text| async {}));
    app([
        takes_orders("bill"),
        takes_orders("bill").topics(["others"]),
        Listener::record("pay", handler_fn(|_: Json<Invoice>| async {})).topics(["orders"]),
        echoes("echo").send_to("words"),
        retried(takes_text("one").topics(["tries"])),
        retried(takes_text("two").topics(["tries"])),
        nowhere.topics(["no topic"]).cluster("audits"),
        echoes("lost"),
    ])
    .set("kafka.listeners.bil.concurrency", "2")
    .set("kafka.listener.concurency", "2")
    .topics([NewTopic::new("made").on_cluster("audits")])
}

#[test]
fn all_mistakes_of_all_kinds_are_told_at_once() {
    let told = mistakes(&all_kinds()).join("\n");
    for text in [
        "`bill`: is declared twice",
        "`pay`: reads topic `orders` as Json<Invoice>",
        "`echo`: what it sends comes back to it",
        "`two`: its retry topic `tries-retry` is one of listener `one` too",
        "`nowhere`: takes `State<u64>`, but the application has no such state",
        "`nowhere`: topics: `no topic` cannot be a topic",
        "`nowhere`: cluster: there is no cluster `audits`",
        "`lost`: returns `alloc::string::String`, and nothing says where it goes",
        "kafka.listeners.bil: no listener has this id; did you mean `bill`?",
        "kafka.listener.concurency: ",
        "topic `made`: there is no cluster `audits`",
    ] {
        assert!(told.contains(text), "{text}\nin: {told}");
    }
}

#[tokio::test]
async fn a_start_tells_what_the_topology_tells() {
    let told = |error: crate::Error| error.to_string();
    let of_topology = all_kinds().topology().map(|topology| topology.to_string()).map_err(told);
    let of_start = all_kinds().start().await.map(|_| String::new()).map_err(told);
    assert_eq!(of_start, of_topology);
}

/// A listener with each way out.
fn every_way() -> KafkaApp {
    let grows = RetryTopicSettings {
        attempts: Some(3),
        multiplier: Some(2.0),
        topics: Some(RetryTopicNames::PerDelay),
        ..RetryTopicSettings::default()
    };
    let quote = Listener::record("quote", handler_fn(|_: Text, _: Template<str, str>| async { Json(Invoice) }));
    let all = Listener::record("all", handler_fn(|_: Text| async {})).topic_pattern("inv.*").group("audit");
    app([bills("bill").retry_topics(grows), quote.topics(["prices"]).reply(), all])
}

#[test]
fn a_topology_has_every_way_out_in_its_text() {
    let expected = "\
all (group audit, at-least-once)
  reads   topics like ^inv.*$ as Text
bill (group shop, at-least-once)
  reads   orders as Json<Order>
  sends   invoices as Json<Invoice>
  retries from orders-retry-1000
  gives up to orders-dlt
bill-retry-1000 (group shop-retry-1000, at-least-once)
  reads   orders-retry-1000 as Json<Order>
  sends   invoices as Json<Invoice>
  retries from orders-retry-2000
  gives up to orders-dlt
bill-retry-2000 (group shop-retry-2000, at-least-once)
  reads   orders-retry-2000 as Json<Order>
  sends   invoices as Json<Invoice>
  gives up to orders-dlt
quote (group shop, at-least-once)
  reads   prices as Text
  answers to the topic that a request names as Json<Invoice>
  sends   what its template is told
";
    assert_eq!(every_way().topology().expect("right").to_string(), expected);
}

#[test]
fn a_topology_has_every_way_out_in_its_chart() {
    let chart = every_way().topology().expect("right").to_mermaid();
    let topics = ["invoices", "orders", "orders-dlt", "orders-retry-1000", "orders-retry-2000", "prices"];
    let (order, invoice) = ("|\"Json#lt;Order#gt;\"|", "|\"Json#lt;Invoice#gt;\"|");
    let topics = topics.iter().enumerate().map(|(n, topic)| format!("    t{n}([\"{topic}\"])\n")).collect::<String>();
    let expected = format!(
        "flowchart LR\n{topics}    \
         l0[\"all<br/>group audit\"]\n    p0{{{{\"^inv.*$\"}}}} -->|\"Text\"| l0\n    \
         l1[\"bill<br/>group shop\"]\n    t1 -->{order} l1\n    l1 -->{invoice} t0\n    l1 -.-> t3\n    l1 -.-> t2\n    \
         l2[\"bill-retry-1000<br/>group shop-retry-1000\"]\n    t3 -->{order} l2\n    l2 -->{invoice} t0\n    l2 -.-> t4\n    \
         l2 -.-> t2\n    \
         l3[\"bill-retry-2000<br/>group shop-retry-2000\"]\n    t4 -->{order} l3\n    l3 -->{invoice} t0\n    l3 -.-> t2\n    \
         l4[\"quote<br/>group shop\"]\n    t5 -->|\"Text\"| l4\n    \
         l4 -->{invoice} r4{{{{\"the topic that a request names\"}}}}\n"
    );
    assert_eq!(chart, expected);
}

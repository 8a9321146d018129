//! What a topology says and what it refuses.

use proptest::prelude::*;

use super::{Node, Source, Topology, check};
use crate::config::{Delivery, Subscription};

fn node(id: &str, reads: &[&str], payload: &'static str, send_to: &str) -> Node {
    let said = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    Node {
        id: id.to_owned(),
        cluster: None,
        group: "shop".to_owned(),
        delivery: Delivery::AtLeastOnce,
        passes_over: Vec::new(),
        reads: Subscription::Topics(reads.iter().map(|topic| (*topic).to_owned()).collect()),
        payload: Some(payload).filter(|payload| !payload.is_empty()),
        send_to: said(send_to),
        returns: None,
        dead_letters: Vec::new(),
        retries_to: Vec::new(),
        retries_of: None,
        takes_template: false,
        sends_to_clusters: Vec::new(),
        replies: false,
    }
}

fn mistakes(nodes: Vec<Node>) -> Vec<String> {
    let found = check(&Topology { listeners: nodes }, &Source::default(), false);
    found.into_iter().map(|mistake| format!("{}: {}", mistake.key, mistake.text)).collect()
}

#[test]
fn two_types_on_one_topic_are_a_mistake_of_the_second() {
    let found = mistakes(vec![
        node("bill", &["orders"], "Json<Order>", ""),
        node("count", &["orders"], "&[u8]", ""),
        node("ship", &["returns", "orders"], "Json<Parcel>", ""),
    ]);
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(found[0].starts_with(
        "listener `ship`: reads topic `orders` as Json<Parcel>, but listener `bill` reads it as Json<Order>"
    ));
}

#[test]
fn two_types_of_one_name_are_told_with_their_paths() {
    let found = mistakes(vec![
        node("bill", &["orders"], "Json<shop::Order>", ""),
        node("ship", &["orders"], "Json<depot::Order>", ""),
    ]);
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(found[0].contains("as Json<depot::Order>, but listener `bill` reads it as Json<shop::Order>"), "{found:?}");
}

fn on(cluster: &str, node: Node) -> Node {
    Node { cluster: Some(cluster.to_owned()), ..node }
}

#[test]
fn topics_of_one_name_on_two_clusters_are_two() {
    let retry = |id, of: &str| Node { retries_of: Some(of.to_owned()), ..node(id, &["a-retry"], "", "") };
    let apart = [
        node("bill", &["orders"], "Json<Order>", "notes"),
        on("audit", node("note", &["orders"], "Json<Note>", "")),
        on("audit", node("back", &["notes"], "", "orders")),
        retry("one-retry", "one"),
        on("audit", retry("two-retry", "two")),
    ];
    assert_eq!(mistakes(apart.to_vec()), [""; 0]);
    let found = mistakes(apart.into_iter().map(|node| on("audit", node)).collect());
    for text in
        ["reads topic `orders` as Json<Note>", "its retry topic `a-retry` is one of", "comes back to it: `bill`"]
    {
        assert!(found.iter().any(|mistake| mistake.contains(text)), "{text}: {found:#?}");
    }
}

#[test]
fn clusters_are_named_in_text_and_picture() {
    let told = Node { sends_to_clusters: vec!["audit"], ..node("bill", &["orders"], "", "") };
    let topology = Topology { listeners: vec![told, on("audit", node("note", &["orders"], "", ""))] };
    let text = topology.to_string();
    assert!(text.contains("  sends   what its template of cluster audit is told\n"), "{text}");
    assert!(text.contains("note (cluster audit, group shop, at-least-once)\n"), "{text}");
    assert_eq!(topology.topics(), ["orders"]);
    let chart = topology.to_mermaid();
    assert!(chart.contains("t0([\"orders\"])") && chart.contains("t1([\"audit<br/>orders\"])"), "{chart}");
    assert!(chart.contains("t0 --> l0") && chart.contains("t1 --> l1"), "{chart}");
}

#[test]
fn mixed_payloads_can_be_allowed() {
    let nodes = vec![node("bill", &["orders"], "Json<Order>", ""), node("ship", &["orders"], "Json<Parcel>", "")];
    assert!(check(&Topology { listeners: nodes }, &Source::default(), true).is_empty());
}

#[test]
fn a_listener_that_sends_to_itself_is_a_loop() {
    let found = mistakes(vec![node("echo", &["words"], "Text", "words")]);
    assert_eq!(found.len(), 1);
    assert!(found[0].starts_with("listener `echo`: what it sends comes back to it: `echo` → words;"), "{found:?}");
}

#[test]
fn a_ring_of_listeners_is_told_once_with_its_way() {
    let found = mistakes(vec![
        node("a", &["one"], "", "two"),
        node("b", &["two"], "", "three"),
        node("c", &["three"], "", "one"),
        node("leaf", &["two"], "", "elsewhere"),
    ]);
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(found[0].contains("`a` → two → `b` → three → `c` → one;"), "{found:?}");
}

fn retry_of(owner: &str, suffix: &str, topic: &str) -> Node {
    let mut node = node(&format!("{owner}{suffix}"), &[topic], "", "");
    node.retries_of = Some(owner.to_owned());
    node
}

#[test]
fn retry_topics_are_their_listeners_alone() {
    let found = mistakes(vec![
        node("bill", &["orders"], "", ""),
        retry_of("bill", "-retry", "orders-retry"),
        node("spy", &["orders-retry"], "", ""),
        node("push", &["pushed"], "", "orders-retry"),
        node("ship", &["orders"], "", ""),
        retry_of("ship", "-retry", "orders-retry"),
    ]);
    let expected = [
        "listener `ship`: its retry topic `orders-retry` is one of listener `bill` too",
        "listener `spy`: reads `orders-retry`, a retry topic of listener `bill`",
        "listener `push`: sends to `orders-retry`, a retry topic of listener `bill`",
    ];
    assert_eq!(found.len(), expected.len(), "{found:?}");
    for (found, expected) in found.iter().zip(expected) {
        assert!(found.starts_with(expected), "{found}");
    }
}

#[test]
fn the_id_of_a_retry_topics_listener_is_no_other_listeners() {
    let found = mistakes(vec![
        node("bill", &["orders"], "", ""),
        retry_of("bill", "-retry", "orders-retry"),
        node("bill-retry", &["others"], "", ""),
    ]);
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(
        found[0].starts_with("listener `bill-retry`: the listener of a retry topic of `bill` has this id"),
        "{found:?}"
    );
}

#[test]
fn a_pipeline_is_no_loop() {
    assert!(mistakes(vec![node("a", &["one"], "", "two"), node("b", &["two"], "", "three")]).is_empty());
}

#[test]
fn the_chart_has_every_topic_and_every_way() {
    let mut bill = node("bill", &["orders"], "Json<Order>", "invoices");
    bill.dead_letters = vec!["orders-dlt".to_owned()];
    let mut all = node("all", &[], "", "");
    all.reads = Subscription::Pattern("^or.*$".to_owned());
    let chart = Topology { listeners: vec![all, bill] }.to_mermaid();
    assert_eq!(
        chart,
        "flowchart LR\n    t0([\"invoices\"])\n    t1([\"orders\"])\n    t2([\"orders-dlt\"])\n    l0[\"all<br/>group shop\"]\n    \
         p0{{\"^or.*$\"}} --> l0\n    l1[\"bill<br/>group shop\"]\n    t1 -->|\"Json#lt;Order#gt;\"| l1\n    l1 --> t0\n    l1 -.-> t2\n"
    );
}

proptest! {
    /// A ring is found exactly when following `send_to` from some listener leads back to it.
    #[test]
    fn rings_are_those_of_the_graph(ways in proptest::collection::vec((0..5_usize, 0..5_usize), 1..8)) {
        let nodes: Vec<_> = ways.iter().enumerate()
            .map(|(n, (from, to))| node(&format!("l{n}"), &[&format!("t{from}")], "", &format!("t{to}")))
            .collect();
        let mut reach = [[false; 5]; 5];
        for (from, to) in &ways {
            reach[*from][*to] = true;
        }
        for via in 0..5 {
            for from in 0..5 {
                for to in 0..5 {
                    reach[from][to] |= reach[from][via] && reach[via][to];
                }
            }
        }
        let has_ring = (0..5).any(|topic| reach[topic][topic]);
        prop_assert_eq!(!mistakes(nodes).is_empty(), has_ring);
    }
}

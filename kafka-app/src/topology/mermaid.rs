//! A topology as a flow chart for Mermaid.

use std::fmt::Write as _;

use super::{Node, Place, Topology, payload::short};
use crate::config::Subscription;

/// Ids of Mermaid are numbers here, since names may hold what its grammar does not take; names stand in quoted labels.
pub(super) fn flow_chart(topology: &Topology) -> String {
    let mut chart = "flowchart LR\n".to_owned();
    let topics = topology.places();
    for (number, (cluster, topic)) in topics.iter().enumerate() {
        let cluster = cluster.map(|cluster| format!("{}<br/>", escaped(cluster))).unwrap_or_default();
        line(&mut chart, &format!("t{number}([\"{cluster}{}\"])", escaped(topic)));
    }
    for (number, node) in topology.listeners.iter().enumerate() {
        line(&mut chart, &format!("l{number}[\"{}<br/>group {}\"]", escaped(&node.id), escaped(&node.group)));
        arrows(&mut chart, number, node, &topics);
    }
    chart
}

fn arrows(chart: &mut String, number: usize, node: &Node, topics: &[Place<'_>]) {
    let topic = |name: &str| topics.binary_search(&node.place(name)).unwrap_or_default();
    let label =
        |payload: Option<&str>| payload.map(|name| format!("|\"{}\"|", escaped(&short(name)))).unwrap_or_default();
    let (taken, returned) = (label(node.payload), label(node.returns));
    if let Subscription::Pattern(pattern) = &node.reads {
        line(chart, &format!("p{number}{{{{\"{}\"}}}} -->{taken} l{number}", escaped(pattern)));
    }
    for name in node.topics_read() {
        line(chart, &format!("t{} -->{taken} l{number}", topic(name)));
    }
    if let Some(name) = &node.send_to {
        line(chart, &format!("l{number} -->{returned} t{}", topic(name)));
    }
    if node.replies {
        line(chart, &format!("l{number} -->{returned} r{number}{{{{\"the topic that a request names\"}}}}"));
    }
    for name in node.retries_to.iter().chain(&node.dead_letters) {
        line(chart, &format!("l{number} -.-> t{}", topic(name)));
    }
}

fn line(chart: &mut String, text: &str) {
    // Writing to a String cannot fail.
    let _infallible = writeln!(chart, "    {text}");
}

/// Mermaid's labels are HTML.
fn escaped(text: &str) -> String {
    text.replace('&', "#amp;").replace('<', "#lt;").replace('>', "#gt;").replace('"', "#quot;")
}

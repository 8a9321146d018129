//! A topology as text.

use std::fmt;

use super::{Node, Topology, payload::short};
use crate::config::{Delivery, Subscription};

impl fmt::Display for Topology {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.listeners.iter().try_for_each(|node| node.fmt(f))
    }
}

impl Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (", self.id)?;
        if let Some(cluster) = &self.cluster {
            write!(f, "cluster {cluster}, ")?;
        }
        writeln!(f, "group {}, {})", self.group, delivery(self.delivery))?;
        write!(f, "  reads   ")?;
        match &self.reads {
            Subscription::Topics(topics) => write!(f, "{}", topics.join(", "))?,
            Subscription::Pattern(pattern) => write!(f, "topics like {pattern}")?,
        }
        match self.payload {
            Some(payload) => writeln!(f, " as {}", short(payload))?,
            None => writeln!(f)?,
        }
        let returned = self.returns.map(|payload| format!(" as {}", short(payload))).unwrap_or_default();
        if let Some(topic) = &self.send_to {
            writeln!(f, "  sends   {topic}{returned}")?;
        }
        if self.replies {
            writeln!(f, "  answers to the topic that a request names{returned}")?;
        }
        if self.takes_template {
            writeln!(f, "  sends   what its template is told")?;
        }
        for cluster in &self.sends_to_clusters {
            writeln!(f, "  sends   what its template of cluster {cluster} is told")?;
        }
        if !self.retries_to.is_empty() {
            writeln!(f, "  retries from {}", self.retries_to.join(", "))?;
        }
        match self.dead_letters.as_slice() {
            [] => Ok(()),
            topics => writeln!(f, "  gives up to {}", topics.join(", ")),
        }
    }
}

fn delivery(delivery: Delivery) -> &'static str {
    match delivery {
        Delivery::AtMostOnce => "at-most-once",
        Delivery::AtLeastOnce => "at-least-once",
        Delivery::ExactlyOnce => "exactly-once",
    }
}

//! A table of requests and the rights they need: what is answered where one of the rights is missing, and where all are
//! there. Every row was taken from a real Apache Kafka 4.1.1.

use std::cell::RefCell;

use kafka_protocol::messages::create_acls_request::AclCreation;
use kafka_protocol::messages::describe_transactions_request::DescribeTransactionsRequest;
use kafka_protocol::messages::{ProducerId, TransactionalId};

use super::acls::*;
use super::requests::{Names, group, hidden_topic, text};
use super::*;
use crate::each_broker::unique;
use crate::patience::ask_until;

mod admin;
mod groups;
mod transactions;

/// Something that may be done to the cluster, or to one of the names that a row is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Right {
    Topic(i8),
    Group(i8),
    Id(i8),
    Cluster(i8),
}

/// What the requests of one row are about: names nobody else uses, on which nobody has rights.
struct World {
    names: Names,
    /// A transactional id.
    id: String,
}

/// A request, its rights, and its answers in the words of the function that asks.
struct Row {
    asked: &'static str,
    ask: fn(&mut Client, &World) -> String,
    /// Each right that is needed, and the answer where it alone is missing.
    needs: &'static [(Right, &'static str)],
    /// The answer where all rights are there.
    allowed: &'static str,
}

impl World {
    fn transactional_id(&self) -> TransactionalId {
        TransactionalId(text(&self.id))
    }

    fn acl(&self, user: &str, right: Right) -> AclCreation {
        match right {
            Right::Topic(operation) => allow(user, operation, TOPIC, &self.names.topic),
            Right::Group(operation) => allow(user, operation, GROUP, &self.names.group),
            Right::Id(operation) => allow(user, operation, TRANSACTIONAL_ID, &self.id),
            Right::Cluster(operation) => allow(user, operation, CLUSTER, "kafka-cluster"),
        }
    }
}

/// Asks everything a table has, first with all rights but one, then with all.
///
/// All differences of all brokers are shown together, as a row is right when it holds for each of them.
fn check(rows: &[Row]) {
    let differences = RefCell::new(Vec::new());
    on_each_secured_broker(|admin, address| {
        await_transactions(admin);
        let seen = rows.iter().flat_map(|row| row.differences(admin, address));
        differences.borrow_mut().extend(seen.map(|difference| format!("{address}: {difference}")));
    });
    let differences = differences.into_inner();
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}

impl Row {
    fn differences(&self, admin: &mut Client, address: &str) -> Vec<String> {
        let mut differences = Vec::new();
        for (missing, expected) in self.needs {
            let rights = self.needs.iter().map(|(right, _)| *right).filter(|right| right != missing);
            let seen = self.ask_with(admin, address, rights);
            if seen != *expected {
                differences.push(format!("{} without {missing:?}: {seen}", self.asked));
            }
        }
        let seen = self.ask_with(admin, address, self.needs.iter().map(|(right, _)| *right));
        if seen != self.allowed {
            differences.push(format!("{}: {seen}", self.asked));
        }
        differences
    }

    /// A new user asks, as ACLs of others would show.
    fn ask_with(&self, admin: &mut Client, address: &str, rights: impl Iterator<Item = Right>) -> String {
        let user = unique("user");
        let world = World { names: hidden_topic(admin), id: unique("id") };
        grant(admin, &rights.map(|right| world.acl(&user, right)).collect::<Vec<_>>());
        let mut client = logged_in_by_token(address, &user);
        let is_loading = |seen: &str| ["14 ", "15 ", "16 "].iter().any(|code| format!("{seen} ").starts_with(code));
        ask_until(|| (self.ask)(&mut client, &world), |seen| !is_loading(seen))
    }
}

/// A real broker makes the topic of its coordinators when it is first asked for one.
fn await_transactions(admin: &mut Client) {
    let id = unique("id");
    ask_until(|| requests::coordinator(admin, 4, &id, 1), |seen| seen.starts_with("0 "));
    let request = DescribeTransactionsRequest::default().with_transactional_ids(vec![TransactionalId(text(&id))]);
    ask_until(|| admin.call(0, &request).transaction_states[0].error_code, |code| !(14..=16).contains(code));
}

//! The shop: its topics, its payloads, and what its warehouse knows.

use std::collections::BTreeSet;

use kafka_app::{Json, Topic};
use serde::{Deserialize, Serialize};
use tokio::sync::watch;

use crate::BillingError;

/// Orders by customer. Listener, template and test take both types from here.
pub(crate) const ORDERS: Topic<String, Json<Order>> = Topic::new("orders");
/// Invoices by customer.
pub(crate) const INVOICES: Topic<String, Json<Invoice>> = Topic::new("invoices");

/// What of [`a_morning`] can be billed: invoices.
pub(crate) const BILLABLE: usize = 3;
/// What of [`a_morning`] needs a person.
pub(crate) const UNBILLABLE: usize = 1;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Order {
    pub(crate) id: u64,
    pub(crate) article: String,
    pub(crate) pieces: u32,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Invoice {
    pub(crate) order: u64,
    pub(crate) cents: u64,
}

/// Orders of one morning: two plain ones, one sent twice, one the warehouse is slow about, one nobody can bill.
pub(crate) fn a_morning() -> Vec<(&'static str, Json<Order>)> {
    let order = |id, article: &str, pieces| Order { id, article: article.to_owned(), pieces };
    [
        ("ada", order(1, "tea", 2)),
        ("ada", order(1, "tea", 2)),
        ("grace", order(2, "coffee", 1)),
        ("barbara", order(3, "rare tea", 1)),
        ("grace", order(4, "unicorn", 1)),
    ]
    .map(|(customer, order)| (customer, Json(order)))
    .into()
}

/// Application state: prices, what is billed and booked, and a way to wait for it.
#[derive(Debug, Default)]
pub(crate) struct Stock(watch::Sender<Books>);

#[derive(Debug, Default)]
struct Books {
    billed: BTreeSet<u64>,
    invoices: Vec<Invoice>,
    complaints: Vec<(Order, i64)>,
}

impl Stock {
    /// The price of a piece in cents. The warehouse takes three deliveries to find rare tea.
    pub(crate) fn price(&self, order: &Order, attempt: u32) -> Result<u64, BillingError> {
        let cents = match order.article.as_str() {
            "tea" => 450,
            "coffee" => 390,
            "rare tea" if attempt < 3 => return Err(BillingError::WarehouseBusy),
            "rare tea" => 9_900,
            other => return Err(BillingError::UnknownArticle(other.to_owned())),
        };
        let mut is_new = false;
        self.0.send_modify(|books| is_new = books.billed.insert(order.id));
        if is_new { Ok(cents) } else { Err(BillingError::AlreadyBilled(order.id)) }
    }

    pub(crate) fn book<'i>(&self, invoices: impl Iterator<Item = &'i Invoice>) {
        self.0.send_modify(|books| books.invoices.extend(invoices.cloned()));
    }

    pub(crate) fn complain(&self, order: &Order, offset: i64) {
        self.0.send_modify(|books| books.complaints.push((order.clone(), offset)));
    }

    /// Cents booked so far.
    pub(crate) fn booked(&self) -> u64 {
        self.0.borrow().invoices.iter().map(|invoice| invoice.cents).sum()
    }

    /// Orders that need a person, with their offset in the dead letter topic.
    pub(crate) fn complaints(&self) -> Vec<(Order, i64)> {
        self.0.borrow().complaints.clone()
    }

    /// Resolves when so many invoices are booked and so many orders need a person.
    pub(crate) async fn wait_for(&self, invoices: usize, complaints: usize) {
        let mut books = self.0.subscribe();
        // The sender lives as long as `self`, so this cannot fail.
        let _ = books.wait_for(|books| books.invoices.len() >= invoices && books.complaints.len() >= complaints).await;
    }
}

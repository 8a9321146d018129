//! Payloads with schemas, over a registry that fails: a file a side, all on the broker the harness gives.

mod listening;
mod outages;
mod real;
mod sending;
mod types;

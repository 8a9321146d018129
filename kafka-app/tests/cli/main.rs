//! The program `kafka-app` as its users run it.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail where the test would")]

mod broker;
mod commands;
mod configs;
mod console;
mod consume;
mod dlq;
mod groups;
mod install_links;
mod measure;
mod offsets;
mod operations;
mod outages;
mod pipes;
mod produce;
mod program;
mod reassign;
mod secure_clients;
mod security;
#[cfg(unix)]
mod terminal;
mod topics;
mod tutorial;

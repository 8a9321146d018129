//! The broker on the wire: every test starts one of its own and speaks to it as a client would, version by version.

mod client;
mod connections;
mod consumer_groups;
mod each_broker;
mod patience;
mod records;

mod admin;
mod api_versions;
mod coordinators;
mod core_as_kafka;
mod durability;
mod faults;
mod fetch;
mod group_views;
mod groups;
mod groups_as_kafka;
mod hostile;
mod init_producer_id;
mod life;
mod list_offsets;
mod listeners;
mod metadata;
mod named_again;
mod nodes;
mod produce;
mod quotas;
mod ready;
mod replicas;
mod security;
mod telemetry;
mod transactions;
mod upkeep;

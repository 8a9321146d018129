//! The one integration binary: a file a feature, all on the broker the harness gives.

mod acknowledgment;
mod bad_input;
mod batch;
mod by_hand;
mod chaos;
mod chaos_program;
mod circuit_breaker;
mod dead_letter_brake;
mod dead_letters;
mod docs;
mod events;
mod exactly_once;
mod failures;
mod handles;
mod key_state;
mod layers;
mod listener;
mod ordering;
mod rate;
mod rebalance;
mod request_reply;
mod restart;
mod retry_topics;
mod survival;
mod template;
mod until_end;

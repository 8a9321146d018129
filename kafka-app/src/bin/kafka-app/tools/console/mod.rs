//! The tools that read records from standard input and print records on standard output.

pub(crate) mod consumer;
mod deserializer;
mod formatter;
mod line_reader;
mod offsets_formatter;
mod printer;
pub(crate) mod producer;
mod sender;
mod standard_input;

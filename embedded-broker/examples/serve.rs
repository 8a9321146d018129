//! Runs the embedded broker by itself, to try it with any client: `cargo run -p embedded-broker --example serve -- 9092`.
//!
//! Without a port the system chooses one. It runs until its standard input closes (Ctrl-D) or it is interrupted (Ctrl-C).
//! Further arguments of the form `name=value` are broker configs by Kafka's names; `data-dir=DIR` keeps everything in a
//! directory.
#![expect(clippy::print_stdout, reason = "the address is what the program is for")]

use std::io::Read;

use embedded_broker::EmbeddedBroker;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut builder = EmbeddedBroker::builder();
    for argument in std::env::args().skip(1) {
        builder = match argument.split_once('=') {
            Some(("data-dir", path)) => builder.data_dir(path),
            Some((name, value)) => builder.config(name, value),
            None => builder.port(argument.parse().map_err(|_| format!("{argument} is neither a port nor name=value"))?),
        };
    }
    let broker = builder.start()?;
    println!("BOOTSTRAP={}", broker.bootstrap_servers());
    std::io::stdin().read_to_end(&mut Vec::new())?;
    broker.stop();
    Ok(())
}

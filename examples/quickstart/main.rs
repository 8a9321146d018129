//! One listener, one template: the program of the README.
//!
//! `cargo run --bin quickstart` runs it on the embedded broker, `cargo run --bin quickstart -- host:port` on a real one.
#![expect(clippy::print_stdout, reason = "what it prints is what it is for")]

use kafka_app::{Json, KafkaApp, Text, kafka_listener, listeners};

#[derive(serde::Serialize, serde::Deserialize)]
struct Greeting {
    name: String,
}

#[kafka_listener(topic = "greetings", group = "quickstart", send_to = "replies")]
async fn greet(Json(greeting): Json<Greeting>) -> Text {
    Text(format!("hello, {}!", greeting.name))
}

#[kafka_listener(topic = "replies", group = "quickstart-replies")]
async fn show(Text(reply): Text) {
    println!("{reply}");
}

#[tokio::main]
async fn main() -> kafka_app::Result<()> {
    let bootstrap = std::env::args().nth(1).unwrap_or_else(|| "embedded".to_owned());
    let app = KafkaApp::new(bootstrap).listeners(listeners![greet, show]).start().await?;
    let template = app.template::<String, Json<Greeting>>();
    for name in ["Ada", "Grace", "Barbara"] {
        template.send("greetings", name, &Json(Greeting { name: name.to_owned() })).await?;
    }
    app.wait().await // until Ctrl-C or SIGTERM: drain, commit, leave the group
}

#[cfg(test)]
mod tests;

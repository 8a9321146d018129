use kafka_app::listeners;

async fn no_listener() {}

fn main() {
    let _ = listeners![no_listener];
}

use kafka_app::kafka_listener;

#[kafka_listener(
    topics = ["${orders", "${}", "${:orders}", "${a b}", "${a:${b}", "${a:${b:}}", "${a:b c}"],
    group = "${group",
    properties("client.id" = "${id")
)]
async fn bill() {}

fn main() {}

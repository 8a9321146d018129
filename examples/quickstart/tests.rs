use embedded_broker::EmbeddedBroker;

use super::*;

#[tokio::test]
async fn the_handler_is_a_plain_function() {
    assert_eq!(greet(Json(Greeting { name: "Ada".to_owned() })).await.0, "hello, Ada!");
}

#[tokio::test(flavor = "multi_thread")]
async fn each_greeting_is_answered_once() -> anyhow::Result<()> {
    let broker = EmbeddedBroker::builder().topic("greetings", 3).topic("replies", 1).start()?;
    let app = KafkaApp::new(broker.bootstrap_servers()).listeners(listeners![greet]).start().await?;
    let template = app.template::<String, Json<Greeting>>();
    template.send("greetings", "Ada", &Json(Greeting { name: "Ada".to_owned() })).await?;

    let replies = broker.topic("replies").await_records(1).await?;
    assert_eq!(replies[0].value.as_deref(), Some(b"hello, Ada!".as_slice()));
    assert_eq!(replies[0].key.as_deref(), Some(b"Ada".as_slice()), "a reply keeps the key of its record");
    app.stop().await.expect_clean();
    Ok(())
}

#[test]
fn the_program_of_the_readme_is_this_one() {
    let main = include_str!("main.rs");
    let program = main.split_once("use kafka_app").and_then(|(_, rest)| rest.split_once("\n#[cfg(test)]"));
    let (program, _) = program.expect("the program stands between its imports and its tests");
    assert!(include_str!("../../README.md").contains(program.trim()), "README.md shows another program than main.rs");
}

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

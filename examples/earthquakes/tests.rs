use embedded_broker::EmbeddedBroker;

use super::*;

#[test]
fn only_strong_earthquakes_raise_an_alert() {
    let alert = |kind: &str, magnitude: &str| {
        let line = format!(r#"{{"id":"x1","network":"us","kind":"{kind}","magnitude":{magnitude},"place":"here"}}"#);
        serde_json::from_str::<Quake<'_>>(&line).expect("the line is an event").alert().map(|alert| alert.magnitude)
    };
    assert_eq!(alert("earthquake", "4.5"), Some(4.5));
    assert_eq!(alert("earthquake", "4.49"), None);
    assert_eq!(alert("explosion", "6.0"), None);
    assert_eq!(alert("earthquake", "null"), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_week_is_read_counted_and_its_broken_lines_are_dead_lettered() -> anyhow::Result<()> {
    let broker = EmbeddedBroker::builder().start()?;
    let app = app(broker.bootstrap_servers()).start().await?;
    let statistics = app.state::<Statistics>().context("the state is given in app()")?;
    let sent = publish(&app).await?;
    watch(&statistics, sent).await;
    let lag = stop_and_measure(&app).await?;
    app.stop().await.expect_clean();

    let counts = statistics.counts();
    assert_eq!(counts.records_read, 1_707 + 3);
    assert_eq!((counts.alerts_raised, counts.alerts_read, counts.dead_letters), (85, 85, 3));
    assert_eq!(counts.networks.values().map(|network| network.events).sum::<u64>(), 1_707);
    assert!(lag.iter().flat_map(|(_, partitions)| partitions).all(|at| at.lag() == 0), "{lag:?}");
    Ok(())
}

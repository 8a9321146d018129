//! `listeners![..]`: declarations by name.

/// The listeners of functions under `#[kafka_listener]`, by their paths, as a `Vec<Listener>`.
///
/// ```
/// use kafka_app::{Text, kafka_listener, listeners};
///
/// #[kafka_listener(topic = "orders")]
/// async fn bill(_order: Text) {}
///
/// mod ship {
///     #[kafka_app::kafka_listener(topic = "orders", group = "shipping")]
///     pub async fn dispatch() {}
/// }
///
/// let listeners = listeners![bill, ship::dispatch];
/// assert_eq!(listeners[1].id(), "dispatch");
/// ```
#[macro_export]
macro_rules! listeners {
    ($($listener:path),* $(,)?) => {
        <::std::vec::Vec<$crate::Listener> as ::core::convert::From<_>>::from([
            $(<$listener>::__kafka_listener()),*
        ])
    };
}

#[cfg(test)]
mod tests {
    use std::{
        fmt,
        sync::atomic::{AtomicU32, Ordering::Relaxed},
    };

    use parking_lot::Mutex;

    use crate::{
        Batch, ErrorClass, KafkaError, State, Text, Topic,
        handler::{BatchContext, BatchHandler, BatchOutcome, Declaration, Outcome, Outputs, RecordHandler},
        kafka_listener,
        test_support::TestRecord,
    };

    #[derive(Debug, KafkaError)]
    enum Refused {
        Busy,
        #[dead_letter]
        Unknown,
    }

    impl fmt::Display for Refused {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write!(f, "{self:?}")
        }
    }

    impl std::error::Error for Refused {}

    const ORDERS: Topic<String, Text> = Topic::new("orders");

    #[kafka_listener(topic = ORDERS, send_to = ORDERS, dead_letter = ORDERS)]
    async fn answer(Text(word): Text, calls: State<AtomicU32>) -> Result<Option<String>, Refused> {
        calls.fetch_add(1, Relaxed);
        match word.as_str() {
            "busy" => Err(Refused::Busy),
            "unknown" => Err(Refused::Unknown),
            "nothing" => Ok(None),
            word => Ok(Some(word.to_uppercase())),
        }
    }

    #[kafka_listener(topic = "orders")]
    fn borrow(word: &str) -> Result<(), String> {
        if word == "pay" { Ok(()) } else { Err(format!("cannot {word}")) }
    }

    #[kafka_listener(topic = "orders")]
    async fn each(words: Batch<&str>, calls: State<AtomicU32>) -> Vec<Result<(), Refused>> {
        calls.fetch_add(1, Relaxed);
        words.payloads().map(|word| if *word == "busy" { Err(Refused::Busy) } else { Ok(()) }).collect()
    }

    #[kafka_listener(topic = "orders")]
    async fn whole(words: Batch<Text>) -> Result<Vec<String>, Refused> {
        words
            .into_payloads()
            .map(|Text(word)| if word == "unknown" { Err(Refused::Unknown) } else { Ok(word) })
            .collect()
    }

    fn record(payload: impl Into<Vec<u8>>) -> TestRecord {
        TestRecord::new(payload).state(AtomicU32::new(0))
    }

    async fn batch(handler: impl BatchHandler, records: &[TestRecord]) -> BatchOutcome {
        let contexts: Vec<_> = records.iter().map(TestRecord::context).collect();
        let rejected = Mutex::default().into();
        handler.call(BatchContext { records: &contexts, rejected: &rejected }).await
    }

    #[tokio::test]
    async fn what_is_returned_is_to_be_sent() {
        let outcome = answer {}.call(record("pay").context()).await;
        let Outcome::Done(Outputs::One(output)) = outcome else { panic!("{outcome:?}") };
        assert_eq!(output.record.payload.as_deref(), Some(&b"PAY"[..]));
        assert!(matches!(answer {}.call(record("nothing").context()).await, Outcome::Done(Outputs::None)));
    }

    #[tokio::test]
    async fn an_error_keeps_its_class() {
        for (word, class) in [("busy", ErrorClass::Retry), ("unknown", ErrorClass::DeadLetter)] {
            let outcome = answer {}.call(record(word).context()).await;
            assert!(matches!(&outcome, Outcome::Failed(failure) if failure.class == class), "{outcome:?}");
        }
    }

    #[tokio::test]
    async fn a_plain_function_borrows_from_the_record() {
        assert!(matches!(borrow {}.call(record("pay").context()).await, Outcome::Done(Outputs::None)));
        let outcome = borrow {}.call(record("fly").context()).await;
        let Outcome::Failed(failure) = outcome else { panic!("{outcome:?}") };
        assert_eq!((failure.class, failure.error.to_string()), (ErrorClass::Retry, "cannot fly".to_owned()));
    }

    #[tokio::test]
    async fn a_record_without_its_arguments_never_reaches_the_function() {
        let record = record([0xff]);
        let outcome = answer {}.call(record.context()).await;
        assert!(matches!(&outcome, Outcome::Rejected(_)), "{outcome:?}");
        assert_eq!(record.context().state::<AtomicU32>().map(|calls| calls.load(Relaxed)), Some(0));
    }

    #[tokio::test]
    async fn a_batch_answers_for_each_record() {
        let records = [record("pay"), record([0xff]), record("busy")];
        let outcome = batch(each {}, &records).await;
        let BatchOutcome::PerRecord(outcomes) = outcome else { panic!("{outcome:?}") };
        assert!(matches!(&outcomes[..], [Outcome::Done(_), Outcome::Rejected(_), Outcome::Failed(_)]), "{outcomes:?}");
    }

    #[tokio::test]
    async fn a_batch_without_a_record_that_can_be_decoded_never_reaches_the_function() {
        let records = [record([0xff])];
        let outcome = batch(each {}, &records).await;
        let BatchOutcome::Whole { rejected, result: Ok(Outputs::None) } = outcome else { panic!("{outcome:?}") };
        assert_eq!(rejected.len(), 1);
        assert_eq!(records[0].context().state::<AtomicU32>().map(|calls| calls.load(Relaxed)), Some(0));
    }

    #[tokio::test]
    async fn a_batch_answers_as_one() {
        let outcome = batch(whole {}, &[record("pay"), record([0xff]), record("ship")]).await;
        let BatchOutcome::Whole { rejected, result: Ok(Outputs::Many(outputs)) } = outcome else {
            panic!("{outcome:?}")
        };
        assert_eq!((rejected.len(), rejected[0].0, outputs.len()), (1, 1, 2));
        let outcome = batch(whole {}, &[record("unknown")]).await;
        let BatchOutcome::Whole { result: Err(failure), .. } = outcome else { panic!("{outcome:?}") };
        assert_eq!(failure.class, ErrorClass::DeadLetter);
    }

    #[test]
    fn arguments_say_what_they_need() {
        let mut declaration = Declaration::default();
        answer {}.declare(&mut declaration);
        assert_eq!(declaration.states.len(), 1);
        let mut declaration = Declaration::default();
        each {}.declare(&mut declaration);
        assert_eq!(declaration.states.len(), 1);
        assert!(declaration.returns_nothing && declaration.returns.is_none());
        let mut declaration = Declaration::default();
        whole {}.declare(&mut declaration);
        assert_eq!(declaration.returns.map(|returned| returned.type_name), Some(std::any::type_name::<String>()));
        let mut declaration = Declaration::default();
        borrow {}.declare(&mut declaration);
        assert!(declaration.states.is_empty() && !declaration.takes_ack);
    }

    #[test]
    fn typed_topics_give_their_names() {
        let settings = &listeners![answer][0].settings;
        assert_eq!(settings.topics.as_deref(), Some(&["orders".to_owned()][..]));
        assert_eq!(settings.send_to.as_deref(), Some("orders"));
        assert_eq!(settings.dead_letter, Some(crate::DeadLetter::Topic("orders".to_owned())));
    }

    #[test]
    fn a_listener_knows_where_it_is_declared() {
        let location = listeners![answer][0].location.unwrap_or_default();
        assert!(location.contains("listeners.rs:"), "{location}");
    }
}

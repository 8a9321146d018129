//! [`ProducerInterceptor`]: what sees every record that an application sends.

use std::{
    fmt,
    panic::{self, AssertUnwindSafe},
    sync::Arc,
};

use super::SendError;
use crate::{
    error::{Error, ErrorKind, Result},
    record::{ProducerRecord, SendResult},
};

/// Sees every record that an application sends, before it goes to the client and when it is answered.
///
/// [`KafkaApp::producer_interceptor`](crate::KafkaApp::producer_interceptor) adds one. It sees what templates send, also in
/// transactions, what listeners return, replies, and what goes to retry topics and dead letter topics; a record that was
/// not acknowledged and is sent again comes once more. With interceptors every record is sent by itself, so that
/// `KafkaTemplate::send_all` loses the speed of its batches; without one nothing is asked.
///
/// Several are called in the order they were added. After Kafka's
/// `org.apache.kafka.clients.producer.ProducerInterceptor` and Spring's `ProducerListener`, but for one thing: here an
/// error or a panic before the record goes keeps it from going, and its sender is told.
///
/// ```
/// use kafka_app::{KafkaApp, ProducerInterceptor, ProducerRecord, Result};
///
/// /// Says in every record which service sent it.
/// struct Signed(&'static str);
///
/// impl ProducerInterceptor for Signed {
///     fn on_send(&self, record: &mut ProducerRecord) -> Result<()> {
///         record.headers.push("service", Some(self.0.into()));
///         Ok(())
///     }
/// }
///
/// # let _unstarted =
/// KafkaApp::from_env().producer_interceptor(Signed("billing"));
/// ```
pub trait ProducerInterceptor: Send + Sync + 'static {
    /// Called where the record is sent, before it waits for room: may change any part of it, for a moment only.
    ///
    /// # Errors
    /// The record does not go: whoever sent it gets this error, and of a listener it is that of a send which failed.
    fn on_send(&self, record: &mut ProducerRecord) -> Result<()> {
        let _ = record;
        Ok(())
    }

    /// Called when the broker has acknowledged a record, or it was given up or refused. It runs on the producer's own
    /// thread, which it holds up: for counters, not for work. What was sent in a transaction and is acknowledged counts
    /// only once the transaction is committed, which is not told here.
    fn on_acknowledgement(&self, topic: &str, result: Result<&SendResult, &SendError>) {
        let _ = (topic, result);
    }
}

/// The interceptors of an application, in their order.
#[derive(Clone, Default)]
pub(crate) struct Interceptors(Vec<Arc<dyn ProducerInterceptor>>);

impl Interceptors {
    pub(crate) fn add(&mut self, interceptor: impl ProducerInterceptor) {
        self.0.push(Arc::new(interceptor));
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Has all of them see a record that is to be sent; the first that does not want it ends this.
    pub(crate) fn sending(&self, mut record: ProducerRecord) -> Result<ProducerRecord, SendError> {
        for interceptor in &self.0 {
            let topic = record.topic.clone();
            let seen = panic::catch_unwind(AssertUnwindSafe(|| interceptor.on_send(&mut record)));
            let error = match seen {
                Ok(Ok(())) => continue,
                Ok(Err(error)) => error,
                Err(_) => Error::new(ErrorKind::Refused, "it panicked"),
            };
            let text =
                format!("the record for `{}` was kept back by an interceptor", topic.as_deref().unwrap_or_default());
            let failed = SendError::new(record, Error::new(error.kind(), text).with_source(error));
            self.answered(topic.as_deref().unwrap_or_default(), Err(&failed));
            return Err(failed);
        }
        Ok(record)
    }

    /// Tells all of them what became of a record. One that panics must not end the producer's thread.
    pub(crate) fn answered(&self, topic: &str, result: Result<&SendResult, &SendError>) {
        for interceptor in &self.0 {
            let told = panic::catch_unwind(AssertUnwindSafe(|| interceptor.on_acknowledgement(topic, result)));
            if told.is_err() {
                tracing::error!(topic, "an interceptor panicked over an acknowledgment");
            }
        }
    }
}

impl fmt::Debug for Interceptors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Interceptors").field("n", &self.0.len()).finish()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    /// Appends its name to the payload, and refuses or panics where told to.
    struct Stamp(&'static str, Arc<Mutex<Vec<String>>>);

    impl ProducerInterceptor for Stamp {
        fn on_send(&self, record: &mut ProducerRecord) -> Result<()> {
            match self.0 {
                "refuses" => return Err(Error::new(ErrorKind::Refused, "no")),
                "panics" => panic!("as told"),
                _ => {}
            }
            let payload = [&record.payload.take().unwrap_or_default()[..], self.0.as_bytes()].concat();
            record.payload = Some(payload.into());
            Ok(())
        }

        fn on_acknowledgement(&self, topic: &str, result: Result<&SendResult, &SendError>) {
            assert_ne!(self.0, "panics", "as told");
            self.1.lock().unwrap().push(format!("{} {topic} {}", self.0, result.is_ok()));
        }
    }

    fn of(names: &[&'static str]) -> (Interceptors, Arc<Mutex<Vec<String>>>) {
        let (mut interceptors, told) = (Interceptors::default(), Arc::default());
        names.iter().for_each(|name| interceptors.add(Stamp(name, Arc::clone(&told))));
        (interceptors, told)
    }

    #[test]
    fn interceptors_change_a_record_one_after_the_other() {
        let (interceptors, _) = of(&["a", "b"]);
        let record = interceptors.sending(ProducerRecord::to("t").payload("x".into())).unwrap();
        assert_eq!(record.payload.as_deref(), Some(&b"xab"[..]));
    }

    #[test]
    fn an_interceptor_that_refuses_or_panics_keeps_the_record_back_and_the_others_are_told() {
        for name in ["refuses", "panics"] {
            let (interceptors, told) = of(&["a", name, "b"]);
            let failed = interceptors.sending(ProducerRecord::to("t")).unwrap_err();
            assert!(failed.to_string().starts_with("the record for `t` was kept back by an interceptor"), "{failed}");
            assert_eq!(failed.kind(), ErrorKind::Refused);
            let told = told.lock().unwrap();
            assert!(told.contains(&"a t false".to_owned()) && told.contains(&"b t false".to_owned()), "{told:?}");
        }
    }

    #[test]
    fn an_interceptor_that_panics_over_an_answer_does_no_harm() {
        let (interceptors, told) = of(&["panics", "b"]);
        interceptors.answered("t", Ok(&SendResult { partition: 0, offset: 1 }));
        assert_eq!(*told.lock().unwrap(), ["b t true"]);
    }
}

//! One call of a handler: a panic or a timeout in it is a failure like any other.

use std::{
    any::Any,
    error::Error as StdError,
    fmt,
    future::{Future, poll_fn},
    panic::{self, AssertUnwindSafe},
    pin::Pin,
    task::Poll,
    time::Duration,
};

use crate::handler::{ErrorClass, Failure};

/// Awaits `call` within `limit`; a call that panics or takes longer is dropped and is a retryable failure.
///
/// A function that never awaits cannot be interrupted: its timeout is noticed when it returns.
///
/// It takes the call where it is, and boxes the failure: future and result would else be copied at each of the layers below,
/// for every record.
pub(in crate::listener) async fn guarded<F: Future>(
    limit: Option<Duration>,
    call: Pin<&mut F>,
) -> Result<F::Output, Box<Failure>> {
    match limit {
        None => unwinding_caught(call).await,
        Some(limit) => match tokio::time::timeout(limit, unwinding_caught(call)).await {
            Ok(ended) => ended,
            Err(_) => Err(Box::new(failure("kafka_app::HandlerTimedOut", TimedOut(limit)))),
        },
    }
}

/// As [`guarded`], for a function that is not async.
pub(super) fn guarded_fn<T>(call: impl FnOnce() -> T) -> Result<T, Failure> {
    panic::catch_unwind(AssertUnwindSafe(call)).map_err(|panic| panicked(&*panic))
}

/// Nothing the handler was given is used again after a panic but what is shared by design (state behind locks), so that
/// unwind safety is asserted.
async fn unwinding_caught<F: Future>(mut call: Pin<&mut F>) -> Result<F::Output, Box<Failure>> {
    poll_fn(|cx| match panic::catch_unwind(AssertUnwindSafe(|| call.as_mut().poll(cx))) {
        Ok(poll) => poll.map(Ok),
        Err(panic) => Poll::Ready(Err(Box::new(panicked(&*panic)))),
    })
    .await
}

fn panicked(panic: &(dyn Any + Send)) -> Failure {
    let text = panic.downcast_ref::<&str>().copied().or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    failure("kafka_app::HandlerPanicked", Panicked(text.unwrap_or("no text").to_owned()))
}

fn failure(type_name: &'static str, error: impl StdError + Send + Sync + 'static) -> Failure {
    Failure { class: ErrorClass::Retry, type_name, dead_letter_topic: None, error: Box::new(error) }
}

#[derive(Debug)]
struct Panicked(String);

impl fmt::Display for Panicked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the handler panicked: {}", self.0)
    }
}

impl StdError for Panicked {}

#[derive(Debug)]
struct TimedOut(Duration);

impl fmt::Display for TimedOut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the handler did not end within its timeout of {:?}", self.0)
    }
}

impl StdError for TimedOut {}

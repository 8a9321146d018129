//! [`BoxRecordHandler`] and [`BoxBatchHandler`]: what layers go around.

use std::{fmt, future::Future, pin::Pin, sync::Arc};

use tower_layer::{Layer, layer_fn};

use super::{BatchContext, BatchHandler, BatchOutcome, Declaration, Outcome, RecordContext, RecordHandler};

/// What a boxed handler returns; resolves to an [`Outcome`] or a [`BatchOutcome`].
pub type HandlerFuture<'r, T> = Pin<Box<dyn Future<Output = T> + Send + 'r>>;

/// A [`RecordHandler`] whose type is forgotten: what a layer is given to go around.
///
/// A layer is tower's [`Layer`]: it takes a handler and makes one of it, which does something before and after the other
/// (measures, traces, checks a header, answers from a cache) or in place of it. `KafkaApp::layer` puts it around every
/// listener that takes one record at a time, [`Listener::layer`](crate::Listener::layer) around one. Each delivery of a
/// record comes through it, also those from retry topics; what the filter drops does not. It costs an allocation for each
/// delivery; without layers nothing is boxed.
///
/// ```
/// use std::time::Instant;
/// use kafka_app::{BoxRecordHandler, Declaration, KafkaApp, Layer, Outcome, RecordContext, RecordHandler};
///
/// struct Timing;
///
/// struct Timed(BoxRecordHandler);
///
/// impl Layer<BoxRecordHandler> for Timing {
///     type Service = Timed;
///
///     fn layer(&self, handler: BoxRecordHandler) -> Timed {
///         Timed(handler)
///     }
/// }
///
/// impl RecordHandler for Timed {
///     fn declare(&self, declaration: &mut Declaration) {
///         self.0.declare(declaration);
///     }
///
///     async fn call<'r>(&'r self, cx: RecordContext<'r>) -> Outcome {
///         let start = Instant::now();
///         let outcome = self.0.call(cx).await;
///         println!("{} took {:?}", cx.listener_id(), start.elapsed());
///         outcome
///     }
/// }
///
/// # let _unstarted =
/// KafkaApp::from_env().layer(Timing);
/// ```
///
/// Where a function is enough, [`around`] makes a layer of it.
#[derive(Clone)]
pub struct BoxRecordHandler(Arc<dyn DynRecordHandler>);

/// A [`BatchHandler`] whose type is forgotten; see [`BoxRecordHandler`].
#[derive(Clone)]
pub struct BoxBatchHandler(Arc<dyn DynBatchHandler>);

trait DynRecordHandler: Send + Sync {
    fn declare_dyn(&self, declaration: &mut Declaration);
    fn call_dyn<'r>(&'r self, cx: RecordContext<'r>) -> HandlerFuture<'r, Outcome>;
}

trait DynBatchHandler: Send + Sync {
    fn declare_dyn(&self, declaration: &mut Declaration);
    fn call_dyn<'r>(&'r self, cx: BatchContext<'r>) -> HandlerFuture<'r, BatchOutcome>;
}

impl<H: RecordHandler> DynRecordHandler for H {
    fn declare_dyn(&self, declaration: &mut Declaration) {
        RecordHandler::declare(self, declaration);
    }

    fn call_dyn<'r>(&'r self, cx: RecordContext<'r>) -> HandlerFuture<'r, Outcome> {
        Box::pin(RecordHandler::call(self, cx))
    }
}

impl<H: BatchHandler> DynBatchHandler for H {
    fn declare_dyn(&self, declaration: &mut Declaration) {
        BatchHandler::declare(self, declaration);
    }

    fn call_dyn<'r>(&'r self, cx: BatchContext<'r>) -> HandlerFuture<'r, BatchOutcome> {
        Box::pin(BatchHandler::call(self, cx))
    }
}

impl BoxRecordHandler {
    pub(crate) fn new(handler: Arc<impl RecordHandler>) -> Self {
        Self(handler)
    }
}

impl BoxBatchHandler {
    pub(crate) fn new(handler: Arc<impl BatchHandler>) -> Self {
        Self(handler)
    }
}

impl RecordHandler for BoxRecordHandler {
    fn declare(&self, declaration: &mut Declaration) {
        self.0.declare_dyn(declaration);
    }

    fn call<'r>(&'r self, cx: RecordContext<'r>) -> impl Future<Output = Outcome> + Send + 'r {
        self.0.call_dyn(cx)
    }
}

impl BatchHandler for BoxBatchHandler {
    fn declare(&self, declaration: &mut Declaration) {
        self.0.declare_dyn(declaration);
    }

    fn call<'r>(&'r self, cx: BatchContext<'r>) -> impl Future<Output = BatchOutcome> + Send + 'r {
        self.0.call_dyn(cx)
    }
}

impl fmt::Debug for BoxRecordHandler {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BoxRecordHandler").finish_non_exhaustive()
    }
}

impl fmt::Debug for BoxBatchHandler {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BoxBatchHandler").finish_non_exhaustive()
    }
}

/// Makes a layer of a function that is called with each record and the handler that it goes around.
///
/// ```
/// use kafka_app::{
///     BoxRecordHandler, HandlerFuture, Outcome, Outputs, RecordContext, RecordHandler, around, handler_fn, Listener, Text,
/// };
///
/// /// Drops what a test system sent.
/// fn only_real<'r>(cx: RecordContext<'r>, handler: &'r BoxRecordHandler) -> HandlerFuture<'r, Outcome> {
///     Box::pin(async move {
///         match cx.record().key() {
///             Some(key) if key.starts_with(b"test-") => Outcome::Done(Outputs::None),
///             _ => handler.call(cx).await,
///         }
///     })
/// }
///
/// let print = handler_fn(|Text(line): Text| async move { println!("{line}") });
/// let listener = Listener::record("print", print).topics(["lines"]).group("printers").layer(around(only_real));
/// # assert_eq!(listener.id(), "print");
/// ```
pub fn around<F>(function: F) -> impl Layer<BoxRecordHandler, Service: RecordHandler> + Clone
where
    F: for<'r> Fn(RecordContext<'r>, &'r BoxRecordHandler) -> HandlerFuture<'r, Outcome>
        + Clone
        + Send
        + Sync
        + 'static,
{
    layer_fn(move |handler| Around { function: function.clone(), handler })
}

/// A function around a handler.
struct Around<F> {
    function: F,
    handler: BoxRecordHandler,
}

impl<F> RecordHandler for Around<F>
where
    F: for<'r> Fn(RecordContext<'r>, &'r BoxRecordHandler) -> HandlerFuture<'r, Outcome> + Send + Sync + 'static,
{
    fn declare(&self, declaration: &mut Declaration) {
        self.handler.declare(declaration);
    }

    fn call<'r>(&'r self, cx: RecordContext<'r>) -> impl Future<Output = Outcome> + Send + 'r {
        (self.function)(cx, &self.handler)
    }
}

/// A handler in a layer. What the inner one needs is declared for it, should the layer forget to.
pub(crate) struct Layered<S, H> {
    service: S,
    inner: H,
}

impl<S: RecordHandler> Layered<S, BoxRecordHandler> {
    pub(crate) fn record(layer: &impl Layer<BoxRecordHandler, Service = S>, inner: BoxRecordHandler) -> Self {
        Self { service: layer.layer(inner.clone()), inner }
    }
}

impl<S: BatchHandler> Layered<S, BoxBatchHandler> {
    pub(crate) fn batch(layer: &impl Layer<BoxBatchHandler, Service = S>, inner: BoxBatchHandler) -> Self {
        Self { service: layer.layer(inner.clone()), inner }
    }
}

impl<S: RecordHandler> RecordHandler for Layered<S, BoxRecordHandler> {
    fn declare(&self, declaration: &mut Declaration) {
        self.inner.declare(declaration);
        self.service.declare(declaration);
    }

    fn call<'r>(&'r self, cx: RecordContext<'r>) -> impl Future<Output = Outcome> + Send + 'r {
        self.service.call(cx)
    }
}

impl<S: BatchHandler> BatchHandler for Layered<S, BoxBatchHandler> {
    fn declare(&self, declaration: &mut Declaration) {
        self.inner.declare(declaration);
        self.service.declare(declaration);
    }

    fn call<'r>(&'r self, cx: BatchContext<'r>) -> impl Future<Output = BatchOutcome> + Send + 'r {
        self.service.call(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        State, Text, batch_handler_fn, extract::Batch, handler::Outputs, handler_fn, test_support::TestRecord,
    };

    /// Forgets to declare what it goes around.
    struct Forgetful<H>(H);

    impl RecordHandler for Forgetful<BoxRecordHandler> {
        fn declare(&self, declaration: &mut Declaration) {
            declaration.needs_state::<i8>();
        }

        async fn call<'r>(&'r self, cx: RecordContext<'r>) -> Outcome {
            self.0.call(cx).await
        }
    }

    impl BatchHandler for Forgetful<BoxBatchHandler> {
        fn declare(&self, _: &mut Declaration) {}

        async fn call<'r>(&'r self, cx: BatchContext<'r>) -> BatchOutcome {
            self.0.call(cx).await
        }
    }

    fn boxed(handler: impl RecordHandler) -> BoxRecordHandler {
        BoxRecordHandler::new(Arc::new(handler))
    }

    fn dropped<'r>(_: RecordContext<'r>, _: &'r BoxRecordHandler) -> HandlerFuture<'r, Outcome> {
        Box::pin(async { Outcome::Done(Outputs::None) })
    }

    #[tokio::test]
    async fn a_layer_may_answer_in_place_of_the_handler() {
        let handler = boxed(handler_fn(|| async { "sent" }));
        let record = TestRecord::new("p");
        let Outcome::Done(Outputs::One(_)) = handler.call(record.context()).await else { panic!("nothing sent") };
        let layered = Layered::record(&around(dropped), handler);
        let outcome = layered.call(record.context()).await;
        assert!(matches!(outcome, Outcome::Done(Outputs::None)), "{outcome:?}");
    }

    #[test]
    fn what_a_handler_needs_is_declared_through_layers_once() {
        let handler = boxed(handler_fn(|_: State<u64>, _: Text| async {}));
        let layered = Layered::record(&layer_fn(Forgetful), handler);
        let layered = Layered::record(&around(dropped), boxed(layered));
        let mut declaration = Declaration::default();
        layered.declare(&mut declaration);
        let names: Vec<_> = declaration.states.iter().map(|(_, name)| *name).collect();
        assert_eq!(names, ["u64", "i8"]);
        assert_eq!(declaration.payload, Some(std::any::type_name::<Text>()));
    }

    #[test]
    fn what_a_batch_handler_needs_is_declared_through_layers() {
        let handler = batch_handler_fn(|_: Batch<String>, _: State<u64>| async {});
        let layered = Layered::batch(&layer_fn(Forgetful), BoxBatchHandler::new(Arc::new(handler)));
        let mut declaration = Declaration::default();
        layered.declare(&mut declaration);
        assert_eq!(declaration.states.len(), 1);
    }
}

//! [`Layers`]: what goes around the listeners of an application.

use std::sync::Arc;

use tower_layer::Layer;

use crate::{
    handler::{BatchHandler, BoxBatchHandler, BoxRecordHandler, RecordHandler},
    listener::Listener,
};

/// The application's layers, innermost first.
#[derive(Clone, Default)]
pub(super) struct Layers(Vec<Put>);

type Put = Arc<dyn Fn(Listener) -> Listener + Send + Sync>;

impl Layers {
    pub(super) fn add<L>(&mut self, layer: L)
    where
        L: Layer<BoxRecordHandler, Service: RecordHandler> + Send + Sync + 'static,
    {
        self.0.push(Arc::new(move |listener| if listener.is_batch() { listener } else { listener.layer(&layer) }));
    }

    pub(super) fn add_batch<L>(&mut self, layer: L)
    where
        L: Layer<BoxBatchHandler, Service: BatchHandler> + Send + Sync + 'static,
    {
        self.0
            .push(Arc::new(move |listener| if listener.is_batch() { listener.batch_layer(&layer) } else { listener }));
    }

    pub(super) fn around(&self, listener: Listener) -> Listener {
        self.0.iter().fold(listener, |listener, put| put(listener))
    }
}

//! A schema registry in this process, with faults: Confluent's REST API as far as clients of records use it.

mod faults;
mod store;

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use anyhow::Result;
use axum::{
    Json, Router,
    body::Bytes,
    extract::{Path, State},
    http::{HeaderMap, Method, StatusCode, Uri},
    response::{IntoResponse, Response},
    routing::any,
};
use serde_json::{Value, json};
use tokio::{net::TcpListener, sync::Notify, task::JoinHandle};

pub use faults::Fault;
use store::Store;

/// A registry on a port of its own.
#[derive(Debug)]
pub struct FakeRegistry {
    address: SocketAddr,
    inner: Arc<Inner>,
    server: JoinHandle<()>,
}

#[derive(Debug, Default)]
struct Inner {
    store: Mutex<Store>,
    fault: Mutex<Option<Fault>>,
    requests: Mutex<Vec<String>>,
    asked: Notify,
    authorization: Mutex<Option<String>>,
}

impl FakeRegistry {
    /// An empty one.
    ///
    /// # Errors
    /// If no port can be had.
    pub async fn start() -> Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let address = listener.local_addr()?;
        let inner = Arc::<Inner>::default();
        let router = Router::new().route("/api/{*path}", any(answer)).with_state(Arc::clone(&inner));
        let server = tokio::spawn(async move {
            // It ends with the test's runtime.
            drop(axum::serve(listener, router).await);
        });
        Ok(Self { address, inner, server })
    }

    /// Its URL, with a path as those behind a proxy have.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}/api/", self.address)
    }

    /// Has every request end like this from now on; `None`: as it should.
    pub fn fault(&self, fault: Option<Fault>) {
        *lock(&self.inner.fault) = fault;
    }

    /// Wants this header `Authorization`.
    pub fn wants(&self, authorization: &str) {
        *lock(&self.inner.authorization) = Some(authorization.to_owned());
    }

    /// Keeps a schema, as if somebody else had registered it; its id.
    #[must_use]
    pub fn keep(&self, subject: &str, schema: &Value) -> u32 {
        lock(&self.inner.store).register(subject, schema)
    }

    /// Has a subject refuse other schemas than those it has, as incompatible.
    pub fn freeze(&self, subject: &str) {
        lock(&self.inner.store).freeze(subject);
    }

    /// The subjects with their schemas, in the order of their versions.
    #[must_use]
    pub fn versions(&self, subject: &str) -> Vec<Value> {
        lock(&self.inner.store).versions(subject)
    }

    /// What was asked, as `GET /schemas/ids/1`, in order.
    #[must_use]
    pub fn requests(&self) -> Vec<String> {
        lock(&self.inner.requests).clone()
    }

    /// Resolves with the next request, and at once for one that nobody waited for.
    pub async fn next_request(&self) {
        self.inner.asked.notified().await;
    }

    /// Stops it: nobody listens on its port any more.
    pub fn stop(&self) {
        self.server.abort();
    }
}

impl Drop for FakeRegistry {
    fn drop(&mut self) {
        self.server.abort();
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn answer(
    State(inner): State<Arc<Inner>>,
    Path(path): Path<String>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let query = uri.query().map(|query| format!("?{query}")).unwrap_or_default();
    lock(&inner.requests).push(format!("{method} /{path}{query}"));
    inner.asked.notify_one();
    let fault = lock(&inner.fault).clone();
    if let Some(fault) = fault
        && let Some(response) = fault.answer(method == Method::POST).await
    {
        return response;
    }
    let wanted = lock(&inner.authorization).clone();
    if wanted.is_some() && headers.get("authorization").and_then(|value| value.to_str().ok()) != wanted.as_deref() {
        return refused(StatusCode::UNAUTHORIZED, 40101, "who are you?");
    }
    let body: Value = serde_json::from_slice(&body).unwrap_or_default();
    let parts: Vec<&str> = path.split('/').collect();
    let mut store = lock(&inner.store);
    let answered = match (method.as_str(), parts.as_slice()) {
        ("GET", ["schemas", "ids", id]) => store.by_id(id),
        ("GET", ["subjects", subject, "versions", version]) => store.version(subject, version),
        ("POST", ["subjects", subject, "versions"]) => store.post(subject, &body),
        ("POST", ["subjects", subject]) => store.lookup(subject, &body),
        _ => Err((StatusCode::NOT_FOUND, 404, "HTTP 404 Not Found")),
    };
    match answered {
        Ok(answer) => Json(answer).into_response(),
        Err((status, code, message)) => refused(status, code, message),
    }
}

fn refused(status: StatusCode, code: u32, message: &str) -> Response {
    (status, Json(json!({ "error_code": code, "message": message }))).into_response()
}

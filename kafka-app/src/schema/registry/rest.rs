//! [`Rest`]: the requests, over the registry's URLs, with retries.

use std::{
    fs,
    sync::atomic::{AtomicUsize, Ordering::Relaxed},
    time::Duration,
};

use reqwest::{Certificate, Client, Method, RequestBuilder, StatusCode, Url, header};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::answer::{Problem, Registered, Stored};
use crate::{
    config::SchemaRegistryProperties,
    error::{Error, ErrorKind, Result},
    error_handler::random,
    schema::{Schema, SchemaFormat},
};

const CONTENT_TYPE: &str = "application/vnd.schemaregistry.v1+json";

/// Bytes of an answer that are read at most: no schema is longer.
const LONGEST_ANSWER: usize = 64 * 1024 * 1024;

/// The REST API of a schema registry.
pub(super) struct Rest {
    http: Client,
    urls: Vec<Url>,
    /// The URL that answered last.
    current: AtomicUsize,
    authorization: Option<Authorization>,
    normalize: bool,
    max_retries: u32,
    wait: Duration,
    max_wait: Duration,
}

enum Authorization {
    Basic(String, String),
    Bearer(String),
}

/// Why there is no answer of use.
#[derive(Debug)]
pub(super) enum Refusal {
    /// None of the URLs answered, or they answered that they cannot now: ask again later.
    NoAnswer(Error),
    /// The registry said no, in its own words.
    Refused(Error),
}

/// What one URL said.
enum Said {
    Body(Vec<u8>),
    Problem(StatusCode, Problem),
    Nothing(String),
}

impl Rest {
    pub(super) fn new(settings: &SchemaRegistryProperties) -> Result<Self> {
        let urls = settings.url.iter().map(|url| url_of(url)).collect::<Result<Vec<_>>>()?;
        let mut http = Client::builder()
            .connect_timeout(settings.connect_timeout)
            .timeout(settings.read_timeout)
            .user_agent(concat!("kafka-app/", env!("CARGO_PKG_VERSION")));
        for certificate in certificates(settings.trust_store_location.as_deref())? {
            http = http.add_root_certificate(certificate);
        }
        let http = http.build().map_err(|error| {
            Error::new(ErrorKind::Config, "the client of the schema registry cannot be made").with_source(error)
        })?;
        Ok(Self {
            http,
            urls,
            current: AtomicUsize::new(0),
            authorization: authorization(settings),
            normalize: settings.normalize_schemas,
            max_retries: settings.max_retries,
            wait: settings.retries_wait,
            max_wait: settings.retries_max_wait,
        })
    }

    /// The schema of an id.
    pub(super) async fn schema(&self, id: u32) -> Result<Stored, Refusal> {
        self.call(&Method::GET, &["schemas", "ids", &id.to_string()], None).await
    }

    /// A version of a subject.
    pub(super) async fn version(&self, subject: &str, version: u32) -> Result<Stored, Refusal> {
        self.call(&Method::GET, &["subjects", subject, "versions", &version.to_string()], None).await
    }

    /// The latest version of a subject.
    pub(super) async fn latest(&self, subject: &str) -> Result<Stored, Refusal> {
        self.call(&Method::GET, &["subjects", subject, "versions", "latest"], None).await
    }

    /// Registers a schema, or finds it registered.
    pub(super) async fn register(&self, subject: &str, schema: &Schema) -> Result<Registered, Refusal> {
        self.call(&Method::POST, &["subjects", subject, "versions"], Some(&body_of(schema))).await
    }

    /// Finds a schema that is registered.
    pub(super) async fn lookup(&self, subject: &str, schema: &Schema) -> Result<Registered, Refusal> {
        self.call(&Method::POST, &["subjects", subject], Some(&body_of(schema))).await
    }

    async fn call<T: DeserializeOwned>(
        &self,
        method: &Method,
        path: &[&str],
        body: Option<&Value>,
    ) -> Result<T, Refusal> {
        let mut wait = self.wait;
        let mut n_retries = 0;
        loop {
            let why = match self.round(method, path, body).await {
                Ok(Said::Body(bytes)) => {
                    // A proxy's page, say: not the registry's word.
                    match serde_json::from_slice(&bytes) {
                        Ok(answer) => return Ok(answer),
                        Err(_) => "the answer is not a schema registry's".to_owned(),
                    }
                }
                Ok(Said::Problem(status, problem)) => return Err(Refusal::Refused(said(status, &problem))),
                Ok(Said::Nothing(why)) | Err(why) => why,
            };
            if n_retries >= self.max_retries {
                let text = format!("the schema registry does not answer ({})", self.hosts());
                return Err(Refusal::NoAnswer(Error::new(ErrorKind::Unavailable, text).with_source(why)));
            }
            n_retries += 1;
            tokio::time::sleep(wait.mul_f64(0.5 + random() / 2.0)).await;
            wait = wait.saturating_mul(2).min(self.max_wait);
        }
    }

    /// Asks each URL until one has an answer; what the last said otherwise. A URL that does not know something is passed over
    /// for one that may, since replicas lag behind; so it is unknown when all of them say so, and none of them is silent.
    async fn round(&self, method: &Method, path: &[&str], body: Option<&Value>) -> Result<Said, String> {
        let first = self.current.load(Relaxed);
        let (mut unknown, mut silent) = (None, None);
        for nth in 0..self.urls.len() {
            let index = (first + nth) % self.urls.len();
            match self.ask(&self.urls[index], method, path, body).await {
                said @ Said::Problem(StatusCode::NOT_FOUND, _) => unknown = Some(said),
                said @ (Said::Body(_) | Said::Problem(..)) => {
                    self.current.store(index, Relaxed);
                    return Ok(said);
                }
                Said::Nothing(why) => silent = Some(why),
            }
        }
        match (silent, unknown) {
            (Some(why), _) => Err(why),
            (None, Some(unknown)) => Ok(unknown),
            (None, None) => Err("it has no URL".to_owned()),
        }
    }

    async fn ask(&self, base: &Url, method: &Method, path: &[&str], body: Option<&Value>) -> Said {
        let mut url = base.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(path);
        }
        if self.normalize && body.is_some() {
            url.query_pairs_mut().append_pair("normalize", "true");
        }
        let mut request = self.authorized(self.http.request(method.clone(), url)).header(header::ACCEPT, CONTENT_TYPE);
        if let Some(body) = body {
            request = request.header(header::CONTENT_TYPE, CONTENT_TYPE).body(body.to_string());
        }
        let answer = match request.send().await {
            Ok(answer) => answer,
            Err(error) => return Said::Nothing(chain(&error.without_url())),
        };
        let status = answer.status();
        if answer.content_length().is_some_and(|len| len > LONGEST_ANSWER as u64) {
            return Said::Nothing("its answer is too long".to_owned());
        }
        match answer.bytes().await {
            Err(error) => Said::Nothing(chain(&error.without_url())),
            Ok(body) if status.is_success() => Said::Body(body.into()),
            Ok(body) => problem(status, &body),
        }
    }

    fn authorized(&self, request: RequestBuilder) -> RequestBuilder {
        match &self.authorization {
            None => request,
            Some(Authorization::Basic(user, password)) => request.basic_auth(user, Some(password)),
            Some(Authorization::Bearer(token)) => request.bearer_auth(token),
        }
    }

    /// The URLs without what may be secret in them.
    fn hosts(&self) -> String {
        let host = |url: &Url| match (url.host_str(), url.port_or_known_default()) {
            (Some(host), Some(port)) => format!("{host}:{port}"),
            (host, _) => host.unwrap_or_default().to_owned(),
        };
        self.urls.iter().map(host).collect::<Vec<_>>().join(", ")
    }
}

/// Whether the registry said no, or that it cannot say anything now. Credentials that are refused count as the latter: they
/// are mended outside, and no record is to be given up for them.
fn problem(status: StatusCode, body: &[u8]) -> Said {
    let problem: Problem = serde_json::from_slice(body).unwrap_or_default();
    let is_temporary = status.is_server_error()
        || matches!(
            status,
            StatusCode::UNAUTHORIZED
                | StatusCode::FORBIDDEN
                | StatusCode::PROXY_AUTHENTICATION_REQUIRED
                | StatusCode::REQUEST_TIMEOUT
                | StatusCode::TOO_MANY_REQUESTS
        )
        // A page of a proxy that does not find its backend is no word of a registry about an id.
        || (status == StatusCode::NOT_FOUND && problem.error_code.is_none());
    if is_temporary { Said::Nothing(said(status, &problem).to_string()) } else { Said::Problem(status, problem) }
}

fn said(status: StatusCode, problem: &Problem) -> Error {
    let code = problem.error_code.map_or_else(|| status.as_u16().to_string(), |code| code.to_string());
    let message =
        if problem.message.is_empty() { status.canonical_reason().unwrap_or("no reason") } else { &problem.message };
    Error::new(ErrorKind::Refused, format!("the schema registry says {code}: {message}"))
}

/// An error with its causes: reqwest's own text leaves them out.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}

fn body_of(schema: &Schema) -> Value {
    match schema.format {
        // Without the type, which registries of old do not know.
        SchemaFormat::Avro => json!({ "schema": schema.text }),
        format => json!({ "schema": schema.text, "schemaType": format.as_str() }),
    }
}

fn url_of(text: &str) -> Result<Url> {
    let wrong = || Error::new(ErrorKind::Config, "a URL of `kafka.schema-registry.url` cannot be used");
    let url = Url::parse(text.trim()).map_err(|error| wrong().with_source(error))?;
    if url.cannot_be_a_base() { Err(wrong()) } else { Ok(url) }
}

fn certificates(location: Option<&str>) -> Result<Vec<Certificate>> {
    let Some(path) = location.map(|location| location.strip_prefix("file:").unwrap_or(location)) else {
        return Ok(Vec::new());
    };
    let wrong = || {
        let text = format!(
            "`kafka.schema-registry.ssl.trust-store-location`: `{path}` has no PEM certificates that can be read"
        );
        Error::new(ErrorKind::Config, text)
    };
    let pem = fs::read(path).map_err(|error| wrong().with_source(error))?;
    Certificate::from_pem_bundle(&pem).map_err(|error| wrong().with_source(error))
}

fn authorization(settings: &SchemaRegistryProperties) -> Option<Authorization> {
    let basic = settings.basic_auth.as_ref().map(|user_info| {
        let (user, password) = user_info.expose().split_once(':').unwrap_or((user_info.expose(), ""));
        Authorization::Basic(user.to_owned(), password.to_owned())
    });
    basic.or_else(|| settings.bearer_token.as_ref().map(|token| Authorization::Bearer(token.expose().to_owned())))
}

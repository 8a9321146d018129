//! [`Conf`]: properties on their way into a client.

use std::{
    ffi::{CStr, c_char, c_int, c_void},
    mem::ManuallyDrop,
    ptr::NonNull,
    sync::Arc,
};

use rdkafka::bindings as sys;

use super::{
    consumer::NativeConsumer,
    openssl::outlive_main,
    state_changes::tell_state_changes,
    text::{buffer_text, c_string},
};
use crate::{
    client::brokers::Connections,
    error::{Error, ErrorKind, Result},
};

/// A configuration until a client is made of it.
pub(super) struct Conf {
    conf: NonNull<sys::rd_kafka_conf_t>,
    /// Of what: `consumer`.
    role: &'static str,
}

/// What librdkafka's background thread calls with each event, and with what it was given.
pub(super) type OnEvent = unsafe extern "C" fn(*mut sys::rd_kafka_t, *mut sys::rd_kafka_event_t, *mut c_void);

impl Conf {
    pub(super) fn new(role: &'static str) -> Self {
        outlive_main();
        // SAFETY: no precondition. librdkafka's allocations end the process rather than give null.
        let conf = unsafe { sys::rd_kafka_conf_new() };
        let conf =
            NonNull::new(conf).unwrap_or_else(|| std::alloc::handle_alloc_error(std::alloc::Layout::new::<Self>()));
        Self { conf, role }
    }

    fn as_ptr(&self) -> *mut sys::rd_kafka_conf_t {
        self.conf.as_ptr()
    }

    pub(super) fn set(&mut self, key: &str, value: &str) -> Result<()> {
        let (name, text) = (c_string(key, "property name")?, c_string(value, key)?);
        let mut error = [0; 512];
        // SAFETY: a valid configuration, strings that end with a zero, and a buffer with its length.
        let res = unsafe {
            sys::rd_kafka_conf_set(self.as_ptr(), name.as_ptr(), text.as_ptr(), error.as_mut_ptr(), error.len())
        };
        match res {
            sys::rd_kafka_conf_res_t::RD_KAFKA_CONF_OK => Ok(()),
            _ => Err(refused(&format!("{} property `{key}`", self.role), &buffer_text(&error))),
        }
    }

    /// A client without a group whose events, errors among them, a thread of librdkafka's calls `on_event` with.
    ///
    /// # Safety
    /// What `opaque` points to is what `on_event` takes, and outlives the client; so do the connections.
    pub(super) unsafe fn into_admin(
        self,
        on_event: OnEvent,
        opaque: *mut c_void,
        connections: &Arc<Connections>,
    ) -> Result<NonNull<sys::rd_kafka_t>> {
        // SAFETY: a valid configuration; the caller's promise.
        unsafe {
            tell_state_changes(self.as_ptr(), connections);
            sys::rd_kafka_conf_set_background_event_cb(self.as_ptr(), Some(on_event));
            sys::rd_kafka_conf_set_opaque(self.as_ptr(), opaque);
            sys::rd_kafka_conf_set_events(self.as_ptr(), sys::RD_KAFKA_EVENT_ERROR);
        }
        self.into_client(sys::rd_kafka_type_t::RD_KAFKA_PRODUCER)
    }

    /// A consumer that tells `connections` what becomes of them.
    pub(super) fn into_consumer(self, connections: Arc<Connections>) -> Result<NativeConsumer> {
        let events = sys::RD_KAFKA_EVENT_REBALANCE | sys::RD_KAFKA_EVENT_OFFSET_COMMIT | sys::RD_KAFKA_EVENT_ERROR;
        // SAFETY: a valid configuration; the client keeps the connections.
        unsafe {
            tell_state_changes(self.as_ptr(), &connections);
            sys::rd_kafka_conf_set_events(self.as_ptr(), events);
        }
        let rk = self.into_client(sys::rd_kafka_type_t::RD_KAFKA_CONSUMER)?;
        Ok(NativeConsumer::owning(rk, connections))
    }

    fn into_client(self, kind: sys::rd_kafka_type_t) -> Result<NonNull<sys::rd_kafka_t>> {
        let mut error = [0; 512];
        // SAFETY: a valid configuration; `log` is a function without state; the buffer comes with its length.
        let rk = unsafe {
            sys::rd_kafka_conf_set_log_cb(self.as_ptr(), Some(log));
            sys::rd_kafka_new(kind, self.as_ptr(), error.as_mut_ptr(), error.len())
        };
        // It belongs to the client now. If there is none it is leaked: where librdkafka fails late (a login that it
        // cannot do, a key that it cannot read) it has freed what `tell_state_changes` put in there, which destroying
        // it would free again.
        let conf = ManuallyDrop::new(self);
        match NonNull::new(rk) {
            Some(rk) => Ok(rk),
            None => Err(refused(&format!("cannot make the {} of its properties", conf.role), &buffer_text(&error))),
        }
    }
}

/// What librdkafka says of a property; where a build has not got what that needs, what to do.
fn refused(what: &str, why: &str) -> Error {
    Error::new(ErrorKind::Config, format!("{what}: {why}{}", not_built_in(why)))
}

/// What to do, where librdkafka refuses what comes with a feature or not at all; else nothing.
pub(crate) fn not_built_in(why: &str) -> &'static str {
    match why.split_once("No provider for SASL mechanism ") {
        Some((_, mechanism)) if mechanism.starts_with("GSSAPI") => {
            ": no build of kafka-app has Kerberos (GSSAPI); `sasl.mechanism` says another one"
        }
        None if !why.contains("OpenSSL not available at build time") => "",
        _ => NO_OPENSSL,
    }
}

/// What to do in a build without it.
const NO_OPENSSL: &str = ": this build has no OpenSSL, which clients need for TLS, SCRAM and OAUTHBEARER: it comes with the \
    feature `tls-vendored` or `tls-system` of kafka-app (for the program: cargo install --path kafka-app --features \
    cli,tls-vendored)";

/// Whether librdkafka was built with a feature, by its name in `builtin.features`.
pub(crate) fn is_built_with(feature: &str) -> bool {
    let conf = Conf::new("client");
    let mut text = [0; 512];
    let mut len = text.len();
    // SAFETY: a valid configuration, a name that ends with a zero, and a buffer with its length.
    let res =
        unsafe { sys::rd_kafka_conf_get(conf.as_ptr(), c"builtin.features".as_ptr(), text.as_mut_ptr(), &raw mut len) };
    res == sys::rd_kafka_conf_res_t::RD_KAFKA_CONF_OK && buffer_text(&text).split(',').any(|name| name == feature)
}

impl Drop for Conf {
    fn drop(&mut self) {
        // SAFETY: still ours: `into_client` keeps it from being dropped.
        unsafe { sys::rd_kafka_conf_destroy(self.as_ptr()) }
    }
}

/// librdkafka's log lines as `tracing` events; called from its own threads, so a subscriber that panics is caught.
unsafe extern "C" fn log(rk: *const sys::rd_kafka_t, level: c_int, facility: *const c_char, text: *const c_char) {
    if facility.is_null() || text.is_null() {
        return;
    }
    // SAFETY: librdkafka passes two strings that live for the call.
    let (facility, text) =
        unsafe { (CStr::from_ptr(facility).to_string_lossy(), CStr::from_ptr(text).to_string_lossy()) };
    let (facility, text) = (facility.trim(), text.trim());
    // SAFETY: a client that logs is alive, and so is its name as long as it is.
    let client = unsafe { (!rk.is_null()).then(|| CStr::from_ptr(sys::rd_kafka_name(rk)).to_string_lossy()) };
    let client = client.as_deref();
    let emit = std::panic::AssertUnwindSafe(|| match level {
        0..=3 => tracing::error!(target: "librdkafka", client, facility, "{text}"),
        4 => tracing::warn!(target: "librdkafka", client, facility, "{text}"),
        5 | 6 => tracing::info!(target: "librdkafka", client, facility, "{text}"),
        _ => tracing::debug!(target: "librdkafka", client, facility, "{text}"),
    });
    // A panic must not unwind into C; there is nobody to tell about it.
    drop(std::panic::catch_unwind(emit));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_build_has_not_got_is_told_with_what_brings_it() {
        let no_tls = "Unsupported value \"SSL\" for configuration property \"security.protocol\": OpenSSL not available at build time";
        let no_provider = |mechanism| format!("No provider for SASL mechanism {mechanism}: recompile librdkafka");
        for (why, hint) in [
            (no_tls.to_owned(), Some("tls-vendored")),
            (no_provider("SCRAM-SHA-256"), Some("tls-vendored")),
            (no_provider("GSSAPI"), Some("Kerberos")),
            ("Invalid value".to_owned(), None),
        ] {
            let text = refused("consumer property `x`", &why).to_string();
            assert!(text.contains(&why), "{text}");
            match hint {
                Some(hint) => assert!(text.contains(hint), "{text}"),
                None => assert!(text.ends_with(&why), "{text}"),
            }
        }
    }
}

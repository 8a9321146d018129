//! OpenSSL, in builds whose librdkafka has it.

/// Keeps OpenSSL from tidying up when the process ends: clients are taken down by threads of their own, which may still use it
/// by then, and the process would end in a double free. Whoever comes first to OpenSSL decides, so this is called before
/// librdkafka is.
#[cfg(any(feature = "tls-system", feature = "tls-vendored"))]
pub(crate) fn outlive_main() {
    use std::{
        ffi::{c_int, c_void},
        ptr,
        sync::Once,
    };

    unsafe extern "C" {
        fn OPENSSL_init_crypto(options: u64, settings: *const c_void) -> c_int;
    }
    /// `OPENSSL_INIT_NO_ATEXIT`, of OpenSSL 1.1.1 and later.
    const NO_ATEXIT: u64 = 0x0008_0000;
    static FIRST: Once = Once::new();
    FIRST.call_once(|| {
        // SAFETY: may be called at any time and from any thread; null stands for no settings. Where it fails all stays as it is.
        let _done = unsafe { OPENSSL_init_crypto(NO_ATEXIT, ptr::null()) };
    });
}

#[cfg(not(any(feature = "tls-system", feature = "tls-vendored")))]
pub(crate) const fn outlive_main() {}

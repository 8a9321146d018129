//! PKCS#12 key stores: what `keytool` makes unless it is told otherwise, and `openssl pkcs12`.

use p12_keystore::{KeyStore, KeyStoreEntry};

use super::stores::{Entries, KeyEntry, WRONG_PASSWORD};

/// Reads a store; its keys have the password of the store.
///
/// # Errors
///
/// The password is wrong, or it is no store.
pub(super) fn read(bytes: &[u8], password: Option<&str>) -> Result<Entries, String> {
    let store = KeyStore::from_pkcs12(bytes, password.unwrap_or_default()).map_err(|error| match error {
        p12_keystore::error::Error::MacError(_) | p12_keystore::error::Error::UnpadError => WRONG_PASSWORD.to_owned(),
        other => format!("it is not read as PKCS12: {other}"),
    })?;
    let mut entries = Entries::default();
    for (_, entry) in store.entries() {
        match entry {
            KeyStoreEntry::PrivateKeyChain(own) => {
                let chain = own.chain().iter().map(|certificate| certificate.as_der().to_vec()).collect();
                entries.keys.push(KeyEntry { key: own.key().to_vec(), chain });
            }
            KeyStoreEntry::Certificate(certificate) => entries.certificates.push(certificate.as_der().to_vec()),
            KeyStoreEntry::Secret(_) => {}
        }
    }
    Ok(entries)
}

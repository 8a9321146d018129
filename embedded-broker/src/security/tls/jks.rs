//! Java's own key stores: `keytool -storetype JKS`.
//!
//! Read here because no crate that is kept does it without OpenSSL or a second ASN.1 library. A store is its entries one after
//! the other, and a SHA-1 of everything behind its password, which tells a wrong one. Keys are hidden behind a stream of
//! SHA-1s that begins with a salt.

use sha1::{Digest, Sha1};
use x509_cert::der::asn1::OctetStringRef;
use x509_cert::der::{Decode, Reader, SliceReader};
use x509_cert::spki::AlgorithmIdentifierRef;

use super::stores::{Entries, KeyEntry, WRONG_PASSWORD};

/// How every store begins.
pub(super) const MAGIC: [u8; 4] = [0xFE, 0xED, 0xFE, 0xED];

const KEY: u32 = 1;
const CERTIFICATE: u32 = 2;
const HASH: usize = 20;

/// Reads a store. Without a password it is taken as it is, as Java does, and its keys cannot be read.
///
/// # Errors
///
/// The password is wrong, or it is no store.
pub(super) fn read(bytes: &[u8], password: Option<&str>, key_password: Option<&str>) -> Result<Entries, String> {
    let (body, hash) = bytes.split_at_checked(bytes.len().saturating_sub(HASH)).ok_or_else(cut_off)?;
    if let Some(password) = password {
        let own = Sha1::new().chain_update(utf16(password)).chain_update("Mighty Aphrodite").chain_update(body);
        if own.finalize().as_slice() != hash {
            return Err(WRONG_PASSWORD.to_owned());
        }
    }
    let mut rest = Rest(body);
    rest.take(MAGIC.len())?;
    let version = rest.number()?;
    if !(1..=2).contains(&version) {
        return Err(format!("version {version} of JKS is not known"));
    }
    let mut entries = Entries::default();
    for _ in 0..rest.number()? {
        let kind = rest.number()?;
        let alias = rest.text()?;
        rest.take(8)?;
        match kind {
            KEY => {
                let hidden = rest.block()?;
                let count = rest.number()?;
                let chain = (0..count).map(|_| rest.certificate(version)).collect::<Result<_, _>>()?;
                let key = reveal(hidden, key_password).map_err(|why| format!("the key of {alias}: {why}"))?;
                entries.keys.push(KeyEntry { key, chain });
            }
            CERTIFICATE => entries.certificates.push(rest.certificate(version)?),
            other => return Err(format!("{alias} is of kind {other}, which is neither a key nor a certificate")),
        }
    }
    Ok(entries)
}

/// The key in PKCS#8, without its cover.
fn reveal(hidden: &[u8], password: Option<&str>) -> Result<Vec<u8>, String> {
    let unreadable = |_| "its cover is not read".to_owned();
    let covered = SliceReader::new(hidden)
        .and_then(|mut reader| {
            reader.sequence(|reader| {
                AlgorithmIdentifierRef::decode(reader)?;
                OctetStringRef::decode(reader).map(|bytes| bytes.as_bytes())
            })
        })
        .map_err(unreadable)?;
    let password = utf16(password.ok_or("it needs a password")?);
    let (salt, rest) = covered.split_at_checked(HASH).ok_or_else(cut_off)?;
    let (covered, hash) = rest.split_at_checked(rest.len().saturating_sub(HASH)).ok_or_else(cut_off)?;
    let mut stream = salt.to_vec();
    let mut key = Vec::with_capacity(covered.len());
    for piece in covered.chunks(HASH) {
        stream = Sha1::new().chain_update(&password).chain_update(&stream).finalize().to_vec();
        key.extend(piece.iter().zip(&stream).map(|(one, other)| one ^ other));
    }
    let own = Sha1::new().chain_update(&password).chain_update(&key).finalize();
    if own.as_slice() == hash { Ok(key) } else { Err(WRONG_PASSWORD.to_owned()) }
}

/// Passwords are hashed as Java holds them.
fn utf16(password: &str) -> Vec<u8> {
    password.encode_utf16().flat_map(u16::to_be_bytes).collect()
}

fn cut_off() -> String {
    "it is cut off".to_owned()
}

/// What is left of a store.
struct Rest<'a>(&'a [u8]);

impl<'a> Rest<'a> {
    fn take(&mut self, len: usize) -> Result<&'a [u8], String> {
        let (taken, rest) = self.0.split_at_checked(len).ok_or_else(cut_off)?;
        self.0 = rest;
        Ok(taken)
    }

    fn number(&mut self) -> Result<u32, String> {
        Ok(self.take(4)?.iter().fold(0, |number, byte| number << 8 | u32::from(*byte)))
    }

    fn block(&mut self) -> Result<&'a [u8], String> {
        let len = self.number()?;
        self.take(usize::try_from(len).map_err(|_| cut_off())?)
    }

    fn text(&mut self) -> Result<String, String> {
        let len = self.take(2)?.iter().fold(0, |len, byte| len << 8 | usize::from(*byte));
        Ok(String::from_utf8_lossy(self.take(len)?).into_owned())
    }

    fn certificate(&mut self, version: u32) -> Result<Vec<u8>, String> {
        if version >= 2 {
            let kind = self.text()?;
            if kind != "X.509" {
                return Err(format!("a certificate is {kind}, and not X.509"));
            }
        }
        self.block().map(<[u8]>::to_vec)
    }
}

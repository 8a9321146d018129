//! SCRAM (RFC 5802): the server's side of the conversation, and in [`client`] the other one.

use hmac::{Hmac, Mac};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256, Sha512};
use subtle::ConstantTimeEq;

use self::credentials::ScramCredential;
use self::messages::{ClientFinal, ClientFirst};
use super::exchange::{Failure, Proven, Step, Surroundings};

pub(crate) mod client;
pub(crate) mod credentials;
mod messages;
#[cfg(test)]
mod tests;

/// The hash of a SCRAM mechanism.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) enum ScramHash {
    Sha256,
    Sha512,
}

impl ScramHash {
    pub(crate) const ALL: [Self; 2] = [Self::Sha256, Self::Sha512];

    /// That of a mechanism, by its name.
    fn of_mechanism(mechanism: &str) -> Option<Self> {
        match mechanism {
            "SCRAM-SHA-256" => Some(Self::Sha256),
            "SCRAM-SHA-512" => Some(Self::Sha512),
            _ => None,
        }
    }

    fn hash(self, bytes: &[u8]) -> Vec<u8> {
        match self {
            Self::Sha256 => Sha256::digest(bytes).to_vec(),
            Self::Sha512 => Sha512::digest(bytes).to_vec(),
        }
    }

    fn hmac(self, key: &[u8], text: &[u8]) -> Vec<u8> {
        // HMAC takes keys of any length, so neither constructor fails.
        match self {
            Self::Sha256 => Hmac::<Sha256>::new_from_slice(key)
                .map(|mac| mac.chain_update(text).finalize().into_bytes().to_vec())
                .unwrap_or_default(),
            Self::Sha512 => Hmac::<Sha512>::new_from_slice(key)
                .map(|mac| mac.chain_update(text).finalize().into_bytes().to_vec())
                .unwrap_or_default(),
        }
    }

    /// The password as a client sends it to be stored: hashed over and over with the salt.
    fn salted(self, password: &str, salt: &[u8], iterations: u32) -> Vec<u8> {
        match self {
            Self::Sha256 => pbkdf2::pbkdf2_hmac_array::<Sha256, 32>(password.as_bytes(), salt, iterations).to_vec(),
            Self::Sha512 => pbkdf2::pbkdf2_hmac_array::<Sha512, 64>(password.as_bytes(), salt, iterations).to_vec(),
        }
    }
}

/// A password as a client sends it to be stored, by the name of the mechanism.
pub(crate) fn salted_password_of(mechanism: &str, password: &str, salt: &[u8], iterations: u32) -> Option<Vec<u8>> {
    Some(ScramHash::of_mechanism(mechanism)?.salted(password, salt, iterations))
}

/// One conversation: the client's name, our challenge, the client's proof, ours.
#[derive(Debug)]
pub(crate) struct ScramServer {
    hash: ScramHash,
    challenged: Option<Challenged>,
}

/// What must be remembered between the two messages of the client.
struct Challenged {
    name: String,
    credential: ScramCredential,
    nonce: String,
    /// The client's first message and our answer, which the proof covers.
    transcript: String,
}

impl std::fmt::Debug for Challenged {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Challenged").field(&self.name).finish()
    }
}

impl ScramServer {
    pub(crate) fn new(hash: ScramHash) -> Self {
        Self { hash, challenged: None }
    }

    pub(super) fn evaluate(&mut self, token: &[u8], around: &Surroundings<'_>) -> Result<Step, Failure> {
        let text = std::str::from_utf8(token).map_err(|_| Failure::hidden("a SCRAM message is not UTF-8"))?;
        match self.challenged.take() {
            None => self.challenge(text, around),
            Some(challenged) => self.verify(text, &challenged),
        }
    }

    fn challenge(&mut self, text: &str, around: &Surroundings<'_>) -> Result<Step, Failure> {
        let first =
            ClientFirst::parse(text).ok_or_else(|| Failure::hidden("Invalid SCRAM client first message format"))?;
        if first.is_delegation_token() {
            return Err(Failure::hidden("Token Authentication failed: there are no delegation tokens"));
        }
        let name = first.user_name().ok_or_else(|| Failure::hidden("Invalid username"))?;
        let credential = (around.credential)(self.hash, &name);
        let credential =
            credential.ok_or_else(|| Failure::hidden("Authentication failed: Invalid user credentials"))?;
        if !first.authorization_id.is_empty() && first.authorization_id != name {
            let why = "Authentication failed: Client requested an authorization id that is different from username";
            return Err(Failure::told(why));
        }
        let nonce = format!("{}{}", first.nonce, (around.nonce)());
        let challenge = messages::server_first(&nonce, &credential.salt, credential.iterations);
        let transcript = format!("{},{challenge}", first.bare);
        self.challenged = Some(Challenged { name, credential, nonce, transcript });
        Ok(Step::Challenge(challenge.into_bytes()))
    }

    fn verify(&self, text: &str, challenged: &Challenged) -> Result<Step, Failure> {
        let last =
            ClientFinal::parse(text).ok_or_else(|| Failure::hidden("Invalid SCRAM client final message format"))?;
        if last.nonce != challenged.nonce {
            return Err(Failure::hidden("Invalid client nonce in the final client message."));
        }
        let ScramCredential { stored_key, server_key, .. } = &challenged.credential;
        let covered = format!("{},{}", challenged.transcript, last.without_proof);
        let signature = self.hash.hmac(stored_key, covered.as_bytes());
        let client_key: Vec<u8> = signature.iter().zip(&last.proof).map(|(a, b)| a ^ b).collect();
        let proves = last.proof.len() == signature.len()
            && bool::from(self.hash.hash(&client_key).as_slice().ct_eq(stored_key.as_slice()));
        if !proves {
            return Err(Failure::hidden("Invalid client credentials"));
        }
        let token = messages::server_final(&self.hash.hmac(server_key, covered.as_bytes())).into_bytes();
        Ok(Step::Done(Proven { name: challenged.name.clone(), token, expires_ms: None }))
    }
}

//! [`ScramClient`]: the client's side of the conversation.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use subtle::ConstantTimeEq;

use super::ScramHash;

/// As many rounds as a broker may ask for: who asks for more wants to keep the client busy.
const MAX_ITERATIONS: u32 = 1_000_000;

/// One conversation: our name, the server's challenge, our proof, the server's.
pub struct ScramClient {
    hash: ScramHash,
    password: String,
    nonce: String,
    /// The first message without its header, which the proofs cover.
    bare: String,
    /// What the server has to prove itself by, once it has challenged us.
    expected: Option<Vec<u8>>,
}

impl std::fmt::Debug for ScramClient {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("ScramClient").field(&self.bare).finish()
    }
}

impl ScramClient {
    /// A conversation by one of the mechanisms `SCRAM-SHA-256` and `SCRAM-SHA-512`; `None` for another one.
    ///
    /// The nonce must be of printable characters without commas, and never have been used before.
    #[must_use]
    pub fn new(mechanism: &str, user: &str, password: &str, nonce: String) -> Option<Self> {
        let hash = ScramHash::of_mechanism(mechanism)?;
        let name = user.replace('=', "=3D").replace(',', "=2C");
        let bare = format!("n={name},r={nonce}");
        Some(Self { hash, password: password.to_owned(), nonce, bare, expected: None })
    }

    /// The first message.
    #[must_use]
    pub fn first(&self) -> String {
        format!("n,,{}", self.bare)
    }

    /// The answer to the server's challenge.
    ///
    /// # Errors
    ///
    /// It is none, or not one to answer: another nonce, too few or too many iterations.
    pub fn prove(&mut self, challenge: &[u8]) -> Result<String, String> {
        let challenge = std::str::from_utf8(challenge).map_err(|_| "the challenge is not UTF-8".to_owned())?;
        let mut fields = challenge.split(',');
        let mut field = |name: &str| {
            let value = fields.next().and_then(|field| field.strip_prefix(name));
            value.ok_or_else(|| format!("Invalid SCRAM server first message format: {challenge}"))
        };
        let (nonce, salt, iterations) = (field("r=")?, field("s=")?, field("i=")?);
        if !nonce.starts_with(&self.nonce) {
            return Err("Invalid server nonce: does not start with client nonce".to_owned());
        }
        let salt = STANDARD.decode(salt).map_err(|error| format!("the salt of the challenge: {error}"))?;
        let iterations: u32 = iterations.parse().map_err(|_| format!("{iterations} is no number of iterations"))?;
        if !(4096..=MAX_ITERATIONS).contains(&iterations) {
            return Err(format!("{iterations} iterations are not between 4096 and {MAX_ITERATIONS}"));
        }
        let without_proof = format!("c=biws,r={nonce}");
        let covered = format!("{},{challenge},{without_proof}", self.bare);
        let salted = self.hash.salted(&self.password, &salt, iterations);
        let client_key = self.hash.hmac(&salted, b"Client Key");
        let signature = self.hash.hmac(&self.hash.hash(&client_key), covered.as_bytes());
        let proof: Vec<u8> = client_key.iter().zip(signature).map(|(a, b)| a ^ b).collect();
        self.expected = Some(self.hash.hmac(&self.hash.hmac(&salted, b"Server Key"), covered.as_bytes()));
        Ok(format!("{without_proof},p={}", STANDARD.encode(proof)))
    }

    /// Whether the server knows the password, too.
    ///
    /// # Errors
    ///
    /// It does not, or was not asked.
    pub fn verify(&self, last: &[u8]) -> Result<(), String> {
        let signature = last.strip_prefix(b"v=").and_then(|signature| STANDARD.decode(signature).ok());
        match (&self.expected, signature) {
            (Some(expected), Some(signature)) if bool::from(expected.ct_eq(&signature)) => Ok(()),
            _ => Err("Invalid server signature in server final message".to_owned()),
        }
    }
}

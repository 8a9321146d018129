//! SCRAM credentials of all users, and the changes that clients ask for.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::sync::LazyLock;

use serde::{Deserialize, Serialize};

use super::ScramHash;
use crate::error::{Error, ErrorCode};

/// The iterations that Kafka takes.
const ITERATIONS: RangeInclusive<i32> = 4096..=16_384;

/// What proves a password without being it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ScramCredential {
    pub(crate) salt: Vec<u8>,
    pub(crate) iterations: u32,
    pub(crate) stored_key: Vec<u8>,
    pub(crate) server_key: Vec<u8>,
}

impl std::fmt::Debug for ScramCredential {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ScramCredential").field("iterations", &self.iterations).finish_non_exhaustive()
    }
}

impl ScramCredential {
    fn of_salted(hash: ScramHash, salted_password: &[u8], salt: &[u8], iterations: u32) -> Self {
        let client_key = hash.hmac(salted_password, b"Client Key");
        Self {
            salt: salt.to_vec(),
            iterations,
            stored_key: hash.hash(&client_key),
            server_key: hash.hmac(salted_password, b"Server Key"),
        }
    }

    /// The credential of a password, with the fewest iterations that Kafka takes.
    pub(crate) fn of_password(hash: ScramHash, password: &str, salt: &[u8]) -> Self {
        let iterations = ITERATIONS.start().unsigned_abs();
        Self::of_salted(hash, &hash.salted(password, salt, iterations), salt, iterations)
    }
}

/// What a user proves a password by from now on, with one hash; nothing if that was removed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ScramChange {
    pub(crate) user: String,
    pub(crate) hash: ScramHash,
    pub(crate) credential: Option<ScramCredential>,
}

/// A credential to be stored, as a client sends it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Upsertion<'a> {
    pub(crate) user: &'a str,
    pub(crate) mechanism: i8,
    pub(crate) iterations: i32,
    pub(crate) salt: &'a [u8],
    pub(crate) salted_password: &'a [u8],
}

/// A credential to be removed.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Deletion<'a> {
    pub(crate) user: &'a str,
    pub(crate) mechanism: i8,
}

/// A credential; one that is given as a password is hashed when it is looked for, which takes much longer than all else
/// that a start of the broker does.
enum Kept {
    Credential(ScramCredential),
    Password(LazyLock<ScramCredential, Box<dyn FnOnce() -> ScramCredential + Send + Sync>>),
}

impl Kept {
    fn iterations(&self) -> u32 {
        match self {
            Self::Credential(credential) => credential.iterations,
            Self::Password(_) => ITERATIONS.start().unsigned_abs(),
        }
    }
}

/// All credentials, by user and hash.
#[derive(Default)]
pub(crate) struct ScramCredentials(BTreeMap<(String, ScramHash), Kept>);

impl std::fmt::Debug for ScramCredentials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

impl ScramCredentials {
    pub(crate) fn get(&self, hash: ScramHash, user: &str) -> Option<&ScramCredential> {
        Some(match self.0.get(&(user.to_owned(), hash))? {
            Kept::Credential(credential) => credential,
            Kept::Password(credential) => credential,
        })
    }

    /// Lets a user prove this password, with either hash, unless a client has stored another credential.
    pub(crate) fn add_user(&mut self, user: &str, password: &str, salt: &[u8]) {
        for hash in ScramHash::ALL {
            let (password, salt) = (password.to_owned(), salt.to_vec());
            let make: Box<dyn FnOnce() -> ScramCredential + Send + Sync> =
                Box::new(move || ScramCredential::of_password(hash, &password, &salt));
            self.0.entry((user.to_owned(), hash)).or_insert_with(|| Kept::Password(LazyLock::new(make)));
        }
    }

    /// The hashes and iterations of each user.
    pub(crate) fn by_user(&self) -> BTreeMap<&str, Vec<(ScramHash, u32)>> {
        let mut users = BTreeMap::<_, Vec<_>>::new();
        for ((user, hash), credential) in &self.0 {
            users.entry(user.as_str()).or_default().push((*hash, credential.iterations()));
        }
        users
    }

    /// What is to change for these wishes, user by user; each is answered once, and a user that is named twice is left as it
    /// was.
    pub(crate) fn plan<'a>(
        &self,
        deletions: &[Deletion<'a>],
        upsertions: &[Upsertion<'a>],
    ) -> Vec<(&'a str, Result<ScramChange, Error>)> {
        let mut plans: Vec<(&str, Result<Plan<'a>, Error>)> = Vec::new();
        let deletions = deletions.iter().map(|deletion| (deletion.user, self.check_deletion(deletion)));
        let upsertions = upsertions.iter().map(|upsertion| (upsertion.user, check_upsertion(upsertion)));
        for (user, plan) in deletions.chain(upsertions) {
            match plans.iter_mut().find(|(known, _)| *known == user) {
                None => plans.push((user, plan)),
                // What was refused already stays refused for its own reason.
                Some((_, Err(_))) => {}
                Some((_, earlier)) => *earlier = Err(twice()),
            }
        }
        plans.into_iter().map(|(user, plan)| (user, plan.map(|plan| plan.of_user(user)))).collect()
    }

    /// Makes a change.
    pub(crate) fn apply(&mut self, change: ScramChange) {
        let ScramChange { user, hash, credential } = change;
        match credential {
            None => drop(self.0.remove(&(user, hash))),
            Some(credential) => drop(self.0.insert((user, hash), Kept::Credential(credential))),
        }
    }

    fn check_deletion<'a>(&self, deletion: &Deletion<'a>) -> Result<Plan<'a>, Error> {
        let hash = check_user(deletion.user, deletion.mechanism)?;
        if !self.0.contains_key(&(deletion.user.to_owned(), hash)) {
            let why = "Attempt to delete a user credential that does not exist";
            return Err(Error::with_code(ErrorCode::ResourceNotFound, why));
        }
        Ok(Plan::Remove(hash))
    }
}

#[derive(Clone, Copy)]
enum Plan<'a> {
    Remove(ScramHash),
    Store(ScramHash, Upsertion<'a>),
}

impl Plan<'_> {
    fn of_user(self, user: &str) -> ScramChange {
        let user = user.to_owned();
        match self {
            Self::Remove(hash) => ScramChange { user, hash, credential: None },
            Self::Store(hash, Upsertion { salt, salted_password, iterations, .. }) => {
                let credential = ScramCredential::of_salted(hash, salted_password, salt, iterations.unsigned_abs());
                ScramChange { user, hash, credential: Some(credential) }
            }
        }
    }
}

fn check_upsertion<'a>(upsertion: &Upsertion<'a>) -> Result<Plan<'a>, Error> {
    let hash = check_user(upsertion.user, upsertion.mechanism)?;
    if upsertion.iterations < *ITERATIONS.start() {
        return Err(Error::with_code(ErrorCode::UnacceptableCredential, "Too few iterations"));
    }
    if upsertion.iterations > *ITERATIONS.end() {
        return Err(Error::with_code(ErrorCode::UnacceptableCredential, "Too many iterations"));
    }
    Ok(Plan::Store(hash, *upsertion))
}

fn check_user(user: &str, mechanism: i8) -> Result<ScramHash, Error> {
    if user.is_empty() {
        return Err(Error::with_code(ErrorCode::UnacceptableCredential, "Username must not be empty"));
    }
    ScramHash::from_wire(mechanism)
        .ok_or_else(|| Error::with_code(ErrorCode::UnsupportedSaslMechanism, "Unknown SCRAM mechanism"))
}

fn twice() -> Error {
    let why = "A user credential cannot be altered twice in the same request";
    Error::with_code(ErrorCode::DuplicateResource, why)
}

impl ScramHash {
    pub(crate) const fn wire(self) -> i8 {
        match self {
            Self::Sha256 => 1,
            Self::Sha512 => 2,
        }
    }

    pub(crate) fn from_wire(number: i8) -> Option<Self> {
        Self::ALL.into_iter().find(|hash| hash.wire() == number)
    }
}

//! PLAIN (RFC 4616): a name and a password, as they are.

use std::collections::BTreeMap;

use subtle::ConstantTimeEq;

use super::exchange::{Failure, Proven, Step};

/// Passwords by user.
#[derive(Clone, Default)]
pub(crate) struct Users(BTreeMap<String, String>);

impl Users {
    pub(crate) fn add(&mut self, name: impl Into<String>, password: impl Into<String>) {
        self.0.insert(name.into(), password.into());
    }

    /// Takes the same time whatever the password is, and whether or not there is such a user.
    fn accept(&self, name: &str, password: &str) -> bool {
        let known = self.0.get(name);
        let expected = known.map_or(password, String::as_str);
        bool::from(expected.as_bytes().ct_eq(password.as_bytes())) && known.is_some()
    }
}

/// Says who there is, and never a password.
impl std::fmt::Debug for Users {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

/// `[authorization id] NUL name NUL password`, and that is all.
pub(super) fn evaluate(users: &Users, token: &[u8]) -> Result<Step, Failure> {
    let text = String::from_utf8_lossy(token);
    let tokens: Vec<&str> = text.splitn(4, '\0').collect();
    let [authorization_id, name, password] = tokens[..] else {
        let count = tokens.len();
        return Err(Failure::told(format!("Invalid SASL/PLAIN response: expected 3 tokens, got {count}")));
    };
    let refused = |why: &str| Err(Failure::told(format!("Authentication failed: {why}")));
    if name.is_empty() {
        return refused("username not specified");
    }
    if password.is_empty() {
        return refused("password not specified");
    }
    if !users.accept(name, password) {
        return refused("Invalid username or password");
    }
    if !authorization_id.is_empty() && authorization_id != name {
        return refused("Client requested an authorization id that is different from username");
    }
    Ok(Step::Done(Proven { name: name.to_owned(), ..Proven::default() }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn log_in(token: &str) -> Result<String, String> {
        let mut users = Users::default();
        users.add("alice", "secret");
        match evaluate(&users, token.as_bytes()) {
            Ok(Step::Done(proven)) => Ok(proven.name),
            Ok(Step::Challenge(_)) => Err("a challenge".to_owned()),
            Err(Failure::Told(why) | Failure::Hidden(why)) => Err(why),
        }
    }

    #[test]
    fn a_right_password_proves_a_user_who_may_name_itself_twice() {
        assert_eq!(log_in("\0alice\0secret"), Ok("alice".to_owned()));
        assert_eq!(log_in("alice\0alice\0secret"), Ok("alice".to_owned()));
    }

    #[test]
    fn every_refusal_has_kafkas_words() {
        for (token, why) in [
            ("\0alice\0wrong", "Authentication failed: Invalid username or password"),
            ("\0bob\0secret", "Authentication failed: Invalid username or password"),
            ("\0\0secret", "Authentication failed: username not specified"),
            ("\0alice\0", "Authentication failed: password not specified"),
            ("", "Invalid SASL/PLAIN response: expected 3 tokens, got 1"),
            ("a\0b\0c\0d\0e", "Invalid SASL/PLAIN response: expected 3 tokens, got 4"),
            (
                "bob\0alice\0secret",
                "Authentication failed: Client requested an authorization id that is different from username",
            ),
        ] {
            assert_eq!(log_in(token), Err(why.to_owned()), "{token:?}");
        }
    }

    #[test]
    fn passwords_are_not_printed() {
        let mut users = Users::default();
        users.add("alice", "secret");
        assert_eq!(format!("{users:?}"), r#"{"alice"}"#);
    }
}

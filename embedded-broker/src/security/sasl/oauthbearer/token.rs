//! Unsecured JSON web tokens and the claims that must hold.
//!
//! Different from Kafka 4.1: it reads the parts of a token with the alphabet of plain base 64 and so refuses honest tokens
//! that happen to hold `-` or `_`; both alphabets are read here.

use base64::Engine;
use base64::alphabet::{STANDARD, URL_SAFE};
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use serde_json::{Map, Value};

/// The options of Kafka's `OAuthBearerUnsecuredValidatorCallbackHandler`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Rules {
    /// `unsecuredValidatorPrincipalClaimName`.
    pub(crate) principal_claim: String,
    /// `unsecuredValidatorScopeClaimName`.
    pub(crate) scope_claim: String,
    /// `unsecuredValidatorRequiredScope`.
    pub(crate) required_scope: Vec<String>,
    /// `unsecuredValidatorAllowableClockSkewMs`.
    pub(crate) clock_skew_ms: u32,
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            principal_claim: "sub".to_owned(),
            scope_claim: "scope".to_owned(),
            required_scope: Vec::new(),
            clock_skew_ms: 0,
        }
    }
}

/// A token that holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Token {
    pub(super) principal: String,
    pub(super) expires_ms: i64,
}

/// Why a token does not hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Invalid {
    Token,
    /// It lacks some of this scope.
    Scope(String),
}

impl Invalid {
    /// What the client is told.
    pub(super) fn json(&self) -> String {
        match self {
            Self::Token => r#"{"status":"invalid_token"}"#.to_owned(),
            Self::Scope(required) => format!(r#"{{"status":"insufficient_scope", "scope":"{required}"}}"#),
        }
    }
}

impl Token {
    pub(super) fn validate(compact: &str, rules: &Rules, now_ms: i64) -> Result<Self, Invalid> {
        let claims = claims(compact).ok_or(Invalid::Token)?;
        let principal =
            claims.get(&rules.principal_claim).and_then(Value::as_str).filter(|name| !name.trim().is_empty());
        let principal = principal.ok_or(Invalid::Token)?.to_owned();
        let expires = seconds(&claims, "exp")?.ok_or(Invalid::Token)?;
        let issued = seconds(&claims, "iat")?;
        let now = milliseconds(now_ms);
        let skew = f64::from(rules.clock_skew_ms);
        let too_early = issued.is_some_and(|issued| 1000.0 * issued > now + skew);
        let too_late = now - skew >= 1000.0 * expires;
        let backwards = issued.is_some_and(|issued| expires <= issued);
        if too_early || too_late || backwards {
            return Err(Invalid::Token);
        }
        let scope = scope(claims.get(&rules.scope_claim))?;
        if rules.required_scope.iter().any(|required| !scope.contains(&required.as_str())) {
            return Err(Invalid::Scope(format!("[{}]", rules.required_scope.join(", "))));
        }
        Ok(Self { principal, expires_ms: whole(1000.0 * expires) })
    }
}

/// The claims of a token that is made of three parts, says that it is not signed, and is not.
fn claims(compact: &str) -> Option<Map<String, Value>> {
    let mut parts = compact.split('.');
    let (header, claims, signature) = (parts.next()?, parts.next()?, parts.next()?);
    if parts.next().is_some() || !signature.is_empty() || claims.is_empty() {
        return None;
    }
    let algorithm = object(header)?;
    (algorithm.get("alg")?.as_str()? == "none").then(|| object(claims))?
}

fn object(part: &str) -> Option<Map<String, Value>> {
    let config = GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
    let alphabet = if part.contains(['-', '_']) { URL_SAFE } else { STANDARD };
    let bytes = GeneralPurpose::new(&alphabet, config).decode(part).ok()?;
    match serde_json::from_slice(&bytes).ok()? {
        Value::Object(object) => Some(object),
        _ => None,
    }
}

/// A time of the token; one that is there must be a number.
fn seconds(claims: &Map<String, Value>, name: &str) -> Result<Option<f64>, Invalid> {
    match claims.get(name) {
        None => Ok(None),
        Some(value) => value.as_f64().map(Some).ok_or(Invalid::Token),
    }
}

/// A scope is one text or a list of texts.
fn scope(claim: Option<&Value>) -> Result<Vec<&str>, Invalid> {
    match claim {
        None => Ok(Vec::new()),
        Some(Value::String(one)) => Ok(vec![one.trim()]),
        Some(Value::Array(many)) => Ok(many.iter().filter_map(Value::as_str).map(str::trim).collect()),
        Some(_) => Err(Invalid::Token),
    }
}

#[expect(clippy::cast_precision_loss, reason = "times of this age of the world fit into 53 bits")]
fn milliseconds(ms: i64) -> f64 {
    ms as f64
}

#[expect(clippy::cast_possible_truncation, reason = "what is out of range becomes the nearest number")]
fn whole(ms: f64) -> i64 {
    ms.round() as i64
}

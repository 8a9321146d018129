//! `${key:default}` in a string: the syntax only, since values are known at start.

/// A piece of a string with placeholders.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Piece<'t> {
    /// Text as it stands.
    Text(&'t str),
    /// `${key}`, or `${key:default}`.
    Placeholder { default: Option<&'t str> },
}

/// Cuts a string at its placeholders.
pub(crate) fn pieces(text: &str) -> Result<Vec<Piece<'_>>, String> {
    let mut pieces = Vec::new();
    let mut rest = text;
    while let Some(start) = rest.find("${") {
        let (before, placeholder) = (&rest[..start], &rest[start + 2..]);
        let Some(end) = placeholder.find('}') else {
            return Err(format!("the placeholder `{}` has no closing brace", &rest[start..]));
        };
        if !before.is_empty() {
            pieces.push(Piece::Text(before));
        }
        pieces.push(piece(&placeholder[..end])?);
        rest = &placeholder[end + 1..];
    }
    if !rest.is_empty() {
        pieces.push(Piece::Text(rest));
    }
    Ok(pieces)
}

/// What stands between the braces.
fn piece(inside: &str) -> Result<Piece<'_>, String> {
    let (key, default) = inside.split_once(':').map_or((inside, None), |(key, default)| (key, Some(default)));
    if inside.contains("${") {
        return Err(format!("the placeholder `${{{inside}}}` holds another: placeholders cannot be nested"));
    }
    if key.is_empty() {
        return Err(format!("the placeholder `${{{inside}}}` has no key: write `${{orders.topic:orders}}`"));
    }
    if let Some(c) = key.chars().find(|c| !(c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_'))) {
        return Err(format!("{c:?} cannot be in the key of the placeholder `${{{inside}}}`"));
    }
    Ok(Piece::Placeholder { default })
}

#[cfg(test)]
mod tests {
    use super::{Piece, pieces};

    #[test]
    fn a_string_is_cut_at_its_placeholders() {
        let cut = [Piece::Text("a-"), Piece::Placeholder { default: Some("x") }, Piece::Text("-b")];
        assert_eq!(pieces("a-${key.of-it:x}-b").unwrap(), cut);
        assert_eq!(pieces("${key}").unwrap(), [Piece::Placeholder { default: None }]);
        assert_eq!(pieces("plain $ {}").unwrap(), [Piece::Text("plain $ {}")]);
    }

    #[test]
    fn malformed_placeholders_say_which() {
        assert_eq!(pieces("a-${key").unwrap_err(), "the placeholder `${key` has no closing brace");
        assert_eq!(pieces("${:x}").unwrap_err(), "the placeholder `${:x}` has no key: write `${orders.topic:orders}`");
        assert_eq!(pieces("${a b}").unwrap_err(), "' ' cannot be in the key of the placeholder `${a b}`");
    }
}

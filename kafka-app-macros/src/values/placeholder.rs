//! `${key:default}` and `${env:VAR:default}` in a string: the syntax only, since values are known at start.
//!
//! The same syntax as `kafka_app`'s configuration: keys and defaults may hold placeholders themselves, and `\${` stands
//! for `${`.

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
    let (mut begin, mut seen) = (0, 0);
    while let Some(found) = text[seen..].find("${") {
        let start = seen + found;
        let inside = start + 2;
        if text[..start].ends_with('\\') {
            seen = inside;
            continue;
        }
        let length = closing_brace(&text[inside..])
            .ok_or_else(|| format!("the placeholder `{}` has no closing brace", &text[start..]))?;
        pieces.extend((begin < start).then(|| Piece::Text(&text[begin..start])));
        pieces.push(placeholder(&text[inside..inside + length])?);
        begin = inside + length + 1;
        seen = begin;
    }
    pieces.extend((begin < text.len()).then(|| Piece::Text(&text[begin..])));
    Ok(pieces)
}

/// Where the brace closes that was opened just before `text`.
fn closing_brace(text: &str) -> Option<usize> {
    let mut depth = 1_u32;
    for (index, c) in text.char_indices() {
        match c {
            '{' if text[..index].ends_with('$') => depth += 1,
            '}' if depth == 1 => return Some(index),
            '}' => depth -= 1,
            _ => {}
        }
    }
    None
}

/// What stands between the braces.
fn placeholder(inside: &str) -> Result<Piece<'_>, String> {
    let name = inside.strip_prefix("env:").unwrap_or(inside);
    let (key, default) = match first_colon(name) {
        Some(colon) => (&name[..colon], Some(&name[colon + 1..])),
        None => (name, None),
    };
    let key = pieces(key.trim())?;
    if key.is_empty() {
        return Err(format!("the placeholder `${{{inside}}}` has no key: write `${{orders.topic:orders}}`"));
    }
    for piece in key {
        if let Piece::Text(text) = piece
            && let Some(c) = text.chars().find(|c| !(c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_')))
        {
            return Err(format!("{c:?} cannot be in the key of the placeholder `${{{inside}}}`"));
        }
    }
    pieces(default.unwrap_or_default())?;
    Ok(Piece::Placeholder { default })
}

/// The first colon that is not inside of a nested placeholder.
fn first_colon(text: &str) -> Option<usize> {
    let mut depth = 0_u32;
    text.char_indices().find_map(|(index, c)| {
        match c {
            '{' => depth += 1,
            '}' => depth = depth.saturating_sub(1),
            ':' if depth == 0 => return Some(index),
            _ => {}
        }
        None
    })
}

#[cfg(test)]
mod tests {
    use super::{Piece, pieces};

    #[test]
    fn a_string_is_cut_at_its_placeholders() {
        let cut = [Piece::Text("a-"), Piece::Placeholder { default: Some("x") }, Piece::Text("-b")];
        assert_eq!(pieces("a-${key.of-it:x}-b").unwrap(), cut);
        assert_eq!(pieces("${key}").unwrap(), [Piece::Placeholder { default: None }]);
        assert_eq!(pieces("${env:TOPIC:x:y}").unwrap(), [Piece::Placeholder { default: Some("x:y") }]);
        assert_eq!(pieces("plain $ {}").unwrap(), [Piece::Text("plain $ {}")]);
    }

    #[test]
    fn keys_and_defaults_may_hold_placeholders() {
        assert_eq!(pieces("${a:${b:c}}!").unwrap(), [Piece::Placeholder { default: Some("${b:c}") }, Piece::Text("!")]);
        assert_eq!(pieces("${topic.${stage}}").unwrap(), [Piece::Placeholder { default: None }]);
    }

    #[test]
    fn an_escaped_placeholder_is_text() {
        assert_eq!(pieces(r"a\${b").unwrap(), [Piece::Text(r"a\${b")]);
    }

    #[test]
    fn malformed_placeholders_say_which() {
        assert_eq!(pieces("a-${key").unwrap_err(), "the placeholder `${key` has no closing brace");
        assert_eq!(pieces("${a:${b}").unwrap_err(), "the placeholder `${a:${b}` has no closing brace");
        let no_key = "the placeholder `${:x}` has no key: write `${orders.topic:orders}`";
        assert_eq!(pieces("${:x}").unwrap_err(), no_key);
        assert_eq!(pieces("${b:${:x}}").unwrap_err(), no_key);
        assert_eq!(pieces("${a b}").unwrap_err(), "' ' cannot be in the key of the placeholder `${a b}`");
    }
}

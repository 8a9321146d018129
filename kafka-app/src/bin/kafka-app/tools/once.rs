//! Options that may be given once, and whose values are looked at only when they are needed, as the scripts do it.

/// The value of an option, if it was given.
///
/// # Errors
/// In the scripts' words, if it was given more than once.
pub(crate) fn only<'v>(values: &'v [String], option: &str) -> Result<Option<&'v str>, String> {
    match values {
        [] => Ok(None),
        [value] => Ok(Some(value)),
        _ => Err(format!("Found multiple arguments for option {option}, but you asked for only one")),
    }
}

/// The same for a whole number of 32 bits.
///
/// # Errors
/// In the scripts' words, if it was given more than once or is none.
pub(crate) fn only_number(values: &[String], option: &str) -> Result<Option<i32>, String> {
    let Some(value) = only(values, option)? else { return Ok(None) };
    let number = value.parse().map_err(|_| format!("Cannot parse argument '{value}' of option {option}"))?;
    Ok(Some(number))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn twice_and_what_is_no_number_are_refused_in_the_scripts_words() {
        let values = |values: &[&str]| values.iter().map(|&value| value.to_owned()).collect::<Vec<_>>();
        assert_eq!(
            only(&values(&["a", "b"]), "topic").unwrap_err(),
            "Found multiple arguments for option topic, but you asked for only one"
        );
        assert_eq!(
            only_number(&values(&["abc"]), "partitions").unwrap_err(),
            "Cannot parse argument 'abc' of option partitions"
        );
        assert_eq!(only_number(&values(&["99999999999"]), "partitions").ok(), None);
        assert_eq!(only_number(&values(&["-3"]), "partitions"), Ok(Some(-3)));
        assert_eq!(only_number(&[], "partitions"), Ok(None));
    }
}

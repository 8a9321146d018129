//! [`IncludeList`]: the regular expression by which scripts choose topics.

use regex_lite::Regex;

/// A list of regular expressions, of which one has to match the whole name.
///
/// A comma is an "or", and blanks and quotes around it count for nothing, as property files may have them. The language is
/// that of `regex-lite`, which is Java's without looking around and back.
#[derive(Debug)]
pub(crate) struct IncludeList {
    pattern: Regex,
}

impl IncludeList {
    /// # Errors
    /// In Java's words, if it is not a regular expression.
    pub(crate) fn new(list: &str) -> Result<Self, String> {
        let pattern = list.trim().replace(',', "|").replace(' ', "");
        let pattern = pattern.trim_matches(['"', '\'']);
        match Regex::new(&format!("^(?:{pattern})$")) {
            Ok(regex) => Ok(Self { pattern: regex }),
            Err(_) => Err(format!("{pattern} is an invalid regex.")),
        }
    }

    /// Whether all of the name matches.
    pub(crate) fn matches(&self, topic: &str) -> bool {
        self.pattern.is_match(topic)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matching<'n>(list: &str, names: &[&'n str]) -> Vec<&'n str> {
        let list = IncludeList::new(list).unwrap();
        names.iter().copied().filter(|name| list.matches(name)).collect()
    }

    #[test]
    fn the_whole_name_has_to_match_and_a_comma_is_an_or() {
        let names = ["orders", "order", "my-orders", "payments"];
        assert_eq!(matching("orders", &names), ["orders"]);
        assert_eq!(matching("order.*, payments", &names), ["orders", "order", "payments"]);
        assert_eq!(matching("'order|payments'", &names), ["order", "payments"]);
    }

    #[test]
    fn what_is_no_expression_is_told_in_javas_words() {
        assert_eq!(IncludeList::new("a[").unwrap_err(), "a[ is an invalid regex.");
    }
}

//! `ssl.principal.mapping.rules`: from the name in a certificate to that of a user.

use regex_lite::Regex;

use crate::whole_pattern;

/// The rules, of which the first that applies counts.
#[derive(Debug, Clone)]
pub(crate) struct Mapping(Vec<Rule>);

#[derive(Debug, Clone)]
enum Rule {
    /// The whole name.
    Default,
    Replace {
        pattern: Regex,
        replacement: String,
        case: Case,
    },
}

#[derive(Debug, Clone, Copy)]
enum Case {
    AsIs,
    Lower,
    Upper,
}

impl Mapping {
    /// Reads rules such as `RULE:^CN=(.*?),.*$/$1/L,DEFAULT`.
    ///
    /// # Errors
    ///
    /// When a rule is none; the pattern must be one of those that take linear time, without look-around and references.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let mut rules = Vec::new();
        let mut rest = text.trim();
        while !rest.is_empty() {
            let (rule, after) = match rest.strip_prefix("RULE:") {
                Some(of_rule) => Rule::parse(of_rule).map_err(|why| format!("{why}: {rest}"))?,
                None => {
                    let after = rest.strip_prefix("DEFAULT").ok_or_else(|| format!("Invalid rule: {rest}"))?;
                    (Rule::Default, after)
                }
            };
            rules.push(rule);
            let after = after.trim_start();
            rest = match after.strip_prefix(',') {
                Some(next) => next.trim_start(),
                None if after.is_empty() => after,
                None => return Err(format!("Invalid rule: unmatched substring: {after}")),
            };
        }
        Ok(Self(rules))
    }

    /// The name of the user, unless no rule applies.
    pub(crate) fn apply(&self, name: &str) -> Option<String> {
        self.0.iter().find_map(|rule| rule.apply(name))
    }
}

impl Rule {
    /// `pattern/replacement/[L|U]`, and what is left behind it.
    fn parse(text: &str) -> Result<(Self, &str), &'static str> {
        let (pattern, rest) = up_to_slash(text).ok_or("Invalid rule")?;
        let (replacement, rest) = up_to_slash(rest).ok_or("Invalid rule")?;
        let (case, rest) = match rest.chars().next() {
            Some('L') => (Case::Lower, &rest[1..]),
            Some('U') => (Case::Upper, &rest[1..]),
            _ => (Case::AsIs, rest),
        };
        let pattern = whole_pattern::compile(pattern).map_err(|_| "Invalid pattern in rule")?;
        Ok((Self::Replace { pattern, replacement: replacement.to_owned(), case }, rest))
    }

    fn apply(&self, name: &str) -> Option<String> {
        let Self::Replace { pattern, replacement, case } = self else { return Some(name.to_owned()) };
        let groups = pattern.captures(name)?;
        let user = expand(replacement, &groups);
        Some(match case {
            Case::AsIs => user,
            Case::Lower => user.to_lowercase(),
            Case::Upper => user.to_uppercase(),
        })
    }
}

/// Text up to a slash that is not escaped, and what follows it.
fn up_to_slash(text: &str) -> Option<(&str, &str)> {
    let mut escaped = false;
    for (at, char) in text.char_indices() {
        match char {
            '/' if !escaped => return Some((&text[..at], &text[at + 1..])),
            '\\' => escaped = !escaped,
            _ => escaped = false,
        }
    }
    None
}

/// Puts groups in the place of `$1`, `$2` and so on. As Kafka: of more digits than there are groups the last are text, and
/// the number of a group that is not there is text.
fn expand(replacement: &str, groups: &regex_lite::Captures<'_>) -> String {
    let mut expanded = String::new();
    let mut rest = replacement;
    while let Some(at) = rest.find(['$', '\\']) {
        expanded.push_str(&rest[..at]);
        let after = &rest[at + 1..];
        if rest.as_bytes()[at] == b'\\' {
            let mut chars = after.chars();
            expanded.extend(chars.next());
            rest = chars.as_str();
            continue;
        }
        let digits = after.bytes().take_while(u8::is_ascii_digit).count();
        let group = (1..=digits).rev().find_map(|len| Some((len, groups.get(after[..len].parse().ok()?)?)));
        match group {
            Some((len, group)) => {
                expanded.push_str(group.as_str());
                rest = &after[len..];
            }
            None => {
                expanded.push('$');
                rest = after;
            }
        }
    }
    expanded.push_str(rest);
    expanded
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(rules: &str, name: &str) -> Option<String> {
        Mapping::parse(rules).unwrap().apply(name)
    }

    /// The examples of Kafka's documentation.
    #[test]
    fn the_first_rule_that_applies_counts() {
        let rules = "RULE:^CN=(.*?),OU=ServiceUsers.*$/$1/, RULE:^CN=(.*?),OU=(.*?),O=(.*?),L=(.*?),ST=(.*?),C=(.*?)$/$1@$2/L,\
                     RULE:^.*[Cc][Nn]=([a-zA-Z0-9.]*).*$/$1/L, DEFAULT";
        for (name, user) in [
            ("CN=serviceuser,OU=ServiceUsers,O=Unknown,L=Unknown,ST=Unknown,C=Unknown", "serviceuser"),
            ("CN=adminUser,OU=Admin,O=Unknown,L=Unknown,ST=Unknown,C=Unknown", "adminuser@admin"),
            ("cn=kafka1.example.com,ou=SME,dc=mycp,dc=com", "kafka1.example.com"),
            ("OU=JavaSoft,O=Sun Microsystems,C=US", "OU=JavaSoft,O=Sun Microsystems,C=US"),
        ] {
            assert_eq!(map(rules, name).as_deref(), Some(user));
        }
    }

    #[test]
    fn where_no_rule_applies_there_is_no_name() {
        assert_eq!(map("RULE:^CN=(.*)$/$1/", "OU=x"), None);
        assert_eq!(map("", "CN=x"), None);
        assert_eq!(map("DEFAULT", "CN=x").as_deref(), Some("CN=x"));
    }

    #[test]
    fn groups_cases_and_escapes_are_as_in_java() {
        assert_eq!(map(r"RULE:^CN=(\w+)\/x$/$1/U", "CN=a/x").as_deref(), Some("A"));
        assert_eq!(map(r"RULE:^CN=(\w+)$/$1@$4 \$1 $10/", "CN=a").as_deref(), Some("a@$4 $1 a0"));
    }

    #[test]
    fn what_is_no_rule_is_refused() {
        for bad in ["default", "RULE:^CN=(.*)$/$1", "RULE:(/$1/", "RULE:a/b/L c", "DEFAULT x"] {
            assert!(Mapping::parse(bad).is_err(), "{bad}");
        }
    }
}

//! What is easier to see without a broker: which text fits, beside the table of `tests/wire/groups_as_kafka/patterns.rs`.

use super::*;

fn fits(pattern: &str, name: &str) -> bool {
    compile(pattern).is_ok_and(|regex| regex.is_match(name))
}

/// Compares with what RE2/J 1.8 says of the same patterns and texts.
#[track_caller]
fn says(pattern: &str, texts: &[(&str, bool)]) {
    for (text, fitting) in texts {
        assert_eq!(fits(pattern, text), *fitting, "{pattern} and {text:?}");
    }
}

#[test]
fn a_pattern_fits_whole_names_only() {
    says("orders.*", &[("orders-retry", true), ("my-orders", false)]);
    says("a|b", &[("ab", false), ("b", true)]);
    assert!(compile("a)(b").is_err());
    assert!(compile("a(").is_err());
}

#[test]
fn what_is_quoted_stands_for_itself() {
    says(r"\Qorders.eu\E-.*", &[("orders.eu-retry", true), ("orders-eu-retry", false)]);
    says(r"\Qa.b", &[("a.b", true)]);
    says(r"\Qab\E+", &[("abb", true), ("abab", false)]);
    says(r"orders\_\-\.eu[\-\_]", &[("orders_-.eu_", true)]);
    says(r"\d+\\", &[("12\\", true)]);
}

#[test]
fn classes_of_unicode_fit_more_than_ascii() {
    says(r"\p{Greek}", &[("Ω", true), ("w", false)]);
    says(r"\P{^Greek}", &[("Ω", true), ("w", false)]);
    says(r"\pN+", &[("1²Ⅷ", true), ("x", false)]);
    says(r"\PL", &[("-", true), ("é", false)]);
    says(r"[\p{Lu}_]+", &[("É_", true), ("é", false)]);
    says(r"\p{C}", &[("\u{e000}", true), ("\u{7f}", true), ("x", false)]);
    says(r"\p{Cs}|\x{D800}", &[("x", false), ("\u{fffd}", false)]);
    says(r"[^\x{D800}]", &[("x", true)]);
    says(r"\p{Unknown}", &[("\u{e000}", true), ("\u{10ffff}", true), ("x", false)]);
}

#[test]
fn perls_classes_and_boundaries_are_ascii() {
    says(r"\w", &[("_", true), ("é", false)]);
    says(r"\d", &[("7", true), ("٣", false)]);
    says(r"a\s", &[("a\r", true), ("a\u{b}", false), ("a\u{a0}", false)]);
    says(r"[[:space:]]", &[("\u{b}", true)]);
    says(r"é\bb", &[("éb", true)]);
}

#[test]
fn another_case_is_unicodes() {
    says("(?i)k", &[("K", true), ("\u{212a}", true)]);
    says("(?i)[^k]", &[("K", false), ("x", true)]);
    says(r"(?i)\W", &[("\u{17f}", false), ("-", true)]);
    says("(?i:É)é", &[("éé", true), ("éÉ", false)]);
    says(r"(?i)\p{Lu}", &[("a", true)]);
    says(r"(?i)\p{Ll}", &[("A", false), ("K", true)]);
    says(r"(?i)\PL", &[("a", false), ("-", true)]);
}

#[test]
fn flags_last_to_the_end_of_their_group() {
    says("((?i)a)b", &[("Ab", true), ("AB", false)]);
    says("a(?i)b|c", &[("aB", true), ("C", true), ("AB", false)]);
    says("(?i-i:a)", &[("A", false)]);
    says("(?s-s).", &[("\n", false)]);
    says("(?s).", &[("\n", true)]);
    says("[^a]", &[("\n", true)]);
    says("(?m)a$\n^b", &[("a\nb", true)]);
    says("a$\n^b", &[("a\nb", false)]);
}

#[test]
fn groups_are_counted_whether_or_not_they_have_names() {
    let regex = compile(r"(?P<1st>a+?)(?:b)(?<c>.*)").expect("a pattern");
    let groups = regex.captures("aabxy").expect("it fits");
    assert_eq!((&groups[1], &groups[2]), ("aa", "xy"));
    let least = compile("(?U)(a+)(a*?)").expect("a pattern");
    let groups = least.captures("aaa").expect("it fits");
    assert_eq!((&groups[1], &groups[2]), ("a", "aa"));
}

#[test]
fn a_repetition_that_was_hidden_is_repeated() {
    says(r"a{2}\Q\E{2}", &[("aaaa", true), ("aa", false)]);
    says(r"(?:a{2})\Q\E{2}b", &[("aaaab", true)]);
}

#[test]
fn hundreds_of_names_fit_in_and_a_pattern_that_grows_does_not() {
    let names: Vec<String> = (0..300).map(|n| format!("some-team.some-topic-{n}")).collect();
    assert!(fits(&names.join("|"), "some-team.some-topic-299"));
    assert_eq!(compile("(a{1000}){1000}").unwrap_err(), TOO_LARGE);
    assert_eq!(compile(&"a".repeat(MOST_BYTES + 1)).unwrap_err(), TOO_LARGE);
}

/// On a thread as small as those that serve connections.
#[test]
fn groups_nest_as_deep_as_is_said_and_no_deeper() {
    let nested = |opens: &str, depth: usize| format!("{}a{}", opens.repeat(depth), ")*".repeat(depth));
    let check = move || {
        for opens in ["(", "(?:", "(b|", "(?P<n>", "(?i:x?"] {
            let unnamed = opens.replace("?P<n>", "");
            assert!(fits(&nested(&unnamed, DEEPEST), "a"), "{opens}");
            assert_eq!(compile(&nested(&unnamed, DEEPEST + 1)).unwrap_err(), TOO_LARGE, "{opens}");
            assert_eq!(compile(&unnamed.repeat(100_000)).unwrap_err(), TOO_LARGE, "{opens}");
        }
        let repeated = |times: usize| format!("a{}", r"*\Q\E".repeat(times));
        assert!(fits(&repeated(DEEPEST), "aaa"));
        assert_eq!(compile(&repeated(50_000)).unwrap_err(), TOO_LARGE);
    };
    let small = std::thread::Builder::new().stack_size(1 << 19).spawn(check).expect("a thread");
    assert!(small.join().is_ok());
}

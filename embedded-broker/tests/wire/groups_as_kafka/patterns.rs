//! Which patterns a subscription may have: those of RE2, as in Kafka, but for what DESIGN.md names.

use embedded_broker::ErrorCode;
use kafka_protocol::messages::ConsumerGroupHeartbeatRequest;

use super::{on_each, text};
use crate::each_broker::unique;

/// What is a pattern, and what is none.
const PATTERNS: &[(&str, bool)] = &[
    ("orders.*", true),
    (r"\Qorders.eu\E.*", true),
    (r"\Qorders", true),
    (r"\p{Alphabetic}", false),
    ("[[:alpha:]]+", true),
    ("[[:^alpha:]]+", true),
    ("[[:word:]]", true),
    (r"(?P<name>a)", true),
    (r"(?<name>a)", true),
    ("a??", true),
    (r"\d\w\s\b", true),
    (r"\A\z", true),
    (r"a\Z", false),
    ("a{1000}", true),
    ("a{2,1}", false),
    ("a]", true),
    ("a}", true),
    ("[]a]", true),
    ("[a", false),
    ("[b-a]", false),
    ("[a-]", true),
    ("[a--b]", false),
    (r"\_", true),
    (r"\-\/\@\ ", true),
    (r"\<", true),
    ("(?i)orders", true),
    ("(?s)a", true),
    ("(?m)a", true),
    ("(?U)a", true),
    ("(?i-s:a)", true),
    ("(?:a)", true),
    ("(?=a)", false),
    ("(?!a)", false),
    (r"(a)\1", false),
    (r"\x41", true),
    (r"\x{41}", true),
    (r"\h", false),
    (r"\y", false),
    (r"\a\f\t\n\r\v", true),
    (r"\cA", false),
    ("*a", false),
    ("a|*", false),
    ("()", true),
    ("a||b", true),
    (")", false),
    ("a\\", false),
    ("^*", true),
    ("^a$", true),
    (r"\b+", true),
    ("é", true),
];

#[test]
fn patterns_are_those_of_re2() {
    on_each(|case| {
        let mut wrong = Vec::new();
        for (pattern, is_one) in PATTERNS {
            case.group = unique("g");
            let join = case.joining(ConsumerGroupHeartbeatRequest::default());
            let beat = case.beat(|request| {
                join.with_group_id(request.group_id)
                    .with_member_id(request.member_id)
                    .with_subscribed_topic_regex(Some(text(pattern)))
            });
            let expected = if *is_one { 0 } else { ErrorCode::InvalidRegularExpression.code() };
            if beat.0 != expected {
                wrong.push((*pattern, beat.0));
            }
            case.beat(|request| request.with_member_epoch(-1));
        }
        assert_eq!(wrong, [], "patterns, and what was answered");
    });
}

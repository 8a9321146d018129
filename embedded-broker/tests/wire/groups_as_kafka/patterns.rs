//! The language of patterns that a subscription may have, RE2/J's, row by row: which topics each stands for, or what is said of
//! one that is none.

use std::collections::{BTreeMap, BTreeSet};

use embedded_broker::ErrorCode;
use kafka_protocol::messages::create_topics_request::CreatableTopic;
use kafka_protocol::messages::metadata_request::MetadataRequestTopic;
use kafka_protocol::messages::{ConsumerGroupHeartbeatRequest, CreateTopicsRequest, MetadataRequest, TopicName};
use uuid::Uuid;

use super::{Case, on_each, text};
use crate::each_broker::unique;
use crate::patience::ask_until;

/// What patterns are looked up among; other topics that a real broker has are left out of what is compared.
const TOPICS: &[&str] = &["A", "K", "a", "aa", "ab", "b", "k", "9", "_", "-", "orders", "Orders.EU-7"];

/// What is said of a pattern: the topics it stands for, none of which may be missing, or why it is none.
type Row = (&'static str, Result<&'static [&'static str], &'static str>);

const ESCAPE: &str = "invalid escape sequence";
const RANGE: &str = "invalid character class range";
const PERL: &str = "invalid or unsupported Perl syntax";
const NESTED: &str = "invalid nested repetition operator";
const COUNT: &str = "invalid repeat count";
const ARGUMENT: &str = "missing argument to repetition operator";
const BRACKET: &str = "missing closing ]";
const PAREN: &str = "missing closing )";
const NAME: &str = "invalid named capture";

/// RE2's own table of its syntax, and what clients of other engines write. Where a row's own pattern would stand for none of
/// the topics, `K` stands beside it.
const ROWS: &[Row] = &[
    // Single characters.
    ("a.", Ok(&["aa", "ab"])),
    ("[ab]", Ok(&["a", "b"])),
    ("[^ab]", Ok(&["-", "9", "A", "K", "_", "k"])),
    (r"\d", Ok(&["9"])),
    (r"\D", Ok(&["-", "A", "K", "_", "a", "b", "k"])),
    (r"\w", Ok(&["9", "A", "K", "_", "a", "b", "k"])),
    (r"\W", Ok(&["-"])),
    (r"\s|K", Ok(&["K"])),
    (r"\S\S", Ok(&["aa", "ab"])),
    (r"\h", Err(ESCAPE)),
    (r"\N", Err(ESCAPE)),
    (r"\R", Err(ESCAPE)),
    (r"\X", Err(ESCAPE)),
    (r"\C", Err(ESCAPE)),
    ("[[:alpha:]]", Ok(&["A", "K", "a", "b", "k"])),
    ("[[:^alpha:]]", Ok(&["-", "9", "_"])),
    ("[[:word:]_-]", Ok(&["-", "9", "A", "K", "_", "a", "b", "k"])),
    ("[[:upper:][:digit:]]", Ok(&["9", "A", "K"])),
    ("[[:punct:]]", Ok(&["-", "_"])),
    ("[[:nope:]]", Err(RANGE)),
    ("[:word:]|K", Ok(&["K"])),
    (r"\pN", Ok(&["9"])),
    (r"\PN", Ok(&["-", "A", "K", "_", "a", "b", "k"])),
    (r"\p{Lu}", Ok(&["A", "K"])),
    (r"\p{^Lu}", Ok(&["-", "9", "_", "a", "b", "k"])),
    (r"\P{^Lu}", Ok(&["A", "K"])),
    (r"[\p{Pd}\p{Pc}]", Ok(&["-", "_"])),
    (r"\p{Latin}", Ok(&["A", "K", "a", "b", "k"])),
    (r"\p{Common}", Ok(&["-", "9", "_"])),
    (r"\p{Greek}|K", Ok(&["K"])),
    (r"\P{Greek}", Ok(&["-", "9", "A", "K", "_", "a", "b", "k"])),
    (r"\p{Any}", Ok(&["-", "9", "A", "K", "_", "a", "b", "k"])),
    (r"(?i)\p{Lu}", Ok(&["A", "K", "a", "b", "k"])),
    (r"(?i)\p{Ll}", Ok(&["K", "a", "b", "k"])),
    (r"\p{Alphabetic}", Err(RANGE)),
    (r"\p{greek}", Err(RANGE)),
    (r"\p{IsGreek}", Err(RANGE)),
    (r"\p{L&}", Err(RANGE)),
    (r"\p{Letter}", Err(RANGE)),
    (r"\p{Greek", Err(RANGE)),
    (r"\p{}", Err(RANGE)),
    (r"\p", Err(RANGE)),
    // Brackets.
    ("[]a]", Ok(&["a"])),
    ("[^]a]", Ok(&["-", "9", "A", "K", "_", "b", "k"])),
    ("[a-]", Ok(&["-", "a"])),
    ("[-a]", Ok(&["-", "a"])),
    ("[a-c-]", Ok(&["-", "a", "b"])),
    (r"[\d-_]", Ok(&["-", "9", "_"])),
    ("[a[b]", Ok(&["a", "b"])),
    ("[a&&b]", Ok(&["a", "b"])),
    (r"[\w]", Ok(&["9", "A", "K", "_", "a", "b", "k"])),
    (r"[^\W\d]", Ok(&["A", "K", "_", "a", "b", "k"])),
    (r"[\x41-\x{4b}]", Ok(&["A", "K"])),
    (r"[a\-]", Ok(&["-", "a"])),
    ("[a--b]", Err(RANGE)),
    ("[b-a]", Err(RANGE)),
    (r"[a-\d]", Err(ESCAPE)),
    (r"[\b]", Err(ESCAPE)),
    ("[a", Err(BRACKET)),
    ("[", Err(BRACKET)),
    ("[]", Err(BRACKET)),
    ("a]|K", Ok(&["K"])),
    // One after the other, or one of several.
    ("ab|k", Ok(&["ab", "k"])),
    ("a||k", Ok(&["a", "k"])),
    ("()a", Ok(&["a"])),
    // Repetitions.
    ("a*b", Ok(&["ab", "b"])),
    ("a+", Ok(&["a", "aa"])),
    ("ab?", Ok(&["a", "ab"])),
    ("a{2}", Ok(&["aa"])),
    ("a{1,2}", Ok(&["a", "aa"])),
    ("a{1,}", Ok(&["a", "aa"])),
    ("a{1000}|K", Ok(&["K"])),
    ("a*?b", Ok(&["ab", "b"])),
    ("ab??", Ok(&["a", "ab"])),
    ("a{1,2}?", Ok(&["a", "aa"])),
    ("a{0}K", Ok(&["K"])),
    ("a{,2}|K", Ok(&["K"])),
    ("a{|K", Ok(&["K"])),
    ("a{02}|K", Ok(&["K"])),
    ("a}|K", Ok(&["K"])),
    ("a{1001}", Err(COUNT)),
    ("a{1,1001}", Err(COUNT)),
    ("a{2,1}", Err(COUNT)),
    ("a{99999999999}", Err(COUNT)),
    ("a**", Err(NESTED)),
    ("a*+", Err(NESTED)),
    ("a++", Err(NESTED)),
    ("a?+", Err(NESTED)),
    ("a{2}+", Err(NESTED)),
    ("a{2}{3}", Err(NESTED)),
    ("a{*", Err(NESTED)),
    (r"(?:a*)*", Ok(&["a", "aa"])),
    ("*a", Err(ARGUMENT)),
    ("a|*", Err(ARGUMENT)),
    ("(*)", Err(ARGUMENT)),
    ("{2}", Err(ARGUMENT)),
    ("^*K", Ok(&["K"])),
    // Groups and flags.
    ("(a)(b)", Ok(&["ab"])),
    ("(?P<name>a)", Ok(&["a"])),
    ("(?<name>a)", Ok(&["a"])),
    ("(?P<1>a)", Ok(&["a"])),
    ("(?P<n>a)(?<n>b)", Err("duplicate capture group name")),
    ("(?P<n-m>a)", Err(NAME)),
    ("(?P<>a)", Err(NAME)),
    ("(?P<n", Err(NAME)),
    ("(?P=n)", Err(PERL)),
    ("(?P>n)", Err(PERL)),
    ("(?'n'a)", Err(PERL)),
    ("(?:a)b", Ok(&["ab"])),
    ("(?i)a", Ok(&["A", "a"])),
    ("(?i)[K]", Ok(&["K", "k"])),
    ("(?i)[^k]", Ok(&["-", "9", "A", "_", "a", "b"])),
    ("(?i)orders.eu-7|b", Ok(&["Orders.EU-7", "b"])),
    ("(?i:a)|k", Ok(&["A", "a", "k"])),
    ("(?i)(?-i)a", Ok(&["a"])),
    ("(?i-s:a)b", Ok(&["ab"])),
    ("a(?i)|k", Ok(&["K", "a", "k"])),
    ("((?i)a)|k", Ok(&["A", "a", "k"])),
    ("(?s)a.", Ok(&["aa", "ab"])),
    ("(?m)^a$", Ok(&["a"])),
    ("(?U)a+", Ok(&["a", "aa"])),
    ("(?)a", Ok(&["a"])),
    ("(?x)a", Err(PERL)),
    ("(?u)a", Err(PERL)),
    ("(?-)a", Err(PERL)),
    ("(?i-)a", Err(PERL)),
    ("(?--i)a", Err(PERL)),
    ("(?i", Err(PERL)),
    ("(?#note)a", Err(PERL)),
    ("(?=a)a", Err(PERL)),
    ("(?!a)b", Err(PERL)),
    ("(?<=a)b", Err(NAME)),
    ("(?<!a)b", Err(NAME)),
    ("(?>a)", Err(PERL)),
    ("(?|a)", Err(PERL)),
    ("(?1)", Err(PERL)),
    ("(a", Err(PAREN)),
    ("(?:a", Err(PAREN)),
    ("a)", Err("regexp/syntax: internal error")),
    ("a)(b", Err("regexp/syntax: internal error")),
    // Places.
    ("^a$", Ok(&["a"])),
    (r"\Aa\z", Ok(&["a"])),
    (r"\b\w\b", Ok(&["9", "A", "K", "_", "a", "b", "k"])),
    (r"a\Bb", Ok(&["ab"])),
    (r"\b-\b|K", Ok(&["K"])),
    (r"\b+K", Ok(&["K"])),
    ("a^b|K", Ok(&["K"])),
    (r"a\Z", Err(ESCAPE)),
    (r"\Ga", Err(ESCAPE)),
    (r"\y", Err(ESCAPE)),
    // Escapes.
    (r"\Qorders\E", Ok(&["orders"])),
    (r"\QOrders.EU\E.*", Ok(&["Orders.EU-7"])),
    (r"\Qorders", Ok(&["orders"])),
    (r"\Qa\E+", Ok(&["a", "aa"])),
    (r"a*\Q\E*b", Ok(&["ab", "b"])),
    (r"\E", Err(ESCAPE)),
    (r"[\Qa\E]", Err(ESCAPE)),
    (r"\_|\-", Ok(&["-", "_"])),
    (r"\/|\@|\ |K", Ok(&["K"])),
    (r"\<|K", Ok(&["K"])),
    (r"\é|K", Ok(&["K"])),
    (r"\x41", Ok(&["A"])),
    (r"\x{4B}", Ok(&["K"])),
    (r"\101", Ok(&["A"])),
    (r"\071", Ok(&["9"])),
    (r"\0|K", Ok(&["K"])),
    (r"\x{D800}|K", Ok(&["K"])),
    (r"\x{110000}", Err(ESCAPE)),
    (r"\x{}", Err(ESCAPE)),
    (r"\x4", Err(ESCAPE)),
    (r"\8", Err(ESCAPE)),
    (r"(a)\1", Err(ESCAPE)),
    (r"(?P<n>a)\k<n>", Err(ESCAPE)),
    (r"\cA", Err(ESCAPE)),
    (r"\e", Err(ESCAPE)),
    (r"\u0041", Err(ESCAPE)),
    (r"\a|\f|\t|\n|\r|\v|K", Ok(&["K"])),
    ("a\\", Err("trailing backslash at end of expression")),
    ("é|K", Ok(&["K"])),
];

/// Makes the topics where they are not there; gives their names by their ids.
fn topics_by_id(case: &mut Case<'_>) -> BTreeMap<Uuid, &'static str> {
    let new = |name: &&str| {
        CreatableTopic::default().with_name(TopicName(text(name))).with_num_partitions(1).with_replication_factor(1)
    };
    let request = CreateTopicsRequest::default().with_topics(TOPICS.iter().map(new).collect()).with_timeout_ms(10_000);
    for topic in case.client.call(7, &request).topics {
        let is_there = [0, ErrorCode::TopicAlreadyExists.code()].contains(&topic.error_code);
        assert!(is_there, "{topic:?}");
    }
    let asked = TOPICS.iter().map(|name| MetadataRequestTopic::default().with_name(Some(TopicName(text(name)))));
    let request = MetadataRequest::default().with_topics(Some(asked.collect()));
    let ask = || case.client.call(12, &request).topics;
    let told = ask_until(ask, |topics| topics.iter().all(|topic| topic.error_code == 0));
    let name = |id: &str| TOPICS.iter().find(|name| **name == id).copied();
    told.iter().filter_map(|topic| Some((topic.topic_id, name(topic.name.as_ref()?)?))).collect()
}

/// Subscribes to a pattern, in a group of its own, and waits until it was looked up.
fn seen(case: &mut Case<'_>, pattern: &str, names: &BTreeMap<Uuid, &'static str>) -> Result<Vec<&'static str>, String> {
    case.group = unique("g");
    let own = ConsumerGroupHeartbeatRequest::default().with_group_id(case.group_id()).with_member_id(text("a"));
    let join = case.joining(own.clone()).with_subscribed_topic_names(None);
    let mut heard = case.client.call(1, &join.with_subscribed_topic_regex(Some(text(pattern))));
    if heard.error_code != 0 {
        assert_eq!(heard.error_code, ErrorCode::InvalidRegularExpression.code(), "{pattern}");
        return Err(heard.error_message.unwrap_or_default().to_string());
    }
    let mut assigned = BTreeSet::new();
    let mut next = || {
        let told = heard.assignment.take().map(|assignment| assignment.topic_partitions).unwrap_or_default();
        assigned.extend(told.iter().filter_map(|topic| names.get(&topic.topic_id).copied()));
        heard = case.client.call(1, &own.clone().with_member_epoch(heard.member_epoch));
        assert_eq!(heard.error_code, 0, "{pattern}");
        assigned.iter().copied().collect::<Vec<_>>()
    };
    let assigned = ask_until(&mut next, |assigned| !assigned.is_empty());
    case.beat(|request| request.with_member_epoch(-1));
    Ok(assigned)
}

#[test]
fn patterns_are_those_of_re2() {
    on_each(|case| {
        let names = topics_by_id(case);
        // The coordinator of a real broker hears of new topics a little late.
        let all = || seen(case, "(?s).*", &names);
        let ready = |seen: &Result<Vec<_>, _>| seen.as_ref().is_ok_and(|seen| seen.len() == TOPICS.len());
        assert!(ask_until(all, ready).is_ok());
        let mut wrong = Vec::new();
        for (pattern, expected) in ROWS {
            let refused =
                |why: &str| format!("SubscribedTopicRegex `{pattern}` is not a valid regular expression: {why}.");
            let sorted =
                |topics: &[&'static str]| topics.iter().copied().collect::<BTreeSet<_>>().into_iter().collect();
            let expected: Result<Vec<_>, _> = expected.map(sorted).map_err(refused);
            let seen = seen(case, pattern, &names);
            if seen != expected {
                wrong.push((*pattern, seen));
            }
        }
        assert!(wrong.is_empty(), "{} of {} patterns, and what was seen: {wrong:#?}", wrong.len(), ROWS.len());
    });
}

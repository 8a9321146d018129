//! Which requests meet which faults.

use proptest::prelude::*;

use super::outcome::{Effect, Happening, Outcome};
use super::rules::{Asked, Filter, Rule, Rules};
use super::target::{Part, Target};

const PRODUCE: i16 = 0;
const FETCH: i16 = 1;

fn asked(key: i16, client_id: &str) -> Asked<'_> {
    Asked { key, version: 7, client_id, node_id: 1, parts: &[] }
}

fn on(key: i16, outcome: Outcome) -> Rule {
    let filter = Filter { keys: vec![key], ..Filter::default() };
    Rule { filter, skipped: 0, times: None, probability: 1.0, effect: Effect::Always(outcome) }
}

/// What happens to a request.
fn meet(rules: &mut Rules, asked: &Asked<'_>) -> Option<Outcome> {
    match rules.meet(asked, None, &|_| None)?.happening {
        Happening::Outcome(outcome) => Some(outcome),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_rule_is_for_requests_that_all_of_it_fits() {
    let fits = |filter: Filter| {
        let mut rules = Rules::new(0);
        rules.add(Rule { filter, ..on(PRODUCE, Outcome::Silence) });
        meet(&mut rules, &asked(PRODUCE, "a")).is_some()
    };
    assert!(fits(Filter::default()));
    assert!(fits(Filter { keys: vec![FETCH, PRODUCE], ..Filter::default() }));
    assert!(!fits(Filter { keys: vec![FETCH], ..Filter::default() }));
    assert!(fits(Filter { client_id: Some("a".into()), node_id: Some(1), ..Filter::default() }));
    assert!(!fits(Filter { client_id: Some("b".into()), node_id: Some(1), ..Filter::default() }));
    assert!(!fits(Filter { client_id: Some("a".into()), node_id: Some(2), ..Filter::default() }));
    assert!(fits(Filter { versions: Some(7..=9), ..Filter::default() }));
    assert!(!fits(Filter { versions: Some(8..=9), ..Filter::default() }));
}

#[test]
fn rules_with_a_number_of_times_happen_one_after_the_other() {
    let mut rules = Rules::new(0);
    rules.add(Rule { times: Some(2), ..on(PRODUCE, Outcome::DisconnectBefore) });
    let second = rules.add(Rule { skipped: 1, times: Some(1), ..on(PRODUCE, Outcome::Silence) });
    let met: Vec<_> = (0..5).map(|_| meet(&mut rules, &asked(PRODUCE, ""))).collect();
    let [first, silence] = [Some(Outcome::DisconnectBefore), Some(Outcome::Silence)];
    assert_eq!(met, [first.clone(), first, None, silence, None]);
    assert_eq!(rules.times_happened(second), 1);
    assert!(!rules.is_armed(), "none of them can happen again");
}

#[test]
fn a_rule_that_is_taken_back_does_not_happen_any_more() {
    let mut rules = Rules::new(0);
    let id = rules.add(on(PRODUCE, Outcome::Silence));
    assert!(rules.is_armed());
    rules.remove(id);
    assert!(!rules.is_armed());
    assert_eq!(meet(&mut rules, &asked(PRODUCE, "")), None);
}

#[test]
fn nothing_that_cannot_be_happens_and_everything_that_is_certain() {
    let mut rules = Rules::new(1);
    rules.add(Rule { probability: 0.0, ..on(PRODUCE, Outcome::Silence) });
    rules.add(Rule { probability: 1.0, ..on(PRODUCE, Outcome::SilenceAfter) });
    for _ in 0..1000 {
        assert_eq!(meet(&mut rules, &asked(PRODUCE, "")), Some(Outcome::SilenceAfter));
    }
}

#[test]
fn outcomes_that_were_said_in_a_row_happen_in_a_row() {
    let mut rules = Rules::new(0);
    let row = [Outcome::Silence, Outcome::Pass, Outcome::DisconnectAfter];
    rules.add(Rule { effect: Effect::InTurn(row.clone().into()), ..on(PRODUCE, Outcome::Pass) });
    let met: Vec<_> = (0..4).map(|_| meet(&mut rules, &asked(PRODUCE, ""))).collect();
    assert_eq!(met, row.into_iter().map(Some).chain([None]).collect::<Vec<_>>());
    assert!(!rules.is_armed(), "the row is at its end");
}

#[test]
fn a_rule_behind_another_is_found_from_there_on() {
    let mut rules = Rules::new(0);
    rules.add(on(PRODUCE, Outcome::Pass));
    rules.add(on(PRODUCE, Outcome::Silence));
    let first = rules.meet(&asked(PRODUCE, ""), None, &|_| None).unwrap();
    let second = rules.meet(&asked(PRODUCE, ""), Some(first.rule), &|_| None).unwrap();
    assert!(matches!(second.happening, Happening::Outcome(Outcome::Silence)));
    assert!(rules.meet(&asked(PRODUCE, ""), Some(second.rule), &|_| None).is_none());
}

#[test]
fn a_rule_for_a_topic_is_for_requests_about_it() {
    let mut rules = Rules::new(0);
    let target = Target { topic: Some("t".to_owned()), ..Target::default() };
    rules.add(Rule { filter: Filter { target, ..Filter::default() }, ..on(PRODUCE, Outcome::Silence) });
    assert!(rules.look_at_parts());
    assert_eq!(meet(&mut rules, &asked(PRODUCE, "")), None);
    let of = |topic: &str| [Part { topic: topic.to_owned(), ..Part::default() }];
    assert_eq!(meet(&mut rules, &Asked { parts: &of("other"), ..asked(PRODUCE, "") }), None);
    assert_eq!(meet(&mut rules, &Asked { parts: &of("t"), ..asked(PRODUCE, "") }), Some(Outcome::Silence));
}

/// What happens to these requests, one after the other.
fn faults(rules: &mut Rules, keys: &[bool]) -> Vec<Option<Outcome>> {
    keys.iter().map(|is_fetch| meet(rules, &asked(i16::from(*is_fetch), ""))).collect()
}

proptest! {
    #[test]
    fn the_same_seed_gives_the_same_faults(seed: u64, probability in 0.0..1.0, keys: Vec<bool>) {
        let run = || {
            let mut rules = Rules::new(seed);
            rules.add(Rule { probability, ..on(PRODUCE, Outcome::Silence) });
            rules.add(Rule { probability, ..on(FETCH, Outcome::SilenceAfter) });
            faults(&mut rules, &keys)
        };
        prop_assert_eq!(run(), run());
    }

    #[test]
    fn what_chance_does_to_one_rule_does_not_depend_on_the_others(seed: u64, probability in 0.0..1.0, keys: Vec<bool>) {
        let happened = |requests: &[bool]| {
            let mut rules = Rules::new(seed);
            rules.add(Rule { probability, ..on(PRODUCE, Outcome::Silence) });
            rules.add(Rule { probability, ..on(FETCH, Outcome::SilenceAfter) });
            let mut met = faults(&mut rules, requests);
            let mut kinds = requests.iter();
            met.retain(|_| kinds.next() == Some(&false));
            met
        };
        let alone: Vec<bool> = keys.iter().copied().filter(|is_fetch| !is_fetch).collect();
        prop_assert_eq!(happened(&keys), happened(&alone));
    }

    #[test]
    fn a_rule_happens_about_as_often_as_it_should(seed: u64) {
        let mut rules = Rules::new(seed);
        let id = rules.add(Rule { probability: 0.25, ..on(PRODUCE, Outcome::Silence) });
        faults(&mut rules, &[false; 4000]);
        // Eleven standard deviations: no seed that proptest will find.
        prop_assert!((700..1300).contains(&rules.times_happened(id)), "{}", rules.times_happened(id));
    }

    #[test]
    fn no_rule_happens_more_often_than_it_may(times in 0_u32..5, skipped in 0_u32..5, requests in 0_usize..20) {
        let mut rules = Rules::new(0);
        let id = rules.add(Rule { times: Some(times), skipped, ..on(PRODUCE, Outcome::Silence) });
        faults(&mut rules, &vec![false; requests]);
        let left = u32::try_from(requests).unwrap().saturating_sub(skipped);
        prop_assert_eq!(rules.times_happened(id), left.min(times));
    }
}

//! Which requests meet which faults.

use proptest::prelude::*;

use super::rules::{Asked, Filter, Outcome, Rule, Rules};

const PRODUCE: i16 = 0;
const FETCH: i16 = 1;

fn asked(key: i16, client_id: &str) -> Asked<'_> {
    Asked { key, version: 7, client_id, node_id: 1 }
}

fn on(key: i16, outcome: Outcome) -> Rule {
    let filter = Filter { keys: vec![key], ..Filter::default() };
    Rule { filter, skipped: 0, times: None, probability: 1.0, outcome }
}

#[test]
fn a_rule_is_for_requests_that_all_of_it_fits() {
    let fits = |filter: Filter| {
        let mut rules = Rules::new(0);
        rules.add(Rule { filter, ..on(PRODUCE, Outcome::Silence) });
        rules.meet(&asked(PRODUCE, "a")).is_some()
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
    let met: Vec<_> = (0..5).map(|_| rules.meet(&asked(PRODUCE, ""))).collect();
    let [first, silence] = [Some(Outcome::DisconnectBefore), Some(Outcome::Silence)];
    assert_eq!(met, [first, first, None, silence, None]);
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
    assert_eq!(rules.meet(&asked(PRODUCE, "")), None);
}

#[test]
fn nothing_that_cannot_be_happens_and_everything_that_is_certain() {
    let mut rules = Rules::new(1);
    rules.add(Rule { probability: 0.0, ..on(PRODUCE, Outcome::Silence) });
    rules.add(Rule { probability: 1.0, ..on(PRODUCE, Outcome::SilenceAfter) });
    for _ in 0..1000 {
        assert_eq!(rules.meet(&asked(PRODUCE, "")), Some(Outcome::SilenceAfter));
    }
}

/// What happens to these requests, one after the other.
fn faults(rules: &mut Rules, keys: &[bool]) -> Vec<Option<Outcome>> {
    keys.iter().map(|is_fetch| rules.meet(&asked(i16::from(*is_fetch), ""))).collect()
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

//! Offsets as CSV: what `--export` prints and `--from-file` reads.
//!
//! A line has three fields for one group, `topic,partition,offset`, and the group in front of them for several.

use std::collections::BTreeMap;

use crate::wire::TopicPartition;

/// New offsets of groups.
pub(super) type Plan = BTreeMap<String, BTreeMap<TopicPartition, i64>>;

/// Jackson, by which the script writes, puts a longer text into quotes without looking at it.
const LONGEST_BARE: usize = 24;

/// Writes a plan; `with_group` unless the script was told one group.
pub(super) fn write(plan: &Plan, with_group: bool) -> String {
    let mut csv = String::new();
    for (group, offsets) in plan {
        for ((topic, partition), offset) in offsets {
            if with_group {
                csv += &format!("{},", quoted(group));
            }
            csv += &format!("{},{partition},{offset}\n", quoted(topic));
        }
    }
    csv
}

fn quoted(text: &str) -> String {
    // Jackson takes every character before the hyphen for one that may need quotes.
    let is_bare = text.encode_utf16().count() <= LONGEST_BARE && text.chars().all(|letter| letter >= '-');
    if is_bare { text.to_owned() } else { format!("\"{}\"", text.replace('"', "\"\"")) }
}

/// Reads what [`write`] wrote. `group` is the one that the script was told, if it is one: then lines may be without it.
///
/// # Errors
/// A line is something else.
pub(super) fn read(csv: &str, group: Option<&str>) -> Result<Plan, String> {
    let lines: Vec<&str> = csv.trim_end_matches(['\n', '\r']).lines().collect();
    let is_short = lines.first().and_then(|line| fields(line)).is_some_and(|fields| fields.len() == 3);
    let group = group.filter(|_| is_short);
    let mut plan = Plan::new();
    for (number, line) in (1..).zip(lines) {
        let (group, partition, offset) = read_line(line, group).ok_or_else(|| {
            let wanted = if group.is_some() { "topic,partition,offset" } else { "group,topic,partition,offset" };
            format!("java.io.IOException: line {number} is not {wanted}: {line}")
        })?;
        plan.entry(group).or_default().insert(partition, offset);
    }
    Ok(plan)
}

fn read_line(line: &str, group: Option<&str>) -> Option<(String, TopicPartition, i64)> {
    let mut fields = fields(line)?.into_iter();
    let group = group.map(str::to_owned).or_else(|| fields.next())?;
    let topic = fields.next()?;
    let partition = fields.next()?.trim().parse().ok()?;
    let offset = fields.next()?.trim().parse().ok()?;
    fields.next().is_none().then_some((group, (topic, partition), offset))
}

/// The fields of a line; `None` if a quote is not closed.
fn fields(line: &str) -> Option<Vec<String>> {
    let mut fields = Vec::new();
    let mut rest = line;
    loop {
        let (field, behind) = match rest.trim_start().strip_prefix('"') {
            Some(inside) => quoted_field(inside)?,
            None => {
                let end = rest.find(',').unwrap_or(rest.len());
                (rest[..end].to_owned(), &rest[end..])
            }
        };
        fields.push(field);
        match behind.strip_prefix(',') {
            Some(more) => rest = more,
            None => return behind.trim().is_empty().then_some(fields),
        }
    }
}

/// What stands before the quote that closes, and what behind it.
fn quoted_field(inside: &str) -> Option<(String, &str)> {
    let mut field = String::new();
    let mut rest = inside;
    loop {
        let (text, behind) = rest.split_once('"')?;
        field += text;
        match behind.strip_prefix('"') {
            Some(more) => {
                field.push('"');
                rest = more;
            }
            None => return Some((field, behind)),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn plan(lines: &[(&str, &str, i32, i64)]) -> Plan {
        let mut plan = Plan::new();
        for &(group, topic, partition, offset) in lines {
            plan.entry(group.to_owned()).or_default().insert((topic.to_owned(), partition), offset);
        }
        plan
    }

    #[test]
    fn one_group_is_not_named_and_several_are() {
        let plan = plan(&[("idle", "shop", 0, 4), ("idle", "shop", 1, 5)]);
        assert_eq!(write(&plan, false), "shop,0,4\nshop,1,5\n");
        assert_eq!(write(&plan, true), "idle,shop,0,4\nidle,shop,1,5\n");
    }

    #[test]
    fn what_is_long_or_may_mean_something_is_quoted() {
        assert_eq!(quoted("a-rather-long-topic-name-for-columns"), "\"a-rather-long-topic-name-for-columns\"");
        assert_eq!(quoted("four-and-twenty-letters-"), "four-and-twenty-letters-");
        assert_eq!(quoted("a \"b\""), "\"a \"\"b\"\"\"");
    }

    #[test]
    fn a_plan_without_groups_is_for_the_one_that_is_named() {
        assert_eq!(
            read("shop,0,4\nshop,1,5\n", Some("idle")),
            Ok(plan(&[("idle", "shop", 0, 4), ("idle", "shop", 1, 5)]))
        );
        assert_eq!(read("other,shop,0,4\r\n", Some("idle")), Ok(plan(&[("other", "shop", 0, 4)])));
        assert_eq!(read("a,shop,0,4\nb,shop,0,5", None), Ok(plan(&[("a", "shop", 0, 4), ("b", "shop", 0, 5)])));
    }

    #[test]
    fn what_is_no_plan_is_refused_with_its_line() {
        for (csv, group) in
            [("shop,0", Some("g")), ("shop,0,4\nshop,x,4", Some("g")), ("shop,0,4", None), ("\"shop,0,4", None)]
        {
            let refused = read(csv, group).unwrap_err();
            assert!(refused.contains("line "), "{csv}: {refused}");
        }
    }

    proptest! {
        #[test]
        fn what_was_written_is_read(group in "[^\\r\\n]{0,30}", topic in "[a-zA-Z0-9._-]{1,30}", partition in 0..100_i32, offset in 0..i64::MAX) {
            let plan = plan(&[(&group, &topic, partition, offset)]);
            prop_assert_eq!(read(&write(&plan, true), None), Ok(plan.clone()));
            prop_assert_eq!(read(&write(&plan, false), Some(&group)), Ok(plan));
        }

        #[test]
        fn any_text_is_a_plan_or_refused(csv in "[a,\"0-9\\n ]{0,40}") {
            let _ = read(&csv, Some("g"));
        }
    }
}

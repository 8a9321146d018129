//! What docs/spring.md says of tests and of Spring Boot's properties is so.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use kafka_app::config::KafkaProperties;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn guide() -> String {
    fs::read_to_string(root().join("docs/spring.md")).expect("the guide is in the repository")
}

/// The words in backticks of a line.
fn quoted(line: &str) -> impl Iterator<Item = &str> {
    line.split('`').skip(1).step_by(2)
}

/// Every function in the sources below these folders.
fn functions(folders: &[&str]) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut folders: Vec<_> = folders.iter().map(|folder| root().join(folder)).collect();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("a folder of the repository") {
            let path = entry.expect("an entry of it").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let source = fs::read_to_string(&path).expect("a source is text");
                let names = source
                    .lines()
                    .filter_map(|line| line.trim_start().strip_prefix("async ").or(Some(line.trim_start())));
                found.extend(names.filter_map(|line| Some(line.strip_prefix("fn ")?.split('(').next()?.to_owned())));
            }
        }
    }
    found
}

#[test]
fn every_test_that_the_guide_for_spring_names_is_there() {
    let guide = guide();
    // Names of tests are sentences: nothing else in the guide has as many words.
    let is_sentence = |name: &&str| name.matches('_').count() >= 5 && !name.contains(char::is_uppercase);
    let named = guide.lines().flat_map(quoted).filter(is_sentence);
    let named: BTreeSet<_> = named.map(str::to_owned).collect();
    assert!(named.len() > 40, "the guide names its tests: {named:?}");
    let missing: Vec<_> =
        named.difference(&functions(&["kafka-app/src", "tests/it", "tests/schemas/it"])).cloned().collect();
    assert!(missing.is_empty(), "no test has these names: {missing:?}");
}

#[test]
fn every_property_of_spring_boot_is_one_of_ours_or_is_answered() {
    let guide = guide();
    let rows = guide.lines().filter(|line| line.starts_with("| `spring.kafka."));
    let (mut n_rows, mut unknown) = (0, Vec::new());
    for key in rows.filter_map(|row| quoted(row).next()?.strip_prefix("spring.")) {
        n_rows += 1;
        let key = key.replace(".*", ".linger.ms");
        // Whether `1` is a right value of it is nothing to the question.
        if let Err(error) = KafkaProperties::builder().set(key.as_str(), "1").load()
            && error.to_string().contains("unknown key")
        {
            unknown.push(key);
        }
    }
    assert!(n_rows > 80, "the table is there: {n_rows} rows");
    assert!(unknown.is_empty(), "these get no answer: {unknown:?}");
}

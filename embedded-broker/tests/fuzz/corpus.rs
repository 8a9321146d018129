//! The files of the corpus.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use crate::seeds;

/// What the files made by `seeds/` are called.
const SEED: &str = "seed-";

fn dir(target: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fuzz/corpus").join(target)
}

/// Every input of a target, by the name of its file.
pub(crate) fn of(target: &str) -> BTreeMap<String, Vec<u8>> {
    let entries = fs::read_dir(dir(target)).expect("every target has a corpus");
    let files = entries.map(|entry| {
        let entry = entry.expect("a directory can be read");
        let name = entry.file_name().into_string().expect("names are ours");
        (name, fs::read(entry.path()).expect("a file can be read"))
    });
    files.collect()
}

#[test]
fn seeds_are_what_the_codec_makes_of_requests_today() {
    for (target, seeds) in seeds::all() {
        let seeds: BTreeMap<_, _> = seeds.into_iter().map(|(name, bytes)| (format!("{SEED}{name}"), bytes)).collect();
        if std::env::var_os("FUZZ_BLESS").is_some() {
            bless(&dir(target), &seeds);
        }
        let mut there = of(target);
        there.retain(|name, _| name.starts_with(SEED));
        assert!(there == seeds, "the corpus of {target} is another: write it anew with FUZZ_BLESS=1, and look at it");
    }
}

fn bless(dir: &Path, seeds: &BTreeMap<String, Vec<u8>>) {
    fs::create_dir_all(dir).expect("a directory can be made");
    for entry in fs::read_dir(dir).expect("a directory can be read") {
        let path = entry.expect("a directory can be read").path();
        if path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(SEED)) {
            fs::remove_file(path).expect("a file can be removed");
        }
    }
    for (name, bytes) in seeds {
        fs::write(dir.join(name), bytes).expect("a file can be written");
    }
}

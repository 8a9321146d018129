//! What a user sees of the configuration: layers, mistakes, resolved listeners.

mod circuit_breaker;
mod client_map;
mod clusters;
mod dead_letter_brake;
mod dead_letters;
mod layers;
mod life;
mod listeners;
mod mistakes;
mod retry_topics;

use std::fs;

use tempfile::TempDir;

use crate::config::{KafkaProperties, KafkaPropertiesBuilder};

/// A folder with these files.
fn folder(files: &[(&str, &str)]) -> TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    for (name, text) in files {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().expect("in the folder")).expect("made");
        fs::write(path, text).expect("written");
    }
    folder
}

/// The mistakes a configuration is refused with, one a line.
fn mistakes(builder: &KafkaPropertiesBuilder) -> Vec<String> {
    match builder.load() {
        Ok(_) => Vec::new(),
        Err(error) => {
            error.to_string().lines().skip(1).map(|line| line.trim_start_matches("  - ").to_owned()).collect()
        }
    }
}

/// The mistakes of one file.
fn mistakes_of_file(text: &str) -> Vec<String> {
    let folder = folder(&[("kafka-app.toml", text)]);
    mistakes(&KafkaProperties::builder().directory(folder.path()))
}

/// The one mistake of one file.
fn mistake_of_file(text: &str) -> String {
    let list = mistakes_of_file(text);
    assert_eq!(list.len(), 1, "{text}: {list:#?}");
    list.concat()
}

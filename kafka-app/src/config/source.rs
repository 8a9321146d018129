//! The layers: which files there are, and the tree they and the environment and code make together.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use config::{Config, Map, Value, ValueKind};

use crate::config::{
    env_layer::env_layer,
    layer::{Layer, is_properties, spelling},
    mistake::{Mistakes, did_you_mean},
    placeholder::Lookup,
    section::split_list,
    toml_layer::toml_layer,
};

/// What a configuration is read from. Nothing here is read from the process: the caller says it all.
#[derive(Clone, Default)]
pub(crate) struct Sources {
    /// Where files are searched, with its subfolder `config`; `None`: no files.
    pub(crate) directory: Option<PathBuf>,
    pub(crate) environment: BTreeMap<String, String>,
    /// Given by code; else `KAFKA_APP_PROFILE`.
    pub(crate) profiles: Option<Vec<String>>,
    /// When neither code nor environment says any.
    pub(crate) default_profile: Option<String>,
    /// Key and value, the last layer.
    pub(crate) code: Vec<(String, String)>,
}

/// The layers, merged, with the placeholders under `kafka` replaced.
pub(crate) struct Merged {
    pub(crate) tree: Map<String, Value>,
    pub(crate) lookup: Lookup,
}

const FOLDER_VARIABLE: &str = "KAFKA_APP_CONFIG";
const PROFILE_VARIABLE: &str = "KAFKA_APP_PROFILE";

impl Sources {
    pub(crate) fn merge(&self, mistakes: &Mistakes) -> Merged {
        let mut builder = Config::builder();
        for layer in self.file_layers(mistakes) {
            builder = builder.add_source(layer);
        }
        builder = builder.add_source(env_layer(&self.environment, mistakes)).add_source(self.code_layer());
        let mut tree = match builder.build().map(|config| config.cache.kind) {
            Ok(ValueKind::Table(tree)) => tree,
            Ok(_) => Map::new(),
            Err(error) => {
                mistakes.add("", "", error.to_string());
                Map::new()
            }
        };
        let lookup = Lookup::new(&tree, self.environment.clone());
        if let Some(kafka) = tree.get_mut("kafka") {
            replace_placeholders("kafka", kafka, &lookup, mistakes);
        }
        Merged { tree, lookup }
    }

    fn file_layers(&self, mistakes: &Mistakes) -> Vec<Layer> {
        let folders = self.folders(mistakes);
        let read = |name: &str| read_file(&folders, name, mistakes);
        let mut layers = Vec::from_iter(read("kafka-app.toml"));
        for profile in self.profiles(mistakes) {
            let name = format!("kafka-app-{profile}.toml");
            match read(&name) {
                Some(layer) => layers.push(layer),
                None => mistakes.add(self.profile_source(), "", no_profile(&folders, &profile)),
            }
        }
        layers.extend(read("kafka-app.local.toml"));
        layers
    }

    fn folders(&self, mistakes: &Mistakes) -> Vec<PathBuf> {
        let Some(directory) = &self.directory else { return Vec::new() };
        match self.environment.get(FOLDER_VARIABLE) {
            Some(folder) => {
                let folder = directory.join(folder);
                if !folder.is_dir() {
                    mistakes.add(FOLDER_VARIABLE, "", format!("there is no directory {}", folder.display()));
                }
                vec![folder]
            }
            None => vec![directory.clone(), directory.join("config")],
        }
    }

    fn profiles(&self, mistakes: &Mistakes) -> Vec<String> {
        let said = match (&self.profiles, self.environment.get(PROFILE_VARIABLE)) {
            (Some(profiles), _) => profiles.clone(),
            (None, Some(list)) if self.directory.is_some() => split_list(list),
            // Without a directory the process's profiles cannot be meant.
            (None, _) => self.default_profile.clone().into_iter().collect(),
        };
        let is_name = |profile: &String| {
            let fits = !profile.is_empty() && profile.chars().all(|c| c.is_alphanumeric() || c == '-' || c == '_');
            if !fits {
                let text = format!("`{profile}` is no profile: letters, digits, dashes and underscores only");
                mistakes.add(self.profile_source(), "", text);
            }
            fits
        };
        said.into_iter().filter(is_name).collect()
    }

    fn profile_source(&self) -> &'static str {
        let is_variable = self.profiles.is_none() && self.environment.contains_key(PROFILE_VARIABLE);
        if is_variable { PROFILE_VARIABLE } else { "code" }
    }

    fn code_layer(&self) -> Layer {
        let mut layer = Layer::default();
        for (key, value) in &self.code {
            layer.set(&split_key(key), Value::new(Some(&"code".to_owned()), value.as_str()));
        }
        layer
    }
}

/// `kafka.producer.properties.linger.ms` → `kafka`, `producer`, `properties`, `linger.ms`.
fn split_key(key: &str) -> Vec<String> {
    let mut path: Vec<String> = Vec::new();
    let mut rest = key;
    while let Some((segment, tail)) = rest.split_once('.') {
        if is_properties(&path.iter().map(String::as_str).collect::<Vec<_>>()) {
            break;
        }
        path.push(spelling(&path, segment));
        rest = tail;
    }
    path.push(spelling(&path, rest));
    path
}

/// The file in the first folder that has it; in two folders at once it is a mistake, since one would be ignored.
fn read_file(folders: &[PathBuf], name: &str, mistakes: &Mistakes) -> Option<Layer> {
    let mut found = folders.iter().map(|folder| folder.join(name)).filter(|path| path.is_file());
    let path = found.next()?;
    if let Some(other) = found.next() {
        mistakes.add(shown(&path), "", format!("is also in {}; keep one of them", shown(&other)));
    }
    match fs::read_to_string(&path) {
        Ok(text) => Some(toml_layer(&shown(&path), &text, mistakes)),
        Err(error) => {
            mistakes.add(shown(&path), "", format!("cannot be read: {error}"));
            Some(Layer::default())
        }
    }
}

/// The file's name, with its folder where that tells two apart.
fn shown(path: &Path) -> String {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    match path.parent().and_then(Path::file_name) {
        Some(folder) if folder == "config" => format!("config/{name}"),
        _ => name.into_owned(),
    }
}

fn no_profile(folders: &[PathBuf], profile: &str) -> String {
    let files = folders.iter().filter_map(|folder| fs::read_dir(folder).ok()).flatten().flatten();
    let others = files
        .filter_map(|file| {
            let name = file.file_name().into_string().ok()?;
            Some(name.strip_prefix("kafka-app-")?.strip_suffix(".toml")?.to_owned())
        })
        .collect::<Vec<_>>();
    let hint = did_you_mean(profile, others.iter().map(String::as_str));
    format!("the profile `{profile}` has no file kafka-app-{profile}.toml{hint}")
}

/// Replaces placeholders in every text. Where that fails the value is taken out: it has been reported.
fn replace_placeholders(path: &str, value: &mut Value, lookup: &Lookup, mistakes: &Mistakes) {
    let origin = value.origin().unwrap_or_default().to_owned();
    match &mut value.kind {
        ValueKind::Table(table) => {
            for (key, value) in table {
                replace_placeholders(&format!("{path}.{key}"), value, lookup, mistakes);
            }
        }
        ValueKind::Array(items) => {
            for item in items {
                replace_placeholders(path, item, lookup, mistakes);
            }
        }
        ValueKind::String(text) => match lookup.resolve(text) {
            Ok(resolved) => *text = resolved,
            Err(error) => {
                mistakes.add(origin, path, error);
                value.kind = ValueKind::Nil;
            }
        },
        _ => {}
    }
}

//! What the compiler says of each mistake, compared with the `.stderr` beside the case.
//!
//! `rustc` is called directly on top of the `kafka_app` that this very test was built with: trybuild would build
//! librdkafka once more for a target folder of its own. Each mistake is rendered from rustc's JSON without what changes
//! when other crates do: the sources and line numbers of other files and the lists of types that implement a trait.
//! `UI_BLESS=1` writes what is said now.

use std::{
    env,
    error::Error,
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::Value;

/// rustc's own words change from release to release.
const TOOLCHAIN: &str = "rustc 1.95.";

type Result<T> = std::result::Result<T, Box<dyn Error>>;

#[test]
fn every_mistake_is_answered_as_written() -> Result<()> {
    let version = output(Command::new("rustc").arg("--version"))?;
    if !version.starts_with(TOOLCHAIN) {
        eprintln!("skipped: the expected output is that of {TOOLCHAIN}x, this is {version}");
        return Ok(());
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let library = library()?;
    let bless = env::var_os("UI_BLESS").is_some();
    let mut cases = cases(&root.join("tests/ui"))?;
    cases.sort();
    assert!(cases.len() > 20, "the cases are missing: {cases:?}");
    let mut different = Vec::new();
    for case in &cases {
        let said = compile(case, &library)?;
        let expected = case.with_extension("stderr");
        if bless {
            fs::write(&expected, said)?;
        } else if fs::read_to_string(&expected).unwrap_or_default() != said {
            eprintln!("{}: not as expected, but\n\n{said}", case.display());
            different.push(case);
        }
    }
    assert!(different.is_empty(), "{} of {} cases differ: {different:#?}", different.len(), cases.len());
    Ok(())
}

/// The cases, one folder deep.
fn cases(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut cases = Vec::new();
    for category in fs::read_dir(folder)? {
        for case in fs::read_dir(category?.path())? {
            cases.push(case?.path());
        }
    }
    cases.retain(|case| case.extension().is_some_and(|extension| extension == "rs"));
    Ok(cases)
}

/// The compiled `kafka_app` that this test links: of those beside it, the last one built before it.
fn library() -> Result<PathBuf> {
    let this = env::current_exe()?;
    let built = this.metadata()?.modified()?;
    let folder = this.parent().ok_or("a program without a folder")?;
    let mut libraries = Vec::new();
    for file in fs::read_dir(folder)? {
        let file = file?;
        let name = file.file_name().to_string_lossy().into_owned();
        let modified = file.metadata()?.modified()?;
        if name.starts_with("libkafka_app-") && name.ends_with(".rlib") && modified <= built {
            libraries.push((modified, file.path()));
        }
    }
    let newest = libraries.into_iter().max().map(|(_, path)| path);
    newest.ok_or_else(|| format!("no libkafka_app in {}", folder.display()).into())
}

/// Standard output of a command that succeeds.
fn output(command: &mut Command) -> Result<String> {
    let output = command.output()?;
    if output.status.success() {
        Ok(String::from_utf8(output.stdout)?)
    } else {
        Err(format!("{command:?} fails: {}", String::from_utf8_lossy(&output.stderr)).into())
    }
}

/// Everything that rustc says of a case, which must not compile.
fn compile(case: &Path, library: &Path) -> Result<String> {
    let dependencies = library.parent().ok_or("a library without a folder")?;
    let mut command = Command::new("rustc");
    command.arg(case).args([
        "--edition",
        "2024",
        "--crate-type",
        "bin",
        "--emit",
        "metadata",
        "--error-format",
        "json",
    ]);
    command.arg("-L").arg(format!("dependency={}", dependencies.display()));
    command.arg("--extern").arg(format!("kafka_app={}", library.display()));
    command.arg("-o").arg(Path::new(env!("CARGO_TARGET_TMPDIR")).join("ui-case"));
    let output = command.output()?;
    if output.status.success() {
        return Ok("it compiles\n".to_owned());
    }
    let mut said = String::new();
    for line in String::from_utf8(output.stderr)?.lines() {
        let diagnostic: Value = serde_json::from_str(line)?;
        render(&diagnostic, case, &mut said)?;
    }
    Ok(said)
}

/// One diagnostic: its message, what it underlines in the case, and its notes.
fn render(diagnostic: &Value, case: &Path, said: &mut String) -> Result<()> {
    let message = text(&diagnostic["message"]);
    if diagnostic["spans"].as_array().is_none_or(Vec::is_empty) {
        return Ok(()); // "aborting due to 2 previous errors" and "for more information"
    }
    writeln!(said, "{}: {message}", text(&diagnostic["level"]))?;
    for span in spans(diagnostic).filter(|span| Path::new(text(&span["file_name"])) == case) {
        writeln!(said, "  {}", underlined(span))?;
    }
    for child in diagnostic["children"].as_array().into_iter().flatten() {
        let elsewhere = spans(child).any(|span| Path::new(text(&span["file_name"])) != case);
        let message = text(&child["message"]);
        if !elsewhere && !message.starts_with("the following other types implement") {
            writeln!(said, "  {}: {message}", text(&child["level"]))?;
        }
    }
    said.push('\n');
    Ok(())
}

fn spans(diagnostic: &Value) -> impl Iterator<Item = &Value> {
    diagnostic["spans"].as_array().into_iter().flatten()
}

/// `4:18 tpoic`, with the label if there is one.
fn underlined(span: &Value) -> String {
    let lines: Vec<String> = span["text"].as_array().into_iter().flatten().map(highlighted).collect();
    let shown = match lines.as_slice() {
        [] => String::new(),
        [line] => line.clone(),
        [first, .., last] => format!("{} .. {}", first.trim(), last.trim()),
    };
    let label = span["label"].as_str().map(|label| format!("  <- {label}")).unwrap_or_default();
    format!("{}:{} {shown}{label}", span["line_start"], span["column_start"])
}

fn highlighted(line: &Value) -> String {
    let column = |name: &str| line[name].as_u64().and_then(|column| usize::try_from(column).ok()).unwrap_or(1) - 1;
    text(&line["text"]).chars().take(column("highlight_end")).skip(column("highlight_start")).collect()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

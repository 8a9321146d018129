//! The console blocks of a document, as steps.
//!
//! A block may begin with `# terminal NAME`: what follows is typed there, and without one in the terminal `main`. `$ ` begins
//! a command; `$ ` with ` &` at its end leaves it running; `^C` interrupts what runs; other lines behind `> ` are typed to it.
//! Everything else is what is printed, in this order: `…` stands for anything in a line, and alone for any lines.

/// What is done in a terminal.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Action {
    /// A command, whose end is waited for.
    Run(String),
    /// A command that goes on running.
    Start(String),
    /// A line for what runs.
    Type(String),
    /// Ctrl-C.
    Interrupt,
    /// Nothing: what runs prints something because of what was done elsewhere.
    Watch,
}

/// One step, and what is printed by it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Step {
    pub(super) terminal: String,
    pub(super) action: Action,
    pub(super) printed: Vec<String>,
    /// In the document, from 1.
    pub(super) line: usize,
}

/// All steps of a document.
pub(super) fn steps(document: &str) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    let mut terminal = None;
    for (index, text) in document.lines().enumerate() {
        let line = index + 1;
        match &mut terminal {
            None if text == "```console" => terminal = Some("main".to_owned()),
            None => {}
            Some(_) if text == "```" => terminal = None,
            Some(terminal) => {
                if let Some(name) = text.strip_prefix("# terminal ") {
                    name.clone_into(terminal);
                    steps.push(Step { terminal: name.to_owned(), action: Action::Watch, printed: Vec::new(), line });
                } else if let Some(action) = action(text) {
                    steps.push(Step { terminal: terminal.clone(), action, printed: Vec::new(), line });
                } else if let Some(last) = steps.last_mut().filter(|last| last.terminal == *terminal) {
                    last.printed.push(text.to_owned());
                }
            }
        }
    }
    steps.retain(|step| step.action != Action::Watch || !step.printed.is_empty());
    steps
}

fn action(text: &str) -> Option<Action> {
    if let Some(command) = text.strip_prefix("$ ") {
        return Some(match command.strip_suffix(" &") {
            Some(command) => Action::Start(command.to_owned()),
            None => Action::Run(command.to_owned()),
        });
    }
    match text.strip_prefix("> ") {
        Some(typed) => Some(Action::Type(typed.to_owned())),
        None => (text == "^C").then_some(Action::Interrupt),
    }
}

/// Whether lines were printed as expected; lines that come behind are fine.
pub(super) fn is_printed(printed: &[String], expected: &[String]) -> bool {
    match (expected.split_first(), printed.split_first()) {
        (None, _) => true,
        (Some((first, rest)), _) if first == "…" => {
            is_printed(printed, rest) || printed.split_first().is_some_and(|(_, behind)| is_printed(behind, expected))
        }
        (Some((first, rest)), Some((line, behind))) => {
            is_like(line.trim_end(), first.trim_end()) && is_printed(behind, rest)
        }
        (Some(_), None) => false,
    }
}

/// Blanks count once: columns are as wide as what is in them.
fn is_like(line: &str, pattern: &str) -> bool {
    let squeeze = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    let (line, pattern) = (squeeze(line), squeeze(pattern));
    let mut parts = pattern.split('…');
    let Some(mut rest) = parts.next().and_then(|first| line.strip_prefix(first)) else { return false };
    let mut ends_open = false;
    for part in parts {
        let Some(at) = rest.find(part) else { return false };
        ends_open = part.is_empty();
        rest = &rest[at + part.len()..];
    }
    rest.is_empty() || ends_open || (pattern.contains('…') && rest.is_empty())
}

#[test]
fn console_blocks_are_steps_in_terminals() {
    let document = "text\n```console\n$ a b\nout\n$ c &\n```\n```rust\n$ no\n```\n```console\n# terminal two\nseen\n> typed\n^C\nend\n```\n";
    let step = |terminal: &str, action, printed: &[&str], line| Step {
        terminal: terminal.to_owned(),
        action,
        printed: printed.iter().map(|&text| text.to_owned()).collect(),
        line,
    };
    let expected = [
        step("main", Action::Run("a b".to_owned()), &["out"], 3),
        step("main", Action::Start("c".to_owned()), &[], 5),
        step("two", Action::Watch, &["seen"], 11),
        step("two", Action::Type("typed".to_owned()), &[], 13),
        step("two", Action::Interrupt, &["end"], 14),
    ];
    assert_eq!(steps(document), expected);
}

#[test]
fn what_is_printed_may_have_gaps_where_the_document_says_so() {
    let lines = |texts: &[&str]| texts.iter().map(|&text| text.to_owned()).collect::<Vec<_>>();
    let printed = lines(&["Topic: a  Id: xyz  Count: 3", "one", "two", "three"]);
    for expected in [
        &["Topic: a Id: … Count: 3", "one"][..],
        &["Topic: a …", "…", "three"],
        &["…", "two"],
        &["Topic: a Id: xyz Count: 3", "one", "two", "three"],
    ] {
        assert!(is_printed(&printed, &lines(expected)), "{expected:?}");
    }
    for expected in [&["Topic: b …"][..], &["Topic: a Id: … Count: 4"], &["Topic: a …", "two"], &["…", "four"]]
    {
        assert!(!is_printed(&printed, &lines(expected)), "{expected:?}");
    }
}

//! The options of `kafka-consumer-groups`, and which of them go together.

use std::path::PathBuf;

use clap::Args;

/// What follows the name of the tool. Whether it makes sense is [`Options::action`]'s.
#[derive(Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "so many switches the script has")]
pub(super) struct Options {
    /// The brokers to connect to first; needed by all but --validate-regex
    #[arg(long, value_name = "HOST:PORT,...")]
    pub(super) bootstrap_server: Option<String>,

    /// Read the properties of the client from a file, as Java clients have them
    #[arg(long, value_name = "FILE")]
    pub(super) command_config: Option<PathBuf>,

    /// How long each step may take, in milliseconds
    #[arg(long, value_name = "MS", default_value_t = 30_000)]
    pub(super) timeout: u64,

    /// List all consumer groups
    #[arg(long)]
    list: bool,

    /// Describe groups, and how far each is behind
    #[arg(long)]
    describe: bool,

    /// Delete groups with their offsets
    #[arg(long)]
    delete: bool,

    /// Set the offsets of groups without members; without --execute it is only shown
    #[arg(long)]
    reset_offsets: bool,

    /// Forget what a group has committed of topics
    #[arg(long)]
    delete_offsets: bool,

    /// Check a regular expression as RE2 reads it
    #[arg(long, value_name = "REGEX")]
    validate_regex: Option<String>,

    /// A group; may be given several times
    #[arg(long, value_name = "GROUP")]
    pub(super) group: Vec<String>,

    /// All groups
    #[arg(long)]
    pub(super) all_groups: bool,

    /// A topic, or some of its partitions as topic:0,1,2; may be given several times
    #[arg(long, value_name = "TOPIC[:PARTITION,...]")]
    pub(super) topic: Vec<String>,

    /// All topics of which a group has committed something
    #[arg(long)]
    pub(super) all_topics: bool,

    /// With --describe: the members
    #[arg(long)]
    members: bool,

    /// With --describe: offsets and lag, which is what it shows anyway
    #[arg(long)]
    offsets: bool,

    /// With --describe: the state; with --list: the states, or the groups in these
    #[arg(long, value_name = "STATE,...", num_args = 0..=1, default_missing_value = "")]
    pub(super) state: Option<String>,

    /// With --list: the types, or the groups of these
    #[arg(long, value_name = "TYPE,...", num_args = 0..=1, default_missing_value = "")]
    pub(super) r#type: Option<String>,

    /// With --describe: more columns
    #[arg(long)]
    pub(super) verbose: bool,

    /// With --reset-offsets: only show what would be done
    #[arg(long)]
    dry_run: bool,

    /// With --reset-offsets: do it
    #[arg(long)]
    pub(super) execute: bool,

    /// With --reset-offsets: print it as CSV
    #[arg(long)]
    pub(super) export: bool,

    /// Reset to this offset
    #[arg(long, value_name = "OFFSET")]
    pub(super) to_offset: Option<i64>,

    /// Reset to what was committed, or to the end where nothing was
    #[arg(long)]
    pub(super) to_current: bool,

    /// Reset to the first record since then, as 2026-11-21T07:00:00.000, in UTC unless a zone follows
    #[arg(long, value_name = "DATETIME")]
    pub(super) to_datetime: Option<String>,

    /// Reset as a file of CSV says: topic,partition,offset or group,topic,partition,offset
    #[arg(long, value_name = "FILE")]
    pub(super) from_file: Option<PathBuf>,

    /// Reset to the first record of the time before now, as PT1H30M or P7D
    #[arg(long, value_name = "DURATION")]
    pub(super) by_duration: Option<String>,

    /// Reset to the beginning
    #[arg(long)]
    pub(super) to_earliest: bool,

    /// Reset to the end
    #[arg(long)]
    pub(super) to_latest: bool,

    /// Move by so many records, backwards if it is negative
    #[arg(long, value_name = "RECORDS")]
    pub(super) shift_by: Option<i64>,
}

/// What is to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Action {
    List,
    Describe(View),
    Delete,
    ResetOffsets,
    DeleteOffsets,
    ValidateRegex,
}

/// What `--describe` shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum View {
    Offsets,
    Members,
    State,
}

impl Options {
    /// The one thing that is to be done.
    ///
    /// # Errors
    /// The options do not go together, in the words of the script.
    pub(super) fn action(&self) -> Result<Action, String> {
        if self.validate_regex.is_none() && self.bootstrap_server.is_none() {
            return Err("Missing required argument \"[bootstrap-server]\"".to_owned());
        }
        self.check_descriptions()?;
        self.check_deletions()?;
        if self.reset_offsets {
            self.check_resets()?;
        }
        self.check_scopes()?;
        self.the_action()
    }

    fn the_action(&self) -> Result<Action, String> {
        let view = match (self.members, &self.state) {
            (true, _) => View::Members,
            (false, Some(_)) => View::State,
            (false, None) => View::Offsets,
        };
        let actions = [
            (self.list, Action::List),
            (self.describe, Action::Describe(view)),
            (self.delete, Action::Delete),
            (self.reset_offsets, Action::ResetOffsets),
            (self.delete_offsets, Action::DeleteOffsets),
            (self.validate_regex.is_some(), Action::ValidateRegex),
        ];
        let mut asked = actions.into_iter().filter_map(|(is_asked, action)| is_asked.then_some(action));
        match (asked.next(), asked.next()) {
            (Some(action), None) => Ok(action),
            _ => Err("Command must include exactly one action: --list, --describe, --delete, --reset-offsets, \
                      --delete-offsets, --validate-regex"
                .to_owned()),
        }
    }

    fn check_descriptions(&self) -> Result<(), String> {
        if self.describe {
            self.check_groups("describe")?;
            if [self.members, self.offsets, self.state.is_some()].into_iter().filter(|&view| view).count() > 1 {
                let views = "[members], [offsets], [state]";
                return Err(format!("Option [describe] takes at most one of these options: {views}"));
            }
            if self.state.as_ref().is_some_and(|states| !states.is_empty()) {
                return Err("Option [describe] does not take a value for [state]".to_owned());
            }
            return only_with(&[("type", self.r#type.is_some(), "list")]);
        }
        only_with(&[
            ("members", self.members, "describe"),
            ("offsets", self.offsets, "describe"),
            ("verbose", self.verbose, "describe"),
            ("state", self.state.is_some() && !self.list, "describe and list"),
            ("type", self.r#type.is_some() && !self.list, "list"),
        ])
    }

    fn check_deletions(&self) -> Result<(), String> {
        if self.delete {
            self.check_groups("delete")?;
            if !self.topic.is_empty() {
                let no = "The consumer does not support topic-specific offset deletion from a consumer group.";
                return Err(no.to_owned());
            }
        }
        if self.delete_offsets && (self.group.is_empty() || self.topic.is_empty()) {
            return Err("Option [delete-offsets] takes the following options: [topic], [group]".to_owned());
        }
        Ok(())
    }

    fn check_resets(&self) -> Result<(), String> {
        if self.dry_run && self.execute {
            return Err("Option [reset-offsets] only accepts one of [execute] and [dry-run]".to_owned());
        }
        self.check_groups("reset-offsets")?;
        let given: Vec<&str> = self.scenarios().into_iter().filter_map(|(name, given)| given.then_some(name)).collect();
        match given[..] {
            [] => {
                let all = self.scenarios().map(|(name, _)| format!("[{name}]")).join(", ");
                Err(format!("Option '[reset-offsets]' requires one of the following scenarios: [{all}]"))
            }
            [_] if self.topic.is_empty() && !self.all_topics && self.from_file.is_none() => {
                Err("One of the reset scopes should be defined: --all-topics, --topic.".to_owned())
            }
            [_] => Ok(()),
            [one, other, ..] => Err(conflict(one, other)),
        }
    }

    /// The scenarios of a reset, in the order in which the script names them.
    fn scenarios(&self) -> [(&'static str, bool); 8] {
        [
            ("to-offset", self.to_offset.is_some()),
            ("to-current", self.to_current),
            ("to-datetime", self.to_datetime.is_some()),
            ("from-file", self.from_file.is_some()),
            ("by-duration", self.by_duration.is_some()),
            ("to-earliest", self.to_earliest),
            ("to-latest", self.to_latest),
            ("shift-by", self.shift_by.is_some()),
        ]
    }

    fn check_groups(&self, action: &str) -> Result<(), String> {
        if self.group.is_empty() && !self.all_groups {
            return Err(format!("Option [{action}] takes one of these options: [all-groups], [group]"));
        }
        Ok(())
    }

    fn check_scopes(&self) -> Result<(), String> {
        let (group, topic) = (!self.group.is_empty(), !self.topic.is_empty());
        let conflicts = [
            (group && self.all_groups, "group", "all-groups"),
            (group && self.list, "group", "list"),
            (topic && self.list, "topic", "list"),
            (topic && self.describe, "topic", "describe"),
        ];
        match conflicts.into_iter().find(|&(is_there, ..)| is_there) {
            Some((_, one, other)) => Err(conflict(one, other)),
            None => Ok(()),
        }
    }

    /// Whether a reset says neither that it is to be done nor that it is only to be shown.
    pub(super) fn is_undecided(&self) -> bool {
        self.reset_offsets && !self.dry_run && !self.execute
    }

    pub(super) fn regex(&self) -> &str {
        self.validate_regex.as_deref().unwrap_or_default()
    }
}

fn conflict(one: &str, other: &str) -> String {
    format!("Option \"[{one}]\" can't be used with option \"[{other}]\"")
}

/// Options that mean nothing without another one.
fn only_with(options: &[(&str, bool, &str)]) -> Result<(), String> {
    match options.iter().find(|&&(_, is_given, _)| is_given) {
        Some((name, _, with)) => Err(format!("Option [{name}] can only be used with {with}")),
        None => Ok(()),
    }
}

#[cfg(test)]
pub(super) mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    #[command(no_binary_name = true)]
    struct Line {
        #[command(flatten)]
        options: Options,
    }

    /// The options that are said.
    pub(in crate::tools::consumer_groups) fn options(said: &[&str]) -> Options {
        Line::parse_from(said).options
    }

    fn action(line: &str) -> Result<Action, String> {
        let line = format!("--bootstrap-server b:1 {line}");
        options(&line.split_whitespace().collect::<Vec<_>>()).action()
    }

    #[test]
    fn each_action_is_found() {
        assert_eq!(action("--list --state"), Ok(Action::List));
        assert_eq!(action("--list --state stable,empty --type"), Ok(Action::List));
        assert_eq!(action("--describe --group g"), Ok(Action::Describe(View::Offsets)));
        assert_eq!(action("--describe --all-groups --state --verbose"), Ok(Action::Describe(View::State)));
        assert_eq!(action("--describe --group g --members"), Ok(Action::Describe(View::Members)));
        assert_eq!(action("--delete --all-groups"), Ok(Action::Delete));
        assert_eq!(action("--reset-offsets --group g --topic t --to-earliest"), Ok(Action::ResetOffsets));
        assert_eq!(action("--reset-offsets --group g --from-file f --execute"), Ok(Action::ResetOffsets));
        assert_eq!(action("--delete-offsets --group g --topic t"), Ok(Action::DeleteOffsets));
    }

    #[test]
    fn a_regular_expression_is_checked_without_a_broker() {
        assert_eq!(options(&["--validate-regex", "a.*"]).action(), Ok(Action::ValidateRegex));
        let missing = options(&["--list"]).action();
        assert_eq!(missing, Err("Missing required argument \"[bootstrap-server]\"".to_owned()));
    }

    #[test]
    fn mistakes_are_told_in_the_words_of_the_script() {
        for (line, told) in [
            ("--describe", "Option [describe] takes one of these options: [all-groups], [group]"),
            (
                "--describe --group g --members --state",
                "Option [describe] takes at most one of these options: [members], [offsets], [state]",
            ),
            (
                "--reset-offsets --group g --topic t --dry-run",
                "Option '[reset-offsets]' requires one of the following scenarios: [[to-offset], [to-current], \
                 [to-datetime], [from-file], [by-duration], [to-earliest], [to-latest], [shift-by]]",
            ),
            (
                "--reset-offsets --group g --topic t --to-earliest --to-latest --dry-run",
                "Option \"[to-earliest]\" can't be used with option \"[to-latest]\"",
            ),
            (
                "--reset-offsets --group g --to-earliest --dry-run",
                "One of the reset scopes should be defined: --all-topics, --topic.",
            ),
            (
                "--reset-offsets --topic t --to-earliest",
                "Option [reset-offsets] takes one of these options: [all-groups], [group]",
            ),
            (
                "--reset-offsets --group g --topic t --to-earliest --dry-run --execute",
                "Option [reset-offsets] only accepts one of [execute] and [dry-run]",
            ),
            ("--delete-offsets --group g", "Option [delete-offsets] takes the following options: [topic], [group]"),
            ("--delete", "Option [delete] takes one of these options: [all-groups], [group]"),
            (
                "--delete --group x --topic y",
                "The consumer does not support topic-specific offset deletion from a consumer group.",
            ),
            ("--list --describe", "Option [describe] takes one of these options: [all-groups], [group]"),
            (
                "",
                "Command must include exactly one action: --list, --describe, --delete, --reset-offsets, \
                 --delete-offsets, --validate-regex",
            ),
            ("--describe --group g --all-groups", "Option \"[group]\" can't be used with option \"[all-groups]\""),
            ("--list --members", "Option [members] can only be used with describe"),
        ] {
            assert_eq!(action(line), Err(told.to_owned()), "{line}");
        }
    }
}

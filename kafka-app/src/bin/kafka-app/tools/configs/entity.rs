//! Whose configs they are: kinds and names, by either spelling of the options.

use clap::{Arg, ArgAction, ArgMatches, Args, Command, FromArgMatches};

/// A kind of thing that has configs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum EntityType {
    Topics,
    Clients,
    Users,
    Brokers,
    Ips,
    ClientMetrics,
    Groups,
    BrokerLoggers,
}

impl EntityType {
    const ALL: [Self; 8] = [
        Self::Topics,
        Self::Clients,
        Self::Users,
        Self::Brokers,
        Self::Ips,
        Self::ClientMetrics,
        Self::Groups,
        Self::BrokerLoggers,
    ];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Topics => "topics",
            Self::Clients => "clients",
            Self::Users => "users",
            Self::Brokers => "brokers",
            Self::Ips => "ips",
            Self::ClientMetrics => "client-metrics",
            Self::Groups => "groups",
            Self::BrokerLoggers => "broker-loggers",
        }
    }

    /// One of them, as the script calls it.
    pub(super) fn singular(self) -> &'static str {
        let name = self.name();
        &name[..name.len() - 1]
    }
}

/// The options that name an entity, and its kind for each.
const NAMED: [(&str, EntityType, &str); 8] = [
    ("topic", EntityType::Topics, "The topic's name"),
    ("client", EntityType::Clients, "The client's id"),
    ("user", EntityType::Users, "The user's name"),
    ("broker", EntityType::Brokers, "The broker's id"),
    ("broker-logger", EntityType::BrokerLoggers, "The broker's id, for its loggers"),
    ("ip", EntityType::Ips, "The address"),
    ("client-metrics", EntityType::ClientMetrics, "The name of a subscription to client metrics"),
    ("group", EntityType::Groups, "The group's id"),
];

/// The options that mean all without configs of their own.
const DEFAULTS: [(&str, EntityType, &str); 4] = [
    ("client-defaults", EntityType::Clients, "What counts for clients without quotas of their own"),
    ("user-defaults", EntityType::Users, "What counts for users without quotas of their own"),
    ("broker-defaults", EntityType::Brokers, "What counts for brokers without configs of their own"),
    ("ip-defaults", EntityType::Ips, "What counts for addresses without quotas of their own"),
];

/// What was said of whose configs they are.
///
/// Which name belongs to which kind is told by the order of the options, so these are read by hand.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Entities {
    /// As given, not all of which may be kinds.
    pub(super) types: Vec<String>,
    /// An empty one stands for the default.
    pub(super) names: Vec<String>,
    /// `--entity-type`, `--entity-name` or `--entity-default` was given.
    generic: bool,
    /// `--entity-default` was given.
    pub(super) default: bool,
    /// `--topic` or the like was given.
    specific: bool,
}

impl FromArgMatches for Entities {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let mut entities = Self::default();
        entities.update_from_arg_matches(matches)?;
        Ok(entities)
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        let texts = |id: &str| matches.get_many::<String>(id).into_iter().flatten().cloned();
        let placed = |id: &str| matches.indices_of(id).into_iter().flatten().zip(texts(id)).collect::<Vec<_>>();
        self.types = texts("entity-type").collect();
        let mut generic = placed("entity-name");
        let defaults = placed("entity-default");
        self.default = !defaults.is_empty();
        self.generic = !self.types.is_empty() || !generic.is_empty() || self.default;
        generic.extend(defaults);
        generic.sort();
        self.names = generic.into_iter().map(|(_, name)| name).collect();
        for (id, kind, _) in NAMED {
            if let Some(name) = matches.get_one::<String>(id) {
                self.types.push(kind.name().to_owned());
                self.names.push(name.clone());
                self.specific = true;
            }
        }
        for (id, kind, _) in DEFAULTS {
            if matches.get_flag(id) {
                self.types.push(kind.name().to_owned());
                self.names.push(String::new());
                self.specific = true;
            }
        }
        Ok(())
    }
}

impl Args for Entities {
    fn augment_args(command: Command) -> Command {
        let kinds: Vec<&str> = EntityType::ALL.into_iter().map(EntityType::name).collect();
        let types = Arg::new("entity-type")
            .long("entity-type")
            .value_name("TYPE")
            .action(ArgAction::Append)
            .help(format!("Whose configs: {}", kinds.join(", ")));
        let name = Arg::new("entity-name")
            .long("entity-name")
            .value_name("NAME")
            .action(ArgAction::Append)
            .help("Of which one of them");
        let default = Arg::new("entity-default")
            .long("entity-default")
            .action(ArgAction::Append)
            .num_args(0)
            .default_missing_value("")
            .help("Of those that have none of their own");
        let named = NAMED.map(|(id, _, help)| Arg::new(id).long(id).value_name("NAME").help(help));
        let defaults = DEFAULTS.map(|(id, _, help)| Arg::new(id).long(id).action(ArgAction::SetTrue).help(help));
        command.args([types, name, default]).args(named).args(defaults)
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl Entities {
    /// The kinds.
    ///
    /// # Errors
    /// In the script's words: one is unknown, there is none, or there are kinds that do not go together.
    pub(super) fn kinds(&self) -> Result<Vec<EntityType>, String> {
        let mut seen: Vec<&String> = Vec::new();
        let mut twice: Vec<&str> = Vec::new();
        for name in &self.types {
            if seen.contains(&name) { twice.push(name) } else { seen.push(name) }
        }
        if !twice.is_empty() {
            return Err(format!("Duplicate entity type(s) specified: {}", twice.join(",")));
        }
        let kind = |name: &String| {
            EntityType::ALL.into_iter().find(|kind| kind.name() == name).ok_or_else(|| {
                let known: Vec<&str> = EntityType::ALL.into_iter().map(EntityType::name).collect();
                format!(
                    "Invalid entity type {name}, the entity type must be one of {} with a --bootstrap-server or \
                     --bootstrap-controller argument",
                    known.join(", ")
                )
            })
        };
        let kinds: Vec<EntityType> = self.types.iter().map(kind).collect::<Result<_, _>>()?;
        let of_users_clients =
            |kinds: &[EntityType]| kinds.iter().all(|kind| [EntityType::Users, EntityType::Clients].contains(kind));
        match kinds[..] {
            [] => return Err("At least one entity type must be specified".to_owned()),
            [_, _, ..] if !of_users_clients(&kinds) => {
                return Err("Only 'users' and 'clients' entity types may be specified together".to_owned());
            }
            _ => {}
        }
        if self.generic && self.specific {
            return Err(
                "--entity-{type,name,default} should not be used in conjunction with specific entity flags".to_owned()
            );
        }
        Ok(kinds)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entities(arguments: &str) -> Entities {
        let command = Entities::augment_args(Command::new("t").no_binary_name(true));
        let matches = command.try_get_matches_from(arguments.split(' ')).unwrap();
        Entities::from_arg_matches(&matches).unwrap()
    }

    #[test]
    fn names_and_defaults_belong_to_the_kinds_in_their_order() {
        let names = |arguments| entities(arguments).names;
        assert_eq!(
            names("--entity-type users --entity-default --entity-type clients --entity-name busy"),
            ["", "busy"]
        );
        assert_eq!(
            names("--entity-type users --entity-name alice --entity-type clients --entity-default"),
            ["alice", ""]
        );
        assert_eq!(names("--entity-type users --entity-default --entity-type clients --entity-default"), ["", ""]);
    }

    #[test]
    fn either_spelling_means_the_same() {
        let both = [entities("--client c --user u"), entities("--user u --client c")];
        for entities in both {
            assert_eq!(entities.kinds(), Ok(vec![EntityType::Clients, EntityType::Users]));
            assert_eq!(entities.names, ["c", "u"]);
        }
        assert_eq!(entities("--broker-defaults").names, [""]);
    }

    #[test]
    fn kinds_that_cannot_be_are_refused_in_the_scripts_words() {
        let refused = |arguments| entities(arguments).kinds().unwrap_err();
        assert!(refused("--entity-type nope").starts_with(
            "Invalid entity type nope, the entity type must be one of topics, clients, users, brokers, ips, client-metrics, \
             groups, broker-loggers with a "
        ));
        assert_eq!(refused("--entity-name a"), "At least one entity type must be specified");
        assert_eq!(refused("--topic a --user b"), "Only 'users' and 'clients' entity types may be specified together");
        assert_eq!(refused("--entity-type users --entity-type users"), "Duplicate entity type(s) specified: users");
        assert!(refused("--entity-type topics --topic a").starts_with("Duplicate"));
        assert!(refused("--entity-name a --topic b").contains("should not be used in conjunction"));
    }
}

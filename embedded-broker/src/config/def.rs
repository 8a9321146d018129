//! What Kafka knows of one config: its name, type, default, legal values, and who may change it.

use super::check::Check;

/// The type of a config's value, by Kafka's names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ConfigType {
    Boolean,
    Class,
    Double,
    Int,
    List,
    Long,
    Password,
    Short,
    String,
}

impl ConfigType {
    /// The name Kafka uses in its error messages.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Boolean => "BOOLEAN",
            Self::Class => "CLASS",
            Self::Double => "DOUBLE",
            Self::Int => "INT",
            Self::List => "LIST",
            Self::Long => "LONG",
            Self::Password => "PASSWORD",
            Self::Short => "SHORT",
            Self::String => "STRING",
        }
    }

    /// The number that stands for the type in a DescribeConfigs response.
    pub(crate) const fn wire(self) -> i8 {
        match self {
            Self::Boolean => 1,
            Self::String => 2,
            Self::Int => 3,
            Self::Short => 4,
            Self::Long => 5,
            Self::Double => 6,
            Self::List => 7,
            Self::Class => 8,
            Self::Password => 9,
        }
    }
}

/// Who may change a broker config while the broker runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Update {
    /// Nobody: it is read at start.
    ReadOnly,
    /// Only for a named broker, not as the default of all.
    PerBroker,
    /// For one broker or for all.
    ClusterWide,
}

/// One row of a table of configs.
#[derive(Debug)]
pub(crate) struct ConfigDef {
    pub(crate) name: &'static str,
    pub(crate) kind: ConfigType,
    /// Absent when Kafka's default is null.
    pub(crate) default: Option<&'static str>,
    pub(crate) check: Check,
    pub(crate) update: Update,
    /// For topic configs: the broker configs that give the value when the topic has none, the nearest first.
    pub(crate) broker_names: &'static [&'static str],
}

impl ConfigDef {
    const fn new(name: &'static str, kind: ConfigType, default: Option<&'static str>) -> Self {
        Self { name, kind, default, check: Check::Any, update: Update::ClusterWide, broker_names: &[] }
    }

    /// Passwords never leave the broker.
    pub(crate) const fn is_sensitive(&self) -> bool {
        matches!(self.kind, ConfigType::Password)
    }

    pub(crate) const fn read_only(mut self) -> Self {
        self.update = Update::ReadOnly;
        self
    }

    pub(crate) const fn per_broker(mut self) -> Self {
        self.update = Update::PerBroker;
        self
    }

    pub(crate) const fn or_broker(mut self, names: &'static [&'static str]) -> Self {
        self.broker_names = names;
        self
    }

    pub(crate) const fn at_least(mut self, low: i64) -> Self {
        self.check = Check::AtLeast(low);
        self
    }

    pub(crate) const fn between(mut self, low: i64, high: i64) -> Self {
        self.check = Check::Between(low, high);
        self
    }

    pub(crate) const fn one_of(mut self, values: &'static [&'static str]) -> Self {
        self.check = Check::OneOf(values);
        self
    }

    pub(crate) const fn one_of_any_case(mut self, values: &'static [&'static str]) -> Self {
        self.check = Check::OneOfAnyCase(values);
        self
    }

    pub(crate) const fn list_of(mut self, values: &'static [&'static str]) -> Self {
        self.check = Check::ListOf(values);
        self
    }

    pub(crate) const fn gzip_level(mut self) -> Self {
        self.check = Check::GzipLevel;
        self
    }

    pub(crate) const fn throttled_replicas(mut self) -> Self {
        self.check = Check::ThrottledReplicas;
        self
    }

    pub(crate) const fn share_offset_reset(mut self) -> Self {
        self.check = Check::ShareOffsetReset;
        self
    }

    pub(crate) const fn non_empty(mut self) -> Self {
        self.check = Check::NonEmpty;
        self
    }
}

pub(crate) const fn boolean(name: &'static str, default: &'static str) -> ConfigDef {
    ConfigDef::new(name, ConfigType::Boolean, Some(default))
}

pub(crate) const fn class(name: &'static str, default: &'static str) -> ConfigDef {
    ConfigDef::new(name, ConfigType::Class, Some(default))
}

pub(crate) const fn double(name: &'static str, default: &'static str) -> ConfigDef {
    ConfigDef::new(name, ConfigType::Double, Some(default))
}

pub(crate) const fn int(name: &'static str, default: &'static str) -> ConfigDef {
    ConfigDef::new(name, ConfigType::Int, Some(default))
}

pub(crate) const fn list(name: &'static str, default: &'static str) -> ConfigDef {
    ConfigDef::new(name, ConfigType::List, Some(default))
}

pub(crate) const fn long(name: &'static str, default: &'static str) -> ConfigDef {
    ConfigDef::new(name, ConfigType::Long, Some(default))
}

pub(crate) const fn short(name: &'static str, default: &'static str) -> ConfigDef {
    ConfigDef::new(name, ConfigType::Short, Some(default))
}

pub(crate) const fn string(name: &'static str, default: &'static str) -> ConfigDef {
    ConfigDef::new(name, ConfigType::String, Some(default))
}

/// A config whose default is null.
pub(crate) const fn unset(name: &'static str, kind: ConfigType) -> ConfigDef {
    ConfigDef::new(name, kind, None)
}

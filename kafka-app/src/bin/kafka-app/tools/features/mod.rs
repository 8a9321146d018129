//! `kafka-features`: which features the brokers could have and have, and at which levels.

mod describe;
mod look_up;
mod update;
mod versions;

use std::io::Write;

use clap::{Args, Parser, Subcommand};

use super::{AnyConnection, Output, ToolCommand};
use crate::{failure::Failure, wire::Target};
use update::Update;

/// This tool manages feature flags in Kafka.
#[derive(Debug, Parser)]
pub(crate) struct FeaturesTool {
    #[command(flatten)]
    connection: AnyConnection,

    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Describes the current active feature flags
    Describe,

    /// Upgrade one or more feature flags
    Upgrade {
        #[command(flatten)]
        levels: Levels,
        /// Say whether it could be, and change nothing
        #[arg(long)]
        dry_run: bool,
    },

    /// Downgrade one or more feature flags
    Downgrade {
        #[command(flatten)]
        levels: Levels,
        #[command(flatten)]
        how: HowDown,
    },

    /// Disable one or more feature flags, which is the same as to downgrade them to 0
    Disable {
        /// A feature to disable
        #[arg(long, value_name = "FEATURE")]
        feature: Vec<String>,
        #[command(flatten)]
        how: HowDown,
    },

    /// The levels of all features that belong to a release
    VersionMapping {
        /// The release, as 3.9 or 3.9-IV0; the newest without it
        #[arg(long, value_name = "RELEASE")]
        release_version: Option<String>,
    },

    /// The features that a feature needs at a level
    FeatureDependencies {
        /// The feature and its level
        #[arg(long, value_name = "FEATURE=LEVEL", required = true)]
        feature: Vec<String>,
    },
}

/// The levels that features are to have.
#[derive(Debug, Args)]
struct Levels {
    /// Deprecated: the level of metadata.version, as 3.3-IV3
    #[arg(long, value_name = "RELEASE")]
    metadata: Option<String>,

    /// All features as they belong to a release
    #[arg(long, value_name = "RELEASE")]
    release_version: Option<String>,

    /// A feature and its level
    #[arg(long, value_name = "FEATURE=LEVEL")]
    feature: Vec<String>,
}

#[derive(Debug, Args)]
struct HowDown {
    /// Even if metadata are lost by it, which cannot be undone
    #[arg(long = "unsafe")]
    is_unsafe: bool,

    /// Say whether it could be, and change nothing
    #[arg(long)]
    dry_run: bool,
}

impl ToolCommand for FeaturesTool {
    async fn run(self, out: &mut Output) -> Result<u8, Failure> {
        let update = match self.command {
            Command::Describe => {
                let cluster = self.connection.cluster("describeFeatures").await?;
                let connection = cluster.connection(Target::Any).await?;
                out.write_all(describe::render(connection.api_versions()).as_bytes())?;
                return Ok(0);
            }
            Command::VersionMapping { release_version } => {
                let told = look_up::mapping(release_version.as_deref()).map_err(Failure::Failed)?;
                out.write_all(told.as_bytes())?;
                return Ok(0);
            }
            Command::FeatureDependencies { feature } => {
                for feature in &feature {
                    let told = look_up::dependencies(feature).map_err(Failure::Failed)?;
                    out.write_all(told.as_bytes())?;
                }
                return Ok(0);
            }
            Command::Upgrade { levels, dry_run } => Update::upgrade(&levels, dry_run, out),
            Command::Downgrade { levels, how } => Update::downgrade(&levels, &how, out),
            Command::Disable { feature, how } => Update::disable(&feature, &how),
        };
        update?.done(&self.connection, out).await
    }
}

//! `kafka-app man`: the manual pages, made of the same declarations as the options.

use std::{
    fs,
    io::{self, Write},
    path::PathBuf,
};

use clap::{Args, Command};

use crate::failure::Failure;

#[derive(Debug, Args)]
#[command(
    about = "Write the manual pages, one a command",
    after_long_help = "Example:\n  kafka-app man ~/.local/share/man/man1 && man kafka-app-broker"
)]
pub(crate) struct Man {
    /// Where to write them; the directory is made if it is not there
    #[arg(value_name = "DIR")]
    dir: PathBuf,
}

impl Man {
    /// # Errors
    /// The directory or a page cannot be written.
    pub(crate) fn run(self, program: Command) -> Result<(), Failure> {
        let failed = |error: io::Error| Failure::Failed(format!("{}: {error}", self.dir.display()));
        fs::create_dir_all(&self.dir).map_err(failed)?;
        clap_mangen::generate_to(program, &self.dir).map_err(failed)?;
        writeln!(io::stdout(), "manual pages in {}", self.dir.display())?;
        Ok(())
    }
}

//! `kafka-app install-links`: links to this program that are named like Kafka's scripts.

use std::{
    env, fs,
    io::{self, Write},
    path::{Path, PathBuf},
};

use clap::Args;

use crate::{failure::Failure, tools::TOOLS};

#[derive(Debug, Args)]
#[command(
    about = "Make links named like Kafka's scripts, such as kafka-topics and kafka-topics.sh",
    long_about = "Make links named like Kafka's scripts, such as kafka-topics and kafka-topics.sh\n\n\
        Each runs the command of its name, so that every line of a Kafka tutorial works as it is written. What is there \
        already under such a name and is no link to this program is left alone, and said.",
    after_long_help = "Example:\n  kafka-app install-links ~/.local/bin"
)]
pub(crate) struct InstallLinks {
    /// Where to make them; the directory is made if it is not there
    #[arg(value_name = "DIR")]
    dir: PathBuf,

    /// Replace what is there already
    #[arg(long)]
    force: bool,
}

impl InstallLinks {
    /// # Errors
    /// A link could not be made, or its name was taken; the others are made all the same.
    pub(crate) fn run(self) -> Result<(), Failure> {
        let program = env::current_exe()
            .map_err(|error| Failure::Failed(format!("where this program is cannot be found out: {error}")))?;
        fs::create_dir_all(&self.dir)
            .map_err(|error| Failure::Failed(format!("{} cannot be made: {error}", self.dir.display())))?;
        let names = TOOLS.iter().flat_map(|tool| [tool.name().to_owned(), format!("{}.sh", tool.name())]);
        let (mut made, mut problems) = (0, Vec::new());
        for name in names {
            match link(&program, &self.dir.join(&name), self.force) {
                Ok(()) => made += 1,
                Err(problem) => problems.push(format!("{name}: {problem}")),
            }
        }
        writeln!(io::stdout(), "{made} links in {}", self.dir.display())?;
        if problems.is_empty() { Ok(()) } else { Err(Failure::Failed(problems.join("; "))) }
    }
}

fn link(program: &Path, at: &Path, replaces: bool) -> Result<(), String> {
    match fs::symlink_metadata(at) {
        Ok(_) if fs::canonicalize(at).ok() == fs::canonicalize(program).ok() => return Ok(()),
        Ok(_) if !replaces => return Err("something else is there; --force replaces it".to_owned()),
        Ok(_) => fs::remove_file(at).map_err(|error| error.to_string())?,
        Err(_) => {}
    }
    symlink(program, at).map_err(|error| error.to_string())
}

#[cfg(unix)]
fn symlink(program: &Path, at: &Path) -> io::Result<()> {
    std::os::unix::fs::symlink(program, at)
}

/// Other systems make symbolic links for administrators only.
#[cfg(not(unix))]
fn symlink(program: &Path, at: &Path) -> io::Result<()> {
    fs::hard_link(program, at)
}

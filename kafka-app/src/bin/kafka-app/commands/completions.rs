//! `kafka-app completions`: what a shell completes of this program's command line.

use std::io;

use clap::{Args, Command};
use clap_complete::{Shell, generate};

#[derive(Debug, Args)]
#[command(
    about = "Print the completions of a shell",
    after_long_help = "Examples:\n  \
        kafka-app completions bash > ~/.local/share/bash-completion/completions/kafka-app\n  \
        kafka-app completions zsh > ~/.zfunc/_kafka-app\n  \
        kafka-app completions fish > ~/.config/fish/completions/kafka-app.fish"
)]
pub(crate) struct Completions {
    /// Which shell
    #[arg(value_enum)]
    shell: Shell,
}

impl Completions {
    pub(crate) fn run(self, mut program: Command) {
        let name = program.get_name().to_owned();
        generate(self.shell, &mut program, name, &mut io::stdout());
    }
}

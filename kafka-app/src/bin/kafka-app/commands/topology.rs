//! `kafka-app topology`: what an application's listeners read and send, as the application itself tells it.

use std::{
    ffi::OsString,
    fs,
    io::{self, Write},
    path::PathBuf,
    process::Stdio,
    time::Duration,
};

use clap::{Args, ValueEnum};
use tokio::{process::Command, time::timeout};

use crate::failure::Failure;

#[derive(Debug, Args)]
#[command(
    about = "Show what an application's listeners read and send",
    long_about = "Show what an application's listeners read and send\n\n\
        The application is started, and tells it instead of starting its listeners: nothing connects.",
    after_long_help = "Examples:\n  \
        kafka-app topology target/debug/orders\n  \
        kafka-app topology --form mermaid target/debug/orders -- --some-option of-its-own"
)]
pub(crate) struct TopologyCommand {
    /// The application's program
    #[arg(value_name = "PROGRAM")]
    program: PathBuf,

    /// Arguments of the application
    #[arg(value_name = "ARGUMENT", last = true)]
    arguments: Vec<OsString>,

    /// As text, or as a flow chart for Mermaid
    #[arg(short, long, value_name = "FORM", value_enum, default_value_t)]
    form: Form,

    /// How long it may take
    #[arg(long, value_name = "TIME", default_value = "30s", value_parser = humantime::parse_duration)]
    timeout: Duration,
}

#[derive(Debug, Clone, Copy, Default, ValueEnum)]
enum Form {
    #[default]
    Text,
    Mermaid,
}

impl TopologyCommand {
    /// # Errors
    /// The program cannot be started, does not end in time, or has mistakes to tell, which are on its standard error.
    pub(crate) fn run(self) -> Result<(), Failure> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| Failure::Failed(format!("no program can be waited for: {error}")))?;
        let said = runtime.block_on(self.ask())?;
        io::stdout().write_all(said.as_bytes())?;
        Ok(())
    }

    async fn ask(self) -> Result<String, Failure> {
        let failed = |why: String| Failure::Failed(format!("{}: {why}", self.program.display()));
        let folder = tempfile::tempdir().map_err(|error| failed(error.to_string()))?;
        let file = folder.path().join(match self.form {
            Form::Text => "topology.txt",
            Form::Mermaid => "topology.mmd",
        });
        let child = Command::new(&self.program)
            .args(&self.arguments)
            .env("KAFKA_APP_TOPOLOGY", &file)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .map_err(|error| failed(error.to_string()))?;
        let late = format!("it does not end within {}: {NO_APP}", humantime::format_duration(self.timeout));
        let ended = timeout(self.timeout, child.wait_with_output()).await.map_err(|_| failed(late))?;
        let ended = ended.map_err(|error| failed(error.to_string()))?;
        // One that starts its listeners by itself ends with an error, as it has none.
        match fs::read_to_string(&file) {
            Ok(topology) => Ok(topology),
            Err(_) if ended.status.success() => Err(failed(format!("it tells no topology: {NO_APP}"))),
            Err(_) => Err(failed(format!("{}\n{}", ended.status, String::from_utf8_lossy(&ended.stderr)))),
        }
    }
}

/// Why a program may not answer.
const NO_APP: &str = "does it run or start a KafkaApp, of kafka-app 0.1 or later?";

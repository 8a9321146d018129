//! Every line of `docs/tutorial.md`, as a reader types it.

mod script;

use std::{
    collections::BTreeMap,
    env,
    path::Path,
    process::Stdio,
    sync::{Arc, Mutex},
    time::Duration,
};

use tempfile::TempDir;
use tokio::{
    io::{AsyncBufReadExt, AsyncRead, AsyncWriteExt, BufReader},
    process::{Child, ChildStdin, Command},
    sync::Notify,
    time::timeout,
};

use crate::program::run;
use script::{Action, Step, is_printed, steps};

const TUTORIAL: &str = include_str!("../../../../docs/tutorial.md");

/// More than a busy machine needs for any step.
const PATIENCE: Duration = Duration::from_secs(20);

/// Commands that only look are typed again, as a reader does, until they show what is expected.
const ONLY_LOOKS: [&str; 6] = [" describe", "--describe", " list", "--list", "get-offsets", " lag "];

/// Lines that come from a program, and a word when there are more.
#[derive(Default)]
struct Printed {
    lines: Mutex<Vec<String>>,
    more: Notify,
}

impl Printed {
    fn follow(self: &Arc<Self>, from: impl AsyncRead + Unpin + Send + 'static) -> tokio::task::JoinHandle<()> {
        let printed = Arc::clone(self);
        tokio::spawn(async move {
            let mut lines = BufReader::new(from).lines();
            while let Ok(Some(line)) = lines.next_line().await {
                printed.lines.lock().unwrap().push(line);
                printed.more.notify_waiters();
            }
        })
    }

    /// Waits until these lines have come, after the first so many.
    async fn wait_for(&self, seen: usize, expected: &[String]) {
        loop {
            let more = self.more.notified();
            if self.shows(seen, expected) {
                return;
            }
            more.await;
        }
    }

    fn shows(&self, seen: usize, expected: &[String]) -> bool {
        is_printed(&self.lines.lock().unwrap()[seen..], expected)
    }

    fn len(&self) -> usize {
        self.lines.lock().unwrap().len()
    }

    fn all(&self) -> String {
        self.lines.lock().unwrap().join("\n")
    }
}

/// A program that a terminal shows.
struct Running {
    child: Child,
    input: Option<ChildStdin>,
    printed: Arc<Printed>,
    /// Lines that earlier steps have looked at.
    seen: usize,
    reader: tokio::task::JoinHandle<()>,
}

impl Running {
    fn start(command: &str, folder: &Path, path: &str) -> Self {
        let mut child = Command::new("bash")
            // As a terminal has it: one stream for all that is said.
            .args(["-c", &format!("exec 2>&1; exec {command}")])
            .current_dir(folder)
            .env("PATH", path)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let printed = Arc::<Printed>::default();
        let reader = printed.follow(child.stdout.take().unwrap());
        let input = child.stdin.take();
        Self { child, input, printed, seen: 0, reader }
    }

    async fn end(&mut self) {
        self.child.wait().await.unwrap();
        (&mut self.reader).await.unwrap();
    }

    async fn interrupt(&mut self) {
        let pid = self.child.id().expect("it runs").to_string();
        assert!(Command::new("kill").args(["-INT", &pid]).status().await.unwrap().success());
        self.end().await;
    }
}

/// The ports of the document, and those that the system chose instead.
#[derive(Default)]
struct Ports(BTreeMap<String, String>);

impl Ports {
    fn in_command(&self, text: &str) -> String {
        self.0.iter().fold(text.to_owned(), |text, (written, real)| text.replace(written, real))
    }
}

#[tokio::test]
async fn every_line_of_the_tutorial_does_what_it_says() {
    let folder = TempDir::new().unwrap();
    let bin = folder.path().join("bin").display().to_string();
    assert_eq!(run(&["install-links", &bin]).await.0, Some(0));
    std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_kafka-app"), folder.path().join("bin/kafka-app")).unwrap();
    let path = format!("{bin}:{}", env::var("PATH").unwrap());
    let mut terminals: BTreeMap<String, Running> = BTreeMap::new();
    let mut ports = Ports::default();
    let steps = steps(TUTORIAL);
    assert!(steps.len() > 20, "{} steps", steps.len());
    for step in steps {
        let at = format!("docs/tutorial.md:{}: {:?}", step.line, step.action);
        let done = timeout(PATIENCE, take(&at, &step, &mut terminals, &mut ports, folder.path(), &path)).await;
        let printed = terminals.get(&step.terminal).map_or(String::new(), |running| running.printed.all());
        assert!(done.is_ok(), "{at}: expected\n{}\nand printed was\n{printed}", step.printed.join("\n"));
    }
}

async fn take(
    at: &str,
    step: &Step,
    terminals: &mut BTreeMap<String, Running>,
    ports: &mut Ports,
    folder: &Path,
    path: &str,
) {
    let expected: Vec<_> = step.printed.iter().map(|line| ports.in_command(line)).collect();
    match &step.action {
        Action::Run(command) => {
            let command = ports.in_command(command);
            let only_looks = ONLY_LOOKS.iter().any(|word| command.contains(word));
            loop {
                let mut running = Running::start(&command, folder, path);
                running.input = None;
                running.end().await;
                let printed = Arc::clone(&running.printed);
                terminals.insert(step.terminal.clone(), running);
                if printed.shows(0, &expected) {
                    return;
                }
                let all = printed.all();
                assert!(only_looks, "{at}: expected\n{}\nand printed was\n{all}", expected.join("\n"));
            }
        }
        Action::Start(command) => {
            let running = Running::start(&serving_anywhere(&ports.in_command(command)), folder, path);
            terminals.insert(step.terminal.clone(), running);
        }
        Action::Type(line) => {
            let running = terminals.get_mut(&step.terminal).expect("something runs there");
            let line = format!("{}\n", ports.in_command(line));
            running.input.as_mut().expect("it reads").write_all(line.as_bytes()).await.unwrap();
        }
        Action::Interrupt => terminals.get_mut(&step.terminal).expect("something runs there").interrupt().await,
        Action::Watch => {}
    }
    let running = terminals.get_mut(&step.terminal).expect("something runs there");
    if let Some(servers) = step.printed.iter().find_map(|line| line.strip_prefix("BOOTSTRAP_SERVERS=")) {
        learn_ports(servers, running, ports).await;
        return;
    }
    running.printed.wait_for(running.seen, &expected).await;
    running.seen = running.printed.len();
}

/// On ports that the system chooses: those of the document may be taken.
fn serving_anywhere(command: &str) -> String {
    match command.strip_prefix("kafka-app broker") {
        Some(rest) => format!("kafka-app broker --listen localhost:0{rest}"),
        None => command.to_owned(),
    }
}

async fn learn_ports(written: &str, running: &mut Running, ports: &mut Ports) {
    running.printed.wait_for(0, &["BOOTSTRAP_SERVERS=…".to_owned()]).await;
    let line = running.printed.lines.lock().unwrap()[0].clone();
    let real = line.strip_prefix("BOOTSTRAP_SERVERS=").expect("it says where it serves");
    *ports = Ports(written.split(',').map(str::to_owned).zip(real.split(',').map(str::to_owned)).collect());
    running.seen = running.printed.len();
}

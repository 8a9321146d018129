//! The program at a terminal: colours, what redraws itself, questions, and how it is left behind.

mod pseudo;

use std::fs;

use embedded_broker::EmbeddedBroker;
use tempfile::TempDir;

use crate::program::{run, run_with};
use pseudo::{CTRL_C, CTRL_D, Setup, Terminal};

const RED_ERROR: &str = "\x1b[1m\x1b[31merror:";
/// It refuses that without asking a broker.
const REFUSED: [&str; 4] = ["consume", "orders:1", "--group", "g"];

fn broker() -> EmbeddedBroker {
    EmbeddedBroker::builder().topic("orders", 1).start().unwrap()
}

/// Everything that it writes, and its exit code.
fn written(setup: &Setup<'_>, arguments: &[&str]) -> (i32, String) {
    let mut terminal = setup.start(arguments);
    let code = terminal.end();
    (code, std::mem::take(&mut terminal.all))
}

#[tokio::test]
async fn colours_are_for_terminals_and_for_those_who_want_them() {
    let in_colours = Setup::default();
    for arguments in [&REFUSED[..], &["topic", "no-such-verb"]] {
        let (code, text) = written(&in_colours, arguments);
        assert_eq!(code, 2, "{text:?}");
        assert!(text.contains(RED_ERROR), "{arguments:?}: {text:?}");
        for environment in [[("NO_COLOR", "1")], [("TERM", "dumb")]] {
            let (code, text) = written(&Setup { environment: &environment, ..Setup::default() }, arguments);
            assert!(code == 2 && text.contains("error: ") && !text.contains('\x1b'), "{environment:?}: {text:?}");
        }
        let (code, _, text) = run(arguments).await;
        assert!(code == Some(2) && text.contains("error: ") && !text.contains('\x1b'), "{text:?}");
    }
    let (_, text) = written(&in_colours, &["--help"]);
    assert!(text.contains("\x1b["), "{text:?}");
    let (_, text, _) = run(&["--help"]).await;
    assert!(!text.contains('\x1b'), "{text:?}");
}

#[test]
fn warnings_of_clients_are_in_colours_as_errors_are() {
    let broker = broker();
    let arguments = [
        "kafka-console-producer",
        "--bootstrap-server",
        broker.bootstrap_servers(),
        "--topic",
        "orders",
        "--producer-property",
        "no.such=1",
    ];
    for (environment, is_coloured) in [(&[][..], true), (&[("NO_COLOR", "1")], false)] {
        let mut terminal = Setup { environment, ..Setup::default() }.start(&arguments);
        terminal.until_shown(">");
        terminal.press(CTRL_D);
        assert_eq!(terminal.end(), 0, "{}", terminal.screen());
        let text = &terminal.all;
        assert!(text.contains("no.such") && text.contains("\x1b[3") == is_coloured, "{text:?}");
    }
}

#[tokio::test]
async fn lag_is_redrawn_in_its_place_until_ctrl_c() {
    let broker = EmbeddedBroker::builder().topic("orders", 12).start().unwrap();
    broker.topic("orders").append(0, ["a", "b"]).unwrap();
    let reset = [
        "group",
        "reset",
        "billing",
        "--topic",
        "orders",
        "--to",
        "earliest",
        "--execute",
        "-b",
        broker.bootstrap_servers(),
    ];
    let (code, _, errors) = run(&reset).await;
    assert_eq!(code, Some(0), "{errors}");

    let watch = ["group", "lag", "billing", "--watch", "100ms", "-b", broker.bootstrap_servers()];
    let mut terminal = Setup { size: Some((8, 30)), ..Setup::default() }.start(&watch);
    terminal.until_shown("... 7 more");
    let first = terminal.screen();
    let mut lines = first.lines();
    assert_eq!(lines.next(), Some("TOPIC   PARTITION  CURRENT-OFF"), "what is too wide is cut: {first}");
    assert_eq!(lines.clone().count(), 6, "{first}");
    assert!(lines.next().is_some_and(|line| line.starts_with("orders  0          0")), "{first}");

    // A wider terminal shows more of it: its size is looked at each time.
    let mut terminal = Setup { size: Some((20, 80)), ..Setup::default() }.start(&watch);
    let row = |n: usize| format!("orders  0          0               {n}               {n}");
    terminal.until_shown(&row(2));
    broker.topic("orders").append(0, ["c"]).unwrap();
    terminal.until_shown(&row(3));
    assert_eq!(terminal.screen().matches("TOPIC").count(), 1, "{}", terminal.screen());
    terminal.press(CTRL_C);
    assert_eq!(terminal.end(), 130);
    assert_eq!(terminal.all.matches("\x1b[2J").count(), 1, "an empty screen in between would flicker");
    assert!(terminal.screen().contains(&row(3)), "what was shown last stays: {}", terminal.screen());
    assert_eq!(terminal.column(), 0);
}

#[tokio::test]
async fn what_destroys_asks_first_and_takes_no_for_an_answer() {
    let broker = broker();
    let delete = ["topic", "delete", "orders", "-b", broker.bootstrap_servers()];
    for (answer, expected) in
        [("n\r", "[y/N] n\nerror: nothing"), ("\r", "[y/N]\nerror: nothing"), (CTRL_D, "[y/N]\nerror: nothing")]
    {
        let mut terminal = Terminal::start(&delete);
        terminal.until_shown("Delete orders with all records? [y/N]");
        terminal.press(answer);
        assert_eq!(terminal.end(), 1);
        let screen = terminal.screen().replace("[y/N] \n", "[y/N]\n");
        assert!(screen.contains(expected) && screen.contains("nothing was changed"), "{answer:?}: {screen}");
    }
    let mut terminal = Terminal::start(&delete);
    terminal.until_shown("[y/N]");
    terminal.press(CTRL_C);
    assert_eq!(terminal.end(), 130);
    let (code, listed, _) = run(&["topic", "list", "-b", broker.bootstrap_servers()]).await;
    assert!(code == Some(0) && listed.contains("orders"), "{listed}");

    let mut terminal = Terminal::start(&delete);
    terminal.until_shown("[y/N]");
    terminal.press("y\r");
    assert_eq!(terminal.end(), 0, "{}", terminal.screen());
    assert!(terminal.screen().contains("deleted orders"), "{}", terminal.screen());

    // Nobody can be asked without a terminal, nor where the question would not be seen.
    let (code, _, said) = run_with(&delete, b"y\n").await;
    assert!(code == Some(2) && said.contains("say --yes"), "{said}");
}

#[tokio::test]
async fn sending_shows_how_far_it_is_and_leaves_a_line_behind() {
    let (broker, folder) = (broker(), TempDir::new().unwrap());
    let file = folder.path().join("orders.txt");
    fs::write(&file, "order\n".repeat(40)).unwrap();
    let file = file.to_str().unwrap();
    let produce = ["produce", "orders", "--file", file, "-b", broker.bootstrap_servers(), "--rate", "80/s"];
    for size in [(24, 80), (10, 20)] {
        let mut terminal = Setup { size: Some(size), ..Setup::default() }.start(&produce);
        terminal.until("bar", |screen| screen.contains('█') || screen.contains('░'));
        assert_eq!(terminal.end(), 0, "{}", terminal.screen());
        let screen = terminal.screen().replace('\n', "");
        assert!(screen.starts_with("40 records sent, 240 B in "), "nothing of the bar is left: {screen}");
        assert_eq!((terminal.column(), cursor_is_hidden(&terminal.all)), (0, false));
    }

    let (code, printed, said) = run_with(&produce, b"").await;
    assert!(code == Some(0) && printed.is_empty(), "{said}");
    assert!(said.starts_with("40 records sent") && !said.contains(['\x1b', '\r']), "{said:?}");
}

#[tokio::test]
async fn ctrl_c_while_sending_leaves_neither_bar_nor_hidden_cursor() {
    let (broker, folder) = (broker(), TempDir::new().unwrap());
    let file = folder.path().join("orders.txt");
    fs::write(&file, "order\n".repeat(1_000)).unwrap();
    let file = file.to_str().unwrap();
    let produce = ["produce", "orders", "--file", file, "-b", broker.bootstrap_servers(), "--rate", "20/s"];
    let mut terminal = Terminal::start(&produce);
    terminal.until("records", |screen| screen.contains(" records "));
    terminal.press(CTRL_C);
    assert_eq!(terminal.end(), 130);
    let screen = terminal.screen();
    assert!(screen.contains(" records sent, ") && !screen.contains(['█', '░']), "{screen}");
    assert_eq!((terminal.column(), cursor_is_hidden(&terminal.all)), (0, false));
}

#[tokio::test]
async fn reading_on_shows_the_lag_in_one_line_that_goes_with_it() {
    let broker = broker();
    let consume = ["consume", "orders", "--lag", "--from", "earliest", "-b", broker.bootstrap_servers()];
    let mut terminal = Setup { is_redirected: true, ..Setup::default() }.start(&consume);
    terminal.until_shown("lag: 0");
    terminal.press(CTRL_C);
    assert_eq!(terminal.end(), 130);
    let screen = terminal.screen();
    assert!(!screen.contains("lag"), "{screen}");
    assert_eq!(terminal.column(), 0);
}

/// Whether it was left so.
fn cursor_is_hidden(written: &str) -> bool {
    written.rfind("\x1b[?25l") > written.rfind("\x1b[?25h")
}

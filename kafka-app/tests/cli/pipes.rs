//! Pipes, signals and no terminal, for our own commands and Kafka's lines at once.

use crate::{
    outages::{AWAY, append, broker, line, readers, senders, values},
    program::{Program, run, run_for_a_line},
};

#[tokio::test(flavor = "multi_thread")]
async fn head_ends_who_reads_in_the_middle_of_much() {
    for which in 0..2 {
        let broker = broker();
        append(&broker, 5_000);
        let reader = readers(broker.bootstrap_servers())[which].clone();
        let (first, code, said) = run_for_a_line(&reader).await;
        assert_eq!((first, code), (line(0), Some(0)), "{said}");
        assert!(!said.contains("panic"), "{said}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signal_ends_who_writes_to_a_reader_that_does_not_read() {
    for which in 0..2 {
        for (signal, code) in [("-INT", 130), ("-TERM", 143)] {
            let broker = broker();
            append(&broker, 5_000);
            let mut reader = Program::start(&readers(broker.bootstrap_servers())[which]);
            reader.line().await;
            reader.signal(signal).await;
            let (ended, said) = reader.end_held().await;
            assert_eq!(ended, Some(code), "{said}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn signals_end_who_sends_after_what_it_has_read_is_acknowledged() {
    for which in 0..2 {
        for (signal, code) in [("-INT", 130), ("-TERM", 143)] {
            let broker = broker();
            let mut sender = Program::start(&senders(broker.bootstrap_servers())[which]);
            sender.say("1").await;
            broker.topic("demo").await_records(1).await.unwrap();
            let (ended, printed, said) = sender.end_with(signal).await;
            assert_eq!((ended, printed.as_str()), (Some(code), ""), "{said}");
            assert_eq!(values(&broker), ["1"]);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn signals_end_who_reads() {
    for which in 0..2 {
        for (signal, code) in [("-INT", 130), ("-TERM", 143)] {
            let broker = broker();
            broker.topic("demo").append(0, ["1"]).unwrap();
            let mut reader = Program::start(&readers(broker.bootstrap_servers())[which]);
            assert_eq!(reader.line().await, "1");
            let (ended, printed, said) = reader.end_with(signal).await;
            assert_eq!((ended, printed.as_str()), (Some(code), ""), "{said}");
        }
    }
}

/// What is said goes to nobody, while the broker is away and there is something to say.
#[tokio::test(flavor = "multi_thread")]
async fn who_is_not_heard_goes_on() {
    for (which, away) in AWAY.iter().enumerate() {
        let broker = broker();
        let mut sender = Program::start(&senders(broker.bootstrap_servers())[which]);
        sender.close_errors();
        sender.say("1").await;
        broker.topic("demo").await_records(1).await.unwrap();
        let mut reader = Program::start(&readers(broker.bootstrap_servers())[which]);
        reader.close_errors();
        assert_eq!(reader.line().await, "1");
        // Another one tells when they have something to say.
        let mut heard = Program::start(&senders(broker.bootstrap_servers())[which]);
        heard.say("2").await;
        broker.topic("demo").await_records(2).await.unwrap();
        broker.crash(1).unwrap();
        for sender in [&mut heard, &mut sender] {
            sender.say("3").await;
            sender.say_no_more();
        }
        heard.hear(away).await;
        broker.restart(1).unwrap();
        for sender in [heard, sender] {
            assert_eq!(sender.end().await.0, Some(0));
        }
        assert_eq!(values(&broker), ["1", "2", "3", "3"]);
        for line in ["2", "3", "3"] {
            assert_eq!(reader.line().await, line);
        }
        assert_eq!(reader.end_with("-INT").await.0, Some(130));
    }
}

/// As cron and systemd run programs: nothing to read from, and no terminal anywhere.
#[tokio::test(flavor = "multi_thread")]
async fn without_a_terminal_there_is_no_prompt_no_progress_and_no_hint() {
    for which in 0..2 {
        let broker = broker();
        let servers = broker.bootstrap_servers();
        let (code, printed, said) = run(&senders(servers)[which]).await;
        let sent = values(&broker);
        assert_eq!((code, printed.as_str(), sent.len()), (Some(0), "", 0), "{said}\n{sent:?}");
        assert!(!said.contains('\x1b') && !said.contains("Ctrl-D"), "{said}");
        broker.topic("demo").append(0, ["1"]).unwrap();
        let mut reader = readers(servers)[which].clone();
        reader.extend(if which == 0 { ["-n", "1"] } else { ["--max-messages", "1"] });
        let (code, printed, said) = run(&reader).await;
        let expected = if which == 0 { "" } else { "Processed a total of 1 messages\n" };
        assert_eq!((code, printed.as_str(), said.as_str()), (Some(0), "1\n", expected));
    }
}

//! [`Asker`]: the thread that asks the broker what is committed. It has no other work: an answer may take as long as the
//! transaction of somebody else who holds what is asked for.

use std::sync::{Arc, mpsc};

use super::quit::Quit;
use crate::{
    client::Committed,
    error::{Error, ErrorKind, Result},
    listener::mailbox::{Command, Mailbox},
    record::TopicPartition,
};

/// What positions are asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Why {
    /// Assignments begin there.
    Start,
    /// A commit failed or a producer was lost, and nobody here knows whether its transaction was committed.
    Resume,
}

/// What is to be asked: of assignments, by epoch.
pub(crate) struct Question {
    pub(crate) why: Why,
    pub(crate) assignments: Vec<(u64, TopicPartition)>,
}

/// What is committed of each assignment, `None` where nothing is.
pub(crate) struct Positions {
    pub(crate) why: Why,
    pub(crate) by_epoch: Result<Vec<(u64, Option<i64>)>>,
}

/// Asks, and has the answer brought to the mailbox.
pub(crate) trait Ask: Send {
    fn ask(&self, committed: Arc<dyn Committed>, question: Question);
}

/// The thread, from its pump's side. Dropped, it ends with what it is asking, and says no more.
pub(crate) struct Asker {
    questions: mpsc::Sender<(Arc<dyn Committed>, Question)>,
    quit: Arc<Quit>,
}

impl Asker {
    /// Starts the thread.
    pub(crate) fn start(name: String, mailbox: Arc<Mailbox>) -> Result<Self> {
        let (questions, asked) = mpsc::channel::<(Arc<dyn Committed>, Question)>();
        let quit = Arc::<Quit>::default();
        let told = Arc::clone(&quit);
        let answer = move || {
            for (committed, question) in asked {
                let positions = answer(&*committed, question);
                told.unless_said(|| mailbox.send(Command::Positions(positions)));
            }
        };
        std::thread::Builder::new().name(name).spawn(answer).map_err(|e| {
            Error::new(ErrorKind::Unavailable, "no thread for the positions of a consumer").with_source(e)
        })?;
        Ok(Self { questions, quit })
    }
}

impl Ask for Asker {
    fn ask(&self, committed: Arc<dyn Committed>, question: Question) {
        // It is gone only if it panicked, and that is in the log.
        let _ = self.questions.send((committed, question));
    }
}

impl Drop for Asker {
    fn drop(&mut self) {
        self.quit.say();
    }
}

fn answer(committed: &dyn Committed, Question { why, assignments }: Question) -> Positions {
    let partitions: Vec<TopicPartition> = assignments.iter().map(|(_, partition)| partition.clone()).collect();
    let by_epoch = committed.read(&partitions).map(|positions| {
        let of = |partition: &TopicPartition| positions.iter().find(|(p, _)| p == partition).and_then(|(_, at)| *at);
        assignments.iter().map(|(epoch, partition)| (*epoch, of(partition))).collect()
    });
    Positions { why, by_epoch }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Knows of even partitions that a hundredfold is committed.
    struct Even;

    impl Committed for Even {
        fn read(&self, partitions: &[TopicPartition]) -> Result<Vec<(TopicPartition, Option<i64>)>> {
            let at = |p: &TopicPartition| (p.partition % 2 == 0).then(|| i64::from(p.partition) * 100);
            Ok(partitions.iter().rev().map(|p| (p.clone(), at(p))).collect())
        }
    }

    #[test]
    fn each_assignment_gets_its_own_answer_in_whatever_order_they_come() {
        let assignments = [(7, 2), (9, 4), (8, 3)].map(|(epoch, p)| (epoch, TopicPartition::new("orders", p))).into();
        let positions = answer(&Even, Question { why: Why::Start, assignments });
        assert_eq!(positions.why, Why::Start);
        assert_eq!(positions.by_epoch.expect("it knows"), [(7, Some(200)), (9, Some(400)), (8, None)]);
    }
}

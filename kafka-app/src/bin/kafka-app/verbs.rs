//! What can be said to a broker that runs, a line each: nodes that fail and come back.

use std::{fmt::Write, str::FromStr};

use embedded_broker::{EmbeddedBroker, Error, Isolated};

pub(crate) const HELP: &str = "\
nodes            who is up, where, and which node is the controller
stop ID          stop a node in order: others take over first
crash ID         kill a node: its connections are cut
restart ID       start a node again, at the address it had
isolate ID ID    keep two nodes from following each other
heal             let all nodes reach each other again
controller ID    make another node the controller
help             this list";

/// One line, understood.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verb {
    Help,
    Nodes,
    Stop(i32),
    Crash(i32),
    Restart(i32),
    Isolate(i32, i32),
    Heal,
    Controller(i32),
}

impl FromStr for Verb {
    type Err = String;

    fn from_str(line: &str) -> Result<Self, String> {
        let mut words = line.split_whitespace();
        let verb = words.next().unwrap_or_default();
        let mut id = || match words.next() {
            Some(word) => word.parse().map_err(|_| format!("{word:?} is not the id of a node")),
            None => Err(format!("{verb}: the id of a node is missing")),
        };
        let understood = match verb {
            "help" => Self::Help,
            "nodes" => Self::Nodes,
            "stop" => Self::Stop(id()?),
            "crash" => Self::Crash(id()?),
            "restart" => Self::Restart(id()?),
            "isolate" => Self::Isolate(id()?, id()?),
            "heal" => Self::Heal,
            "controller" => Self::Controller(id()?),
            _ => return Err(format!("{verb:?} is not known; help lists what is")),
        };
        match words.next() {
            Some(word) => Err(format!("{verb}: {word:?} is too much")),
            None => Ok(understood),
        }
    }
}

/// A broker and what was done to it by hand.
pub(crate) struct Console<'b> {
    broker: &'b EmbeddedBroker,
    isolated: Vec<Isolated>,
}

impl<'b> Console<'b> {
    pub(crate) fn new(broker: &'b EmbeddedBroker) -> Self {
        Self { broker, isolated: Vec::new() }
    }

    /// Does what a line says, and returns what there is to say about it; nothing for an empty line.
    ///
    /// # Errors
    /// The line is not understood, or what it wants cannot be done.
    pub(crate) fn obey(&mut self, line: &str) -> Result<String, String> {
        if line.trim().is_empty() {
            return Ok(String::new());
        }
        let verb = line.parse()?;
        self.act(verb).map_err(|error| error.to_string())
    }

    fn act(&mut self, verb: Verb) -> Result<String, Error> {
        match verb {
            Verb::Help => return Ok(HELP.to_owned()),
            Verb::Nodes => return self.nodes(),
            Verb::Stop(id) => self.broker.stop_node(id)?,
            Verb::Crash(id) => self.broker.crash(id)?,
            Verb::Restart(id) => self.broker.restart(id)?,
            Verb::Isolate(a, b) => self.isolated.push(self.broker.isolate(a, b)?),
            Verb::Heal => self.isolated.clear(),
            Verb::Controller(id) => self.broker.controller().move_to(id)?,
        }
        self.nodes()
    }

    fn nodes(&self) -> Result<String, Error> {
        let controller = self.broker.controller().id();
        let mut text = String::new();
        for id in self.broker.node_ids() {
            let node = self.broker.node(id)?;
            let state = if node.is_up() { "up" } else { "down" };
            let role = if controller == Some(id) { " controller" } else { "" };
            let separator = if text.is_empty() { "" } else { "\n" };
            // Nothing fails that is written to a string.
            _ = write!(text, "{separator}{id} {} {state}{role}", node.address());
        }
        Ok(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_verbs_with_the_ids_of_nodes() {
        assert_eq!(" stop  2 ".parse(), Ok(Verb::Stop(2)));
        assert_eq!("isolate 1 3".parse(), Ok(Verb::Isolate(1, 3)));
        assert_eq!("heal".parse(), Ok(Verb::Heal));
    }

    #[test]
    fn a_line_that_is_not_understood_says_why() {
        let why = |line: &str| line.parse::<Verb>().unwrap_err();
        assert_eq!(why("stop"), "stop: the id of a node is missing");
        assert_eq!(why("stop two"), "\"two\" is not the id of a node");
        assert_eq!(why("nodes 2"), "nodes: \"2\" is too much");
        assert_eq!(why("halt 2"), "\"halt\" is not known; help lists what is");
    }

    #[test]
    fn nodes_fail_and_come_back_by_what_is_typed() {
        let broker = EmbeddedBroker::builder().brokers(3).start().unwrap();
        let mut console = Console::new(&broker);
        let states = |text: &str| {
            text.lines().map(|line| line.splitn(3, ' ').nth(2).unwrap_or("").to_owned()).collect::<Vec<_>>()
        };
        assert_eq!(states(&console.obey("crash 1").unwrap()), ["down", "up controller", "up"]);
        assert_eq!(states(&console.obey("restart 1").unwrap()), ["up", "up controller", "up"]);
        assert_eq!(states(&console.obey("controller 3").unwrap()), ["up", "up", "up controller"]);
        assert_eq!(states(&console.obey("stop 2").unwrap()), ["up", "down", "up controller"]);
        assert_eq!(console.obey("stop 9").unwrap_err(), "there is no node 9");
        assert_eq!(console.obey("").unwrap(), "");
    }
}

//! What can be said to a broker that runs, a line each: nodes that fail and come back.

use std::{fmt::Display, str::FromStr, time::Duration};

use embedded_broker::{EmbeddedBroker, Error, Isolated, Lagging};

const HELP: &str = "\
nodes                   who is up, where, and which node is the controller
leaders [TOPIC]         who leads each partition, in which epoch, and which replicas are in sync
stop ID                 stop a node in order: others take over first
crash ID                kill a node: its connections are cut
restart ID              start a node again, at the address it had
lead TOPIC NUMBER ID    make another node the leader of a partition
shuffle                 move all leaders
controller ID           make another node the controller
lag ID MILLISECONDS     have a node follow so much later
isolate ID ID           keep two nodes from following each other
heal                    end every lag and isolation
help                    this list";

/// One line, understood.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Verb {
    Help,
    Nodes,
    Leaders(Option<String>),
    Stop(i32),
    Crash(i32),
    Restart(i32),
    Lead { topic: String, partition: i32, node: i32 },
    Shuffle,
    Controller(i32),
    Lag(i32, Duration),
    Isolate(i32, i32),
    Heal,
}

impl FromStr for Verb {
    type Err = String;

    fn from_str(line: &str) -> Result<Self, String> {
        let mut words = line.split_whitespace();
        let verb = words.next().unwrap_or_default();
        let understood = match verb {
            "help" => Self::Help,
            "nodes" => Self::Nodes,
            "leaders" => Self::Leaders(words.next().map(str::to_owned)),
            "stop" => Self::Stop(number(&mut words, ID)?),
            "crash" => Self::Crash(number(&mut words, ID)?),
            "restart" => Self::Restart(number(&mut words, ID)?),
            "lead" => Self::Lead {
                topic: word(&mut words, "the name of a topic")?.to_owned(),
                partition: number(&mut words, "the number of a partition")?,
                node: number(&mut words, ID)?,
            },
            "shuffle" => Self::Shuffle,
            "controller" => Self::Controller(number(&mut words, ID)?),
            "lag" => Self::Lag(
                number(&mut words, ID)?,
                Duration::from_millis(number(&mut words, "a number of milliseconds")?),
            ),
            "isolate" => Self::Isolate(number(&mut words, ID)?, number(&mut words, ID)?),
            "heal" => Self::Heal,
            _ => return Err(format!("{verb:?} is not known; help lists what is")),
        };
        match words.next() {
            Some(word) => Err(format!("{verb}: {word:?} is too much")),
            None => Ok(understood),
        }
    }
}

const ID: &str = "the id of a node";

fn word<'l>(words: &mut impl Iterator<Item = &'l str>, what: &str) -> Result<&'l str, String> {
    words.next().ok_or_else(|| format!("{what} is missing"))
}

fn number<'l, N: FromStr>(words: &mut impl Iterator<Item = &'l str>, what: &str) -> Result<N, String> {
    let word = word(words, what)?;
    word.parse().map_err(|_| format!("{word:?} is not {what}"))
}

/// A broker and what was done to it by hand.
pub(crate) struct Console<'b> {
    broker: &'b EmbeddedBroker,
    isolated: Vec<Isolated>,
    lagging: Vec<Lagging>,
}

impl<'b> Console<'b> {
    pub(crate) fn new(broker: &'b EmbeddedBroker) -> Self {
        Self { broker, isolated: Vec::new(), lagging: Vec::new() }
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
            Verb::Nodes => {}
            Verb::Leaders(topic) => return self.leaders(topic),
            Verb::Stop(id) => self.broker.stop_node(id)?,
            Verb::Crash(id) => self.broker.crash(id)?,
            Verb::Restart(id) => self.broker.restart(id)?,
            Verb::Lead { topic, partition, node } => {
                self.broker.move_leader(&topic, partition, node)?;
                return self.leaders(Some(topic));
            }
            Verb::Shuffle => {
                self.broker.shuffle_leaders();
                return self.leaders(None);
            }
            Verb::Controller(id) => self.broker.controller().move_to(id)?,
            Verb::Lag(id, by) => self.lagging.push(self.broker.lag(id, by)?),
            Verb::Isolate(a, b) => self.isolated.push(self.broker.isolate(a, b)?),
            Verb::Heal => {
                self.isolated.clear();
                self.lagging.clear();
            }
        }
        self.nodes()
    }

    fn nodes(&self) -> Result<String, Error> {
        let controller = self.broker.controller().id();
        let line = |id: i32| {
            let node = self.broker.node(id)?;
            let state = if node.is_up() { "up" } else { "down" };
            let role = if controller == Some(id) { " controller" } else { "" };
            Ok(format!("{id} {} {state}{role}", node.address()))
        };
        Ok(self.broker.node_ids().into_iter().map(line).collect::<Result<Vec<_>, Error>>()?.join("\n"))
    }

    /// In the words of `kafka-topics --describe`; of all topics but Kafka's own, if none is named.
    fn leaders(&self, topic: Option<String>) -> Result<String, Error> {
        let mut lines = Vec::new();
        for name in topic.map_or_else(|| self.broker.topics(), |name| vec![name]) {
            let topic = self.broker.topic(&*name);
            for partition in (0..).take(topic.end_offsets()?.len()) {
                let now = topic.replicas(partition)?;
                let leader = now.leader.map_or_else(|| "none".to_owned(), |id| id.to_string());
                let (epoch, replicas, in_sync) = (now.leader_epoch, list(&now.replicas), list(&now.in_sync));
                lines.push(format!(
                    "{name}-{partition} Leader: {leader} Epoch: {epoch} Replicas: {replicas} Isr: {in_sync}"
                ));
            }
        }
        Ok(lines.join("\n"))
    }
}

fn list(ids: &[impl Display]) -> String {
    ids.iter().map(ToString::to_string).collect::<Vec<_>>().join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_verbs_with_the_ids_of_nodes() {
        assert_eq!(" stop  2 ".parse(), Ok(Verb::Stop(2)));
        assert_eq!("isolate 1 3".parse(), Ok(Verb::Isolate(1, 3)));
        assert_eq!("heal".parse(), Ok(Verb::Heal));
        assert_eq!("lag 3 250".parse(), Ok(Verb::Lag(3, Duration::from_millis(250))));
        assert_eq!("lead orders 0 2".parse(), Ok(Verb::Lead { topic: "orders".to_owned(), partition: 0, node: 2 }));
        assert_eq!(
            ("leaders".parse(), "leaders orders".parse()),
            (Ok(Verb::Leaders(None)), Ok(Verb::Leaders(Some("orders".to_owned()))))
        );
    }

    #[test]
    fn a_line_that_is_not_understood_says_why() {
        let why = |line: &str| line.parse::<Verb>().unwrap_err();
        assert_eq!(why("stop"), "the id of a node is missing");
        assert_eq!(why("stop two"), "\"two\" is not the id of a node");
        assert_eq!(why("lead orders x 1"), "\"x\" is not the number of a partition");
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

    #[test]
    fn leaders_move_and_a_partition_without_its_node_has_another() {
        let builder = EmbeddedBroker::builder().brokers(3).config("default.replication.factor", 3).topic("orders", 1);
        let broker = builder.start().unwrap();
        let mut console = Console::new(&broker);
        console.obey("lead orders 0 2").unwrap();
        let led = console.obey("leaders").unwrap();
        assert!(led.starts_with("orders-0 Leader: 2 Epoch: "), "{led}");
        console.obey("crash 2").unwrap();
        let led = console.obey("leaders orders").unwrap();
        assert!(!led.contains("Leader: 2") && !led.contains("none"), "{led}");
        assert_eq!(
            console.obey("lead orders 0 2").unwrap_err(),
            "node 2 has no replica of orders-0 that is in sync and may lead"
        );
        assert_eq!(
            console.obey("leaders orderz").unwrap_err(),
            broker.topic("orderz").end_offsets().unwrap_err().to_string()
        );
    }
}

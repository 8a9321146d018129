//! Topics that are made because somebody asks for them by name.

use std::sync::Arc;

use super::Cluster;
use crate::config::layers::Configs;
use crate::error::Error;
use crate::topic::{NewTopic, Topic, Topics, check_name};

impl Cluster {
    /// Makes a topic with the broker's defaults or, if it is an internal one, with its own. One that is there is returned.
    pub(crate) fn auto_create_topic(&self, name: &str) -> Result<Arc<Topic>, Error> {
        self.change_topics(|topics| self.add_by_name(topics, name))
    }

    /// As [`auto_create_topic`](Self::auto_create_topic), all in one change: the picture is copied once. Each topic is made
    /// or refused by itself, in this order.
    pub(crate) fn auto_create_topics(&self, names: &[&str]) -> Vec<Result<Arc<Topic>, Error>> {
        self.change_each_topic(names, |topics, name| self.add_by_name(topics, name))
    }

    fn add_by_name(&self, topics: &mut Topics, name: &str) -> Result<Arc<Topic>, Error> {
        if let Some(known) = topics.by_name(name) {
            return Ok(Arc::clone(known));
        }
        check_name(name)?;
        let (replicas, configs) = match self.internal_topic(name) {
            Some(internal) => (self.place_internal(topics, internal)?, internal.configs(name)),
            None => {
                let (partitions, replicas) = (self.settings.num_partitions, self.settings.default_replication_factor);
                (self.place(topics, partitions, replicas)?, Configs::new())
            }
        };
        self.add_topic(topics, NewTopic { name: name.to_owned(), replicas, configs })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Clock;
    use crate::cluster::Node;
    use crate::error::ErrorCode;
    use crate::settings::BrokerSettings;

    #[test]
    fn many_topics_are_one_change_and_each_is_made_or_refused_by_itself() {
        let cluster = Cluster::new(Clock::real(), BrokerSettings::default(), vec![Node::of(1)]);
        let changes = || cluster.metadata_offset();
        let before = changes();
        let results = cluster.auto_create_topics(&["a_b", "a.b", "?", "c", "c"]);
        let codes: Vec<_> = results.iter().map(|result| result.as_ref().err().and_then(Error::code)).collect();
        let invalid = Some(ErrorCode::InvalidTopicException);
        assert_eq!(codes, [None, invalid, invalid, None, None]);
        assert_eq!((changes(), cluster.topics().len()), (before + 1, 2));
        assert!(cluster.auto_create_topics(&["?", "c"])[1].is_ok());
        assert_eq!(changes(), before + 1, "nothing new, no new picture");
    }
}

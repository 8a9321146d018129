//! Topics that are made because somebody asks for them by name.

use std::sync::Arc;

use super::Cluster;
use crate::config::layers::Configs;
use crate::error::{Error, ErrorCode};
use crate::placement;
use crate::topic::{NewTopic, Topic, Topics, check_name};

impl Cluster {
    /// Makes a topic with the broker's defaults or, if it is an internal one, with its own. One that is there is returned.
    pub(crate) fn auto_create_topic(&self, name: &str) -> Result<Arc<Topic>, Error> {
        let made = self.auto_create_topics(&[name]).pop();
        made.unwrap_or_else(|| Err(nothing_made()))
    }

    /// As [`auto_create_topic`](Self::auto_create_topic), all in one change: the picture is copied once. Each topic is made
    /// or refused by itself, in this order.
    pub(crate) fn auto_create_topics(&self, names: &[&str]) -> Vec<Result<Arc<Topic>, Error>> {
        let (mut results, mut any_new) = (Vec::new(), false);
        let kept = self.change_topics(|topics| {
            let before = topics.len();
            results.extend(names.iter().map(|name| self.add_by_name(topics, name)));
            any_new = topics.len() > before;
            // Without anything new there is no new picture.
            if any_new { Ok(()) } else { Err(nothing_made()) }
        });
        match kept {
            Err(error) if any_new => {
                let code = error.code().unwrap_or(ErrorCode::UnknownServerError);
                let not_kept = |_| Err(Error::with_code(code, error.to_string()));
                results.into_iter().map(|result| result.and_then(not_kept)).collect()
            }
            _ => results,
        }
    }

    fn add_by_name(&self, topics: &mut Topics, name: &str) -> Result<Arc<Topic>, Error> {
        if let Some(known) = topics.by_name(name) {
            return Ok(Arc::clone(known));
        }
        check_name(name)?;
        let (replicas, configs) = match self.internal_topic(name) {
            Some(internal) => (self.place_internal(internal)?, internal.configs(name)),
            None => (self.place_default(topics)?, Configs::new()),
        };
        self.add_topic(topics, NewTopic { name: name.to_owned(), replicas, configs })
    }

    fn place_default(&self, topics: &Topics) -> Result<Vec<Vec<i32>>, Error> {
        let partitions = usize::try_from(self.settings.num_partitions).unwrap_or(0);
        placement::place(&self.node_ids(), partitions, self.settings.default_replication_factor, topics.len())
    }
}

fn nothing_made() -> Error {
    Error::with_code(ErrorCode::UnknownServerError, "No topic was made.")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Clock;
    use crate::cluster::Node;
    use crate::settings::BrokerSettings;

    #[test]
    fn many_topics_are_one_change_and_each_is_made_or_refused_by_itself() {
        let cluster = Cluster::new(Clock::real(), BrokerSettings::default(), vec![Node::of(1)]);
        let version = || cluster.topics().version;
        let before = version();
        let results = cluster.auto_create_topics(&["a_b", "a.b", "?", "c", "c"]);
        let codes: Vec<_> = results.iter().map(|result| result.as_ref().err().and_then(Error::code)).collect();
        let invalid = Some(ErrorCode::InvalidTopicException);
        assert_eq!(codes, [None, invalid, invalid, None, None]);
        assert_eq!((version(), cluster.topics().len()), (before + 1, 2));
        assert!(cluster.auto_create_topics(&["?", "c"])[1].is_ok());
        assert_eq!(version(), before + 1, "nothing new, no new picture");
    }
}

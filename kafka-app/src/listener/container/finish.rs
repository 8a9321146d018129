//! The end of a listener that reads to the end.

use std::{sync::Arc, time::Duration};

use super::Container;
use crate::{config::Subscription, listener::ends::Ends, record::TopicPartition};

/// How far other processes of the group have come is not told: they are looked at this often.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

impl Container {
    /// Resolves when its group has handled all that there was: its own consumers all they own, and others the rest. A group
    /// that shares partitions out moves them while it forms; whoever left early would leave some to nobody.
    pub(super) async fn has_read_to_the_end(&self, ends: &Arc<Ends>) {
        loop {
            let owned = self.all_done().await;
            if self.listener().by_hand.is_some() {
                return; // It takes what it wants, and shares it with nobody.
            }
            let topics = match &self.listener().subscription {
                Subscription::Topics(topics) => topics.clone(),
                Subscription::Pattern(_) => ends.topics(),
            };
            match ends.is_unread_elsewhere(topics, &owned).await {
                Ok(false) => return,
                Ok(true) => {}
                Err(error) => {
                    tracing::warn!(listener = self.id(), %error, "it is not known whether its group has read to the end")
                }
            }
            tokio::time::sleep(LOOK_AGAIN).await;
        }
    }

    /// Resolves when no consumer has anything left to do, with what they own.
    async fn all_done(&self) -> Vec<TopicPartition> {
        let mut watched: Vec<_> = self.consumers.lock().iter().map(|consumer| consumer.status.clone()).collect();
        loop {
            for status in &mut watched {
                // An error is the end of the consumer, which is told otherwise.
                if status.wait_for(|status| status.is_done).await.is_err() {
                    std::future::pending::<()>().await;
                }
            }
            // Each may have been given more while the others were waited for.
            let owned = watched.iter().map(|status| {
                let status = status.borrow();
                status.is_done.then(|| status.partitions.clone())
            });
            if let Some(owned) = owned.collect::<Option<Vec<_>>>() {
                return owned.concat();
            }
        }
    }
}

//! [`settled`]: what an answer about changes comes to.

use kafka_protocol::protocol::StrBytes;

use super::{KafkaError, WireError};

const NOT_CONTROLLER: i16 = 41;
/// What a controller says that does not lead.
const NOT_LEADER_OR_FOLLOWER: i16 = 6;

/// What the errors of several changes come to: the first one. Only another controller is worth another try: that a topic is not
/// there, say, would be, to a client that reads records.
pub(super) fn settled<'a>(
    mut answers: impl Iterator<Item = (i16, Option<&'a StrBytes>)>,
) -> Result<Result<(), KafkaError>, WireError> {
    match answers.try_for_each(|(code, message)| KafkaError::check(code, message)) {
        Err(error) if [NOT_CONTROLLER, NOT_LEADER_OR_FOLLOWER].contains(&error.code()) => Err(error.into()),
        done => Ok(done),
    }
}

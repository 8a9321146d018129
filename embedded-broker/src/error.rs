//! The codes Kafka answers with, and the crate's own error.

use std::fmt;

macro_rules! error_codes {
    ($($(#[$doc:meta])* $name:ident = $code:literal,)*) => {
        /// An error code of the Kafka protocol, under Kafka's own name.
        ///
        /// Every code of Apache Kafka 4.1 is here, so that no module writes a bare number.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[non_exhaustive]
        pub enum ErrorCode {
            $($(#[$doc])* $name,)*
        }

        impl ErrorCode {
            /// The number on the wire.
            #[must_use]
            pub const fn code(self) -> i16 {
                match self {
                    $(Self::$name => $code,)*
                }
            }

            /// The code with this number, if Kafka has one.
            #[must_use]
            pub const fn from_code(code: i16) -> Option<Self> {
                match code {
                    $($code => Some(Self::$name),)*
                    _ => None,
                }
            }
        }
    };
}

error_codes! {
    /// Nobody knows what went wrong.
    UnknownServerError = -1,
    /// No error.
    None = 0,
    /// The offset lies outside the partition's log.
    OffsetOutOfRange = 1,
    /// The checksum of a batch does not match its bytes.
    CorruptMessage = 2,
    /// There is no such topic or partition.
    UnknownTopicOrPartition = 3,
    /// The fetch size is not valid.
    InvalidFetchSize = 4,
    /// The partition has no leader now.
    LeaderNotAvailable = 5,
    /// This node does not lead the partition.
    NotLeaderOrFollower = 6,
    /// The request took longer than it said it would wait.
    RequestTimedOut = 7,
    /// The broker is not there.
    BrokerNotAvailable = 8,
    /// The replica is not there.
    ReplicaNotAvailable = 9,
    /// A batch is larger than `max.message.bytes` allows.
    MessageTooLarge = 10,
    /// The controller has moved on to a newer epoch.
    StaleControllerEpoch = 11,
    /// The metadata of an offset is too long.
    OffsetMetadataTooLarge = 12,
    /// The connection was lost before an answer.
    NetworkException = 13,
    /// The coordinator is reading its state.
    CoordinatorLoadInProgress = 14,
    /// There is no coordinator for this key now.
    CoordinatorNotAvailable = 15,
    /// This node does not coordinate the key.
    NotCoordinator = 16,
    /// The topic may not be written or has an illegal name.
    InvalidTopicException = 17,
    /// The batch is larger than a segment.
    RecordListTooLarge = 18,
    /// Fewer replicas are in sync than `min.insync.replicas` asks for; nothing was written.
    NotEnoughReplicas = 19,
    /// The batch is written, but to fewer replicas than `min.insync.replicas` asks for.
    NotEnoughReplicasAfterAppend = 20,
    /// The value of `acks` is none of -1, 0 and 1.
    InvalidRequiredAcks = 21,
    /// The group has moved on to another generation.
    IllegalGeneration = 22,
    /// The member offers no protocol the group can use.
    InconsistentGroupProtocol = 23,
    /// The group id is not valid.
    InvalidGroupId = 24,
    /// The group does not know this member.
    UnknownMemberId = 25,
    /// The session timeout lies outside what the broker allows.
    InvalidSessionTimeout = 26,
    /// The group is rebalancing: join again.
    RebalanceInProgress = 27,
    /// The offset commit is too large.
    InvalidCommitOffsetSize = 28,
    /// Not allowed to use the topic.
    TopicAuthorizationFailed = 29,
    /// Not allowed to use the group.
    GroupAuthorizationFailed = 30,
    /// Not allowed to use the cluster.
    ClusterAuthorizationFailed = 31,
    /// The timestamp of a record is out of bounds.
    InvalidTimestamp = 32,
    /// The SASL mechanism is not offered.
    UnsupportedSaslMechanism = 33,
    /// The request is not legal in this state of the SASL exchange.
    IllegalSaslState = 34,
    /// The version of the request is not supported.
    UnsupportedVersion = 35,
    /// The topic exists already.
    TopicAlreadyExists = 36,
    /// The number of partitions is not valid.
    InvalidPartitions = 37,
    /// The replication factor cannot be had.
    InvalidReplicationFactor = 38,
    /// The replica assignment is not valid.
    InvalidReplicaAssignment = 39,
    /// A config has a name or value that is not valid.
    InvalidConfig = 40,
    /// This node is not the controller.
    NotController = 41,
    /// The request contradicts itself or the protocol.
    InvalidRequest = 42,
    /// The format of the messages is not supported.
    UnsupportedForMessageFormat = 43,
    /// The request offends a policy of the topic or broker.
    PolicyViolation = 44,
    /// A sequence number is neither the next one nor a repetition.
    OutOfOrderSequenceNumber = 45,
    /// The sequence number was seen, but is no longer remembered.
    DuplicateSequenceNumber = 46,
    /// A newer epoch of this producer is known.
    InvalidProducerEpoch = 47,
    /// The transaction is in a state that does not allow this.
    InvalidTxnState = 48,
    /// The producer id does not belong to the transactional id.
    InvalidProducerIdMapping = 49,
    /// The transaction timeout is longer than the broker allows.
    InvalidTransactionTimeout = 50,
    /// The transaction is being changed by another request.
    ConcurrentTransactions = 51,
    /// The coordinator of the transaction has moved.
    TransactionCoordinatorFenced = 52,
    /// Not allowed to use the transactional id.
    TransactionalIdAuthorizationFailed = 53,
    /// Security features are off.
    SecurityDisabled = 54,
    /// The operation was not tried, because another of the same request failed.
    OperationNotAttempted = 55,
    /// The disk failed.
    KafkaStorageError = 56,
    /// There is no such log directory.
    LogDirNotFound = 57,
    /// Authentication failed.
    SaslAuthenticationFailed = 58,
    /// Nothing is known of this producer id.
    UnknownProducerId = 59,
    /// The partition is being reassigned.
    ReassignmentInProgress = 60,
    /// Delegation tokens are off.
    DelegationTokenAuthDisabled = 61,
    /// There is no such delegation token.
    DelegationTokenNotFound = 62,
    /// The principal does not own the delegation token.
    DelegationTokenOwnerMismatch = 63,
    /// Delegation tokens are not allowed on this connection.
    DelegationTokenRequestNotAllowed = 64,
    /// Not allowed to use the delegation token.
    DelegationTokenAuthorizationFailed = 65,
    /// The delegation token is too old.
    DelegationTokenExpired = 66,
    /// The principal has a type that is not supported.
    InvalidPrincipalType = 67,
    /// The group has members or subscriptions.
    NonEmptyGroup = 68,
    /// There is no such group.
    GroupIdNotFound = 69,
    /// There is no such fetch session.
    FetchSessionIdNotFound = 70,
    /// The epoch of the fetch session is not the expected one.
    InvalidFetchSessionEpoch = 71,
    /// The listener is not there.
    ListenerNotFound = 72,
    /// Topics cannot be deleted.
    TopicDeletionDisabled = 73,
    /// The leader epoch of the request is older than the partition's.
    FencedLeaderEpoch = 74,
    /// The leader epoch of the request is newer than the partition's.
    UnknownLeaderEpoch = 75,
    /// The compression is not supported by this version of the request.
    UnsupportedCompressionType = 76,
    /// The broker's epoch has changed.
    StaleBrokerEpoch = 77,
    /// The high watermark has not caught up.
    OffsetNotAvailable = 78,
    /// Join again with the member id of this answer.
    MemberIdRequired = 79,
    /// The preferred leader is not there.
    PreferredLeaderNotAvailable = 80,
    /// The group is full.
    GroupMaxSizeReached = 81,
    /// Another member has taken over this instance id.
    FencedInstanceId = 82,
    /// No replica may be elected.
    EligibleLeadersNotAvailable = 83,
    /// No election is needed.
    ElectionNotNeeded = 84,
    /// No partition is being reassigned.
    NoReassignmentInProgress = 85,
    /// The group is subscribed to the topic.
    GroupSubscribedToTopic = 86,
    /// A record or batch is malformed.
    InvalidRecord = 87,
    /// An offset is pending in a transaction.
    UnstableOffsetCommit = 88,
    /// A quota is used up.
    ThrottlingQuotaExceeded = 89,
    /// A newer instance of the transactional producer is known.
    ProducerFenced = 90,
    /// There is no such resource.
    ResourceNotFound = 91,
    /// The resource is there twice.
    DuplicateResource = 92,
    /// A credential is not acceptable.
    UnacceptableCredential = 93,
    /// The voters do not match.
    InconsistentVoterSet = 94,
    /// The feature cannot be updated so.
    InvalidUpdateVersion = 95,
    /// Features could not be updated.
    FeatureUpdateFailed = 96,
    /// The principal could not be forwarded.
    PrincipalDeserializationFailure = 97,
    /// There is no such snapshot.
    SnapshotNotFound = 98,
    /// The position lies outside the snapshot.
    PositionOutOfRange = 99,
    /// There is no topic with this id.
    UnknownTopicId = 100,
    /// The broker is registered already.
    DuplicateBrokerRegistration = 101,
    /// The broker is not registered.
    BrokerIdNotRegistered = 102,
    /// The topic id does not match the one on disk.
    InconsistentTopicId = 103,
    /// The cluster id does not match.
    InconsistentClusterId = 104,
    /// There is no such transactional id.
    TransactionalIdNotFound = 105,
    /// Topic ids and names are mixed in one fetch session.
    FetchSessionTopicIdError = 106,
    /// The replica may not join the in-sync set.
    IneligibleReplica = 107,
    /// The leader has moved.
    NewLeaderElected = 108,
    /// The data have moved to remote storage.
    OffsetMovedToTieredStorage = 109,
    /// The member's epoch is older than the group's.
    FencedMemberEpoch = 110,
    /// The instance id is in use by another member.
    UnreleasedInstanceId = 111,
    /// The assignor is not offered.
    UnsupportedAssignor = 112,
    /// The member's epoch is not the current one.
    StaleMemberEpoch = 113,
    /// The endpoint type does not match.
    MismatchedEndpointType = 114,
    /// The endpoint type is not supported.
    UnsupportedEndpointType = 115,
    /// The controller is not known.
    UnknownControllerId = 116,
    /// The client must ask for its subscriptions again.
    UnknownSubscriptionId = 117,
    /// The telemetry is too large.
    TelemetryTooLarge = 118,
    /// The registration is not valid.
    InvalidRegistration = 119,
    /// The transaction can only be aborted.
    TransactionAbortable = 120,
    /// The state of a record does not allow this.
    InvalidRecordState = 121,
    /// There is no such share session.
    ShareSessionNotFound = 122,
    /// The epoch of the share session is not the expected one.
    InvalidShareSessionEpoch = 123,
    /// The state epoch is older than the share coordinator's.
    FencedStateEpoch = 124,
    /// The voter's key does not match.
    InvalidVoterKey = 125,
    /// The voter is there twice.
    DuplicateVoter = 126,
    /// There is no such voter.
    VoterNotFound = 127,
    /// The regular expression is not valid.
    InvalidRegularExpression = 128,
    /// Metadata must be asked for anew.
    RebootstrapRequired = 129,
    /// The topology of the streams group is not valid.
    StreamsInvalidTopology = 130,
    /// The epoch of the streams group's topology is not valid.
    StreamsInvalidTopologyEpoch = 131,
    /// The epoch of the streams group's topology is too old.
    StreamsTopologyFenced = 132,
    /// There are too many share sessions.
    ShareSessionLimitReached = 133,
}

/// What kept the broker from starting or a test verb from doing its work.
///
/// The text says what was tried, on what, and what to do; [`Error::code`] is there when Kafka itself would have
/// answered with a code.
#[derive(Debug)]
pub struct Error {
    message: String,
    code: Option<ErrorCode>,
    source: Option<std::io::Error>,
}

impl Error {
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), code: None, source: None }
    }

    pub(crate) fn with_code(code: ErrorCode, message: impl Into<String>) -> Self {
        Self { message: message.into(), code: Some(code), source: None }
    }

    pub(crate) fn io(message: impl Into<String>, source: std::io::Error) -> Self {
        Self { message: message.into(), code: None, source: Some(source) }
    }

    /// The code Kafka answers with in this case, if there is one.
    #[must_use]
    pub fn code(&self) -> Option<ErrorCode> {
        self.code
    }

    /// What went wrong, without the cause beneath it.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        match &self.source {
            Some(source) => write!(f, ": {source}"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source.as_ref().map(|source| source as _)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_reads_back_as_itself() {
        for code in -1..=133 {
            let known = ErrorCode::from_code(code);
            assert_eq!(known.map(ErrorCode::code), Some(code), "code {code}");
        }
        assert_eq!(ErrorCode::from_code(134), None);
    }

    #[test]
    fn an_error_shows_its_cause() {
        let refused = std::io::Error::other("address in use");
        assert_eq!(
            Error::io("cannot listen on port 9092", refused).to_string(),
            "cannot listen on port 9092: address in use"
        );
    }
}

//! The errors of Kafka's protocol, as a Java client tells them.

/// Code, exception (in `org.apache.kafka.common.errors`, unless it has dots), whether asking again may help, and what is said
/// of it when the broker says nothing: from `org.apache.kafka.common.protocol.Errors` 4.1.1.
#[rustfmt::skip]
const ERRORS: &[(i16, &str, bool, &str)] = &[
    (-1, "UnknownServerException", false, "The server experienced an unexpected error when processing the request."),
    (1, "OffsetOutOfRangeException", false, "The requested offset is not within the range of offsets maintained by the server."),
    (2, "CorruptRecordException", true, "This message has failed its CRC checksum, exceeds the valid size, has a null key for a compacted topic, or is otherwise corrupt."),
    (3, "UnknownTopicOrPartitionException", true, "This server does not host this topic-partition."),
    (4, "InvalidFetchSizeException", false, "The requested fetch size is invalid."),
    (5, "LeaderNotAvailableException", true, "There is no leader for this topic-partition as we are in the middle of a leadership election."),
    (6, "NotLeaderOrFollowerException", true, "For requests intended only for the leader, this error indicates that the broker is not the current leader. For requests intended for any replica, this error indicates that the broker is not a replica of the topic partition."),
    (7, "TimeoutException", true, "The request timed out."),
    (8, "BrokerNotAvailableException", false, "The broker is not available."),
    (9, "ReplicaNotAvailableException", true, "The replica is not available for the requested topic-partition. Produce/Fetch requests and other requests intended only for the leader or follower return NOT_LEADER_OR_FOLLOWER if the broker is not a replica of the topic-partition."),
    (10, "RecordTooLargeException", false, "The request included a message larger than the max message size the server will accept."),
    (11, "ControllerMovedException", false, "The controller moved to another broker."),
    (12, "OffsetMetadataTooLarge", false, "The metadata field of the offset request was too large."),
    (13, "NetworkException", true, "The server disconnected before a response was received."),
    (14, "CoordinatorLoadInProgressException", true, "The coordinator is loading and hence can't process requests."),
    (15, "CoordinatorNotAvailableException", true, "The coordinator is not available."),
    (16, "NotCoordinatorException", true, "This is not the correct coordinator."),
    (17, "InvalidTopicException", false, "The request attempted to perform an operation on an invalid topic."),
    (18, "RecordBatchTooLargeException", false, "The request included message batch larger than the configured segment size on the server."),
    (19, "NotEnoughReplicasException", true, "Messages are rejected since there are fewer in-sync replicas than required."),
    (20, "NotEnoughReplicasAfterAppendException", true, "Messages are written to the log, but to fewer in-sync replicas than required."),
    (21, "InvalidRequiredAcksException", false, "Produce request specified an invalid value for required acks."),
    (22, "IllegalGenerationException", false, "Specified group generation id is not valid."),
    (23, "InconsistentGroupProtocolException", false, "The group member's supported protocols are incompatible with those of existing members or first group member tried to join with empty protocol type or empty protocol list."),
    (24, "InvalidGroupIdException", false, "The group id is invalid."),
    (25, "UnknownMemberIdException", false, "The coordinator is not aware of this member."),
    (26, "InvalidSessionTimeoutException", false, "The session timeout is not within the range allowed by the broker (as configured by group.min.session.timeout.ms and group.max.session.timeout.ms)."),
    (27, "RebalanceInProgressException", false, "The group is rebalancing, so a rejoin is needed."),
    (28, "InvalidCommitOffsetSizeException", false, "The committing offset data size is not valid."),
    (29, "TopicAuthorizationException", false, "Topic authorization failed."),
    (30, "GroupAuthorizationException", false, "Group authorization failed."),
    (31, "ClusterAuthorizationException", false, "Cluster authorization failed."),
    (32, "InvalidTimestampException", false, "The timestamp of the message is out of acceptable range."),
    (33, "UnsupportedSaslMechanismException", false, "The broker does not support the requested SASL mechanism."),
    (34, "IllegalSaslStateException", false, "Request is not valid given the current SASL state."),
    (35, "UnsupportedVersionException", false, "The version of API is not supported."),
    (36, "TopicExistsException", false, "Topic with this name already exists."),
    (37, "InvalidPartitionsException", false, "Number of partitions is below 1."),
    (38, "InvalidReplicationFactorException", false, "Replication factor is below 1 or larger than the number of available brokers."),
    (39, "InvalidReplicaAssignmentException", false, "Replica assignment is invalid."),
    (40, "InvalidConfigurationException", false, "Configuration is invalid."),
    (41, "NotControllerException", true, "This is not the correct controller for this cluster."),
    (42, "InvalidRequestException", false, "This most likely occurs because of a request being malformed by the client library or the message was sent to an incompatible broker. See the broker logs for more details."),
    (43, "UnsupportedForMessageFormatException", false, "The message format version on the broker does not support the request."),
    (44, "PolicyViolationException", false, "Request parameters do not satisfy the configured policy."),
    (45, "OutOfOrderSequenceException", false, "The broker received an out of order sequence number."),
    (46, "DuplicateSequenceException", false, "The broker received a duplicate sequence number."),
    (47, "InvalidProducerEpochException", false, "Producer attempted to produce with an old epoch."),
    (48, "InvalidTxnStateException", false, "The producer attempted a transactional operation in an invalid state."),
    (49, "InvalidPidMappingException", false, "The producer attempted to use a producer id which is not currently assigned to its transactional id."),
    (50, "InvalidTxnTimeoutException", false, "The transaction timeout is larger than the maximum value allowed by the broker (as configured by transaction.max.timeout.ms)."),
    (51, "ConcurrentTransactionsException", true, "The producer attempted to update a transaction while another concurrent operation on the same transaction was ongoing."),
    (52, "TransactionCoordinatorFencedException", false, "Indicates that the transaction coordinator sending a WriteTxnMarker is no longer the current coordinator for a given producer."),
    (53, "TransactionalIdAuthorizationException", false, "Transactional Id authorization failed."),
    (54, "SecurityDisabledException", false, "Security features are disabled."),
    (55, "OperationNotAttemptedException", false, "The broker did not attempt to execute this operation. This may happen for batched RPCs where some operations in the batch failed, causing the broker to respond without trying the rest."),
    (56, "KafkaStorageException", true, "Disk error when trying to access log file on the disk."),
    (57, "LogDirNotFoundException", false, "The user-specified log directory is not found in the broker config."),
    (58, "SaslAuthenticationException", false, "SASL Authentication failed."),
    (59, "UnknownProducerIdException", false, "This exception is raised by the broker if it could not locate the producer metadata associated with the producerId in question. This could happen if, for instance, the producer's records were deleted because their retention time had elapsed. Once the last records of the producerId are removed, the producer's metadata is removed from the broker, and future appends by the producer will return this exception."),
    (60, "ReassignmentInProgressException", false, "A partition reassignment is in progress."),
    (61, "DelegationTokenDisabledException", false, "Delegation Token feature is not enabled."),
    (62, "DelegationTokenNotFoundException", false, "Delegation Token is not found on server."),
    (63, "DelegationTokenOwnerMismatchException", false, "Specified Principal is not valid Owner/Renewer."),
    (64, "UnsupportedByAuthenticationException", false, "Delegation Token requests are not allowed on PLAINTEXT/1-way SSL channels and on delegation token authenticated channels."),
    (65, "DelegationTokenAuthorizationException", false, "Delegation Token authorization failed."),
    (66, "DelegationTokenExpiredException", false, "Delegation Token is expired."),
    (67, "InvalidPrincipalTypeException", false, "Supplied principalType is not supported."),
    (68, "GroupNotEmptyException", false, "The group is not empty."),
    (69, "GroupIdNotFoundException", false, "The group id does not exist."),
    (70, "FetchSessionIdNotFoundException", true, "The fetch session ID was not found."),
    (71, "InvalidFetchSessionEpochException", true, "The fetch session epoch is invalid."),
    (72, "ListenerNotFoundException", true, "There is no listener on the leader broker that matches the listener on which metadata request was processed."),
    (73, "TopicDeletionDisabledException", false, "Topic deletion is disabled."),
    (74, "FencedLeaderEpochException", true, "The leader epoch in the request is older than the epoch on the broker."),
    (75, "UnknownLeaderEpochException", true, "The leader epoch in the request is newer than the epoch on the broker."),
    (76, "UnsupportedCompressionTypeException", false, "The requesting client does not support the compression type of given partition."),
    (77, "StaleBrokerEpochException", false, "Broker epoch has changed."),
    (78, "OffsetNotAvailableException", true, "The leader high watermark has not caught up from a recent leader election so the offsets cannot be guaranteed to be monotonically increasing."),
    (79, "MemberIdRequiredException", false, "The group member needs to have a valid member id before actually entering a consumer group."),
    (80, "PreferredLeaderNotAvailableException", true, "The preferred leader was not available."),
    (81, "GroupMaxSizeReachedException", false, "The group has reached its maximum size."),
    (82, "FencedInstanceIdException", false, "The broker rejected this static consumer since another consumer with the same group.instance.id has registered with a different member.id."),
    (83, "EligibleLeadersNotAvailableException", true, "Eligible topic partition leaders are not available."),
    (84, "ElectionNotNeededException", true, "Leader election not needed for topic partition."),
    (85, "NoReassignmentInProgressException", false, "No partition reassignment is in progress."),
    (86, "GroupSubscribedToTopicException", false, "Deleting offsets of a topic is forbidden while the consumer group is actively subscribed to it."),
    (87, "org.apache.kafka.common.InvalidRecordException", false, "This record has failed the validation on broker and hence will be rejected."),
    (88, "UnstableOffsetCommitException", true, "There are unstable offsets that need to be cleared."),
    (89, "ThrottlingQuotaExceededException", true, "The throttling quota has been exceeded."),
    (90, "ProducerFencedException", false, "There is a newer producer with the same transactionalId which fences the current one."),
    (91, "ResourceNotFoundException", false, "A request illegally referred to a resource that does not exist."),
    (92, "DuplicateResourceException", false, "A request illegally referred to the same resource twice."),
    (93, "UnacceptableCredentialException", false, "Requested credential would not meet criteria for acceptability."),
    (94, "InconsistentVoterSetException", false, "Indicates that the either the sender or recipient of a voter-only request is not one of the expected voters."),
    (95, "InvalidUpdateVersionException", false, "The given update version was invalid."),
    (96, "FeatureUpdateFailedException", false, "Unable to update finalized features due to an unexpected server error."),
    (97, "PrincipalDeserializationException", false, "Request principal deserialization failed during forwarding. This indicates an internal error on the broker cluster security setup."),
    (98, "SnapshotNotFoundException", false, "Requested snapshot was not found."),
    (99, "PositionOutOfRangeException", false, "Requested position is not greater than or equal to zero, and less than the size of the snapshot."),
    (100, "UnknownTopicIdException", true, "This server does not host this topic ID."),
    (101, "DuplicateBrokerRegistrationException", false, "This broker ID is already in use."),
    (102, "BrokerIdNotRegisteredException", false, "The given broker ID was not registered."),
    (103, "InconsistentTopicIdException", true, "The log's topic ID did not match the topic ID in the request."),
    (104, "InconsistentClusterIdException", false, "The clusterId in the request does not match that found on the server."),
    (105, "TransactionalIdNotFoundException", false, "The transactionalId could not be found."),
    (106, "FetchSessionTopicIdException", true, "The fetch session encountered inconsistent topic ID usage."),
    (107, "IneligibleReplicaException", false, "The new ISR contains at least one ineligible replica."),
    (108, "NewLeaderElectedException", false, "The AlterPartition request successfully updated the partition state but the leader has changed."),
    (109, "OffsetMovedToTieredStorageException", false, "The requested offset is moved to tiered storage."),
    (110, "FencedMemberEpochException", false, "The member epoch is fenced by the group coordinator. The member must abandon all its partitions and rejoin."),
    (111, "UnreleasedInstanceIdException", false, "The instance ID is still used by another member in the consumer group. That member must leave first."),
    (112, "UnsupportedAssignorException", false, "The assignor or its version range is not supported by the consumer group."),
    (113, "StaleMemberEpochException", false, "The member epoch is stale. The member must retry after receiving its updated member epoch via the ConsumerGroupHeartbeat API."),
    (114, "MismatchedEndpointTypeException", false, "The request was sent to an endpoint of the wrong type."),
    (115, "UnsupportedEndpointTypeException", false, "This endpoint type is not supported yet."),
    (116, "UnknownControllerIdException", false, "This controller ID is not known."),
    (117, "UnknownSubscriptionIdException", false, "Client sent a push telemetry request with an invalid or outdated subscription ID."),
    (118, "TelemetryTooLargeException", false, "Client sent a push telemetry request larger than the maximum size the broker will accept."),
    (119, "InvalidRegistrationException", false, "The controller has considered the broker registration to be invalid."),
    (120, "TransactionAbortableException", false, "The server encountered an error with the transaction. The client can abort the transaction to continue using this transactional ID."),
    (121, "InvalidRecordStateException", false, "The record state is invalid. The acknowledgement of delivery could not be completed."),
    (122, "ShareSessionNotFoundException", true, "The share session was not found."),
    (123, "InvalidShareSessionEpochException", true, "The share session epoch is invalid."),
    (124, "FencedStateEpochException", false, "The share coordinator rejected the request because the share-group state epoch did not match."),
    (125, "InvalidVoterKeyException", false, "The voter key doesn't match the receiving replica's key."),
    (126, "DuplicateVoterException", false, "The voter is already part of the set of voters."),
    (127, "VoterNotFoundException", false, "The voter is not part of the set of voters."),
    (128, "InvalidRegularExpression", false, "The regular expression is not valid."),
    (129, "RebootstrapRequiredException", false, "Client metadata is stale. The client should rebootstrap to obtain new metadata."),
    (130, "StreamsInvalidTopologyException", false, "The supplied topology is invalid."),
    (131, "StreamsInvalidTopologyEpochException", false, "The supplied topology epoch is invalid."),
    (132, "StreamsTopologyFencedException", false, "The supplied topology epoch is outdated."),
    (133, "ShareSessionLimitReachedException", true, "The limit of share sessions has been reached."),
];

/// What is known of an error code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ErrorCode {
    code: i16,
    exception: &'static str,
    is_retriable: bool,
    message: &'static str,
}

impl ErrorCode {
    /// The error with a code, `None` for 0; one that this program has never heard of is an unknown error of the server.
    pub(crate) fn of(code: i16) -> Option<Self> {
        match ERRORS.iter().find(|known| known.0 == code) {
            _ if code == 0 => None,
            Some(&(code, exception, is_retriable, message)) => Some(Self { code, exception, is_retriable, message }),
            None => Some(Self { code, ..Self::unknown_server_error() }),
        }
    }

    fn unknown_server_error() -> Self {
        let (code, exception, is_retriable, message) = ERRORS[0];
        Self { code, exception, is_retriable, message }
    }

    /// The code on the wire.
    pub(crate) fn code(self) -> i16 {
        self.code
    }

    /// The Java class, with its package.
    pub(crate) fn exception(self) -> String {
        match self.exception {
            qualified if qualified.contains('.') => qualified.to_owned(),
            simple => format!("org.apache.kafka.common.errors.{simple}"),
        }
    }

    pub(crate) fn is_retriable(self) -> bool {
        self.is_retriable
    }

    /// What a client says of it when the broker does not.
    pub(crate) fn message(self) -> &'static str {
        self.message
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_those_of_kafka_4_1_without_gaps() {
        let codes: Vec<i16> = ERRORS.iter().map(|&(code, ..)| code).filter(|&code| code > 0).collect();
        assert_eq!(codes, (1..=133).collect::<Vec<_>>());
    }

    #[test]
    fn an_error_has_javas_class_and_words() {
        let error = ErrorCode::of(36).unwrap();
        assert_eq!(error.exception(), "org.apache.kafka.common.errors.TopicExistsException");
        assert_eq!(error.message(), "Topic with this name already exists.");
        assert!(!error.is_retriable());
        assert_eq!(ErrorCode::of(87).unwrap().exception(), "org.apache.kafka.common.InvalidRecordException");
    }

    #[test]
    fn an_unheard_of_code_is_an_unknown_error_of_the_server() {
        let error = ErrorCode::of(1000).unwrap();
        assert_eq!(error.code(), 1000);
        assert_eq!(error.exception(), "org.apache.kafka.common.errors.UnknownServerException");
        assert_eq!(ErrorCode::of(0), None);
    }
}

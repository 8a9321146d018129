//! Who may look at transactions.

use kafka_protocol::messages::create_topics_request::CreatableTopic;
use kafka_protocol::messages::describe_producers_request::TopicRequest;
use kafka_protocol::messages::{
    CreateTopicsRequest, DescribeProducersRequest, DescribeTransactionsRequest, ListTransactionsRequest,
    TransactionalId,
};

use super::*;
use crate::each_broker::unique;
use crate::records::name;

#[test]
fn who_may_nothing_sees_no_transaction_and_no_producer() {
    on_each_secured_broker(|admin, address| {
        let topic = unique("secured");
        let new = CreatableTopic::default().with_name(name(&topic)).with_num_partitions(1).with_replication_factor(1);
        admin.call(7, &CreateTopicsRequest::default().with_topics(vec![new]).with_timeout_ms(10_000));
        let alice = &mut logged_in(address, "alice");
        let id = TransactionalId(StrBytes::from_string(unique("id")));
        let request = DescribeTransactionsRequest::default().with_transactional_ids(vec![id]);
        assert_eq!(
            alice.call(0, &request).transaction_states[0].error_code,
            53,
            "TRANSACTIONAL_ID_AUTHORIZATION_FAILED"
        );
        let asked = TopicRequest::default().with_name(name(&topic)).with_partition_indexes(vec![0]);
        let request = DescribeProducersRequest::default().with_topics(vec![asked]);
        let told = &alice.call(0, &request).topics[0].partitions[0];
        assert_eq!((told.error_code, told.active_producers.len()), (29, 0), "TOPIC_AUTHORIZATION_FAILED");
        let listed = alice.call(0, &ListTransactionsRequest::default());
        assert_eq!((listed.error_code, listed.transaction_states.len()), (0, 0));
    });
}

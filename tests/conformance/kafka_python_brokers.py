"""A pytest plugin for kafka-python's suite: where its fixtures start a broker of one transport, they get the listener of
that transport of a broker that runs.

KAFKA_PLAINTEXT, KAFKA_SASL_PLAINTEXT and KAFKA_SSL say where those listeners are (host:port), KAFKA_KEYS where ca-cert is.
"""

import os

import pytest


def address(transport):
    host, port = os.environ['KAFKA_' + transport].rsplit(':', 1)
    return host, int(port)


@pytest.fixture(scope='session', autouse=True)
def brokers_that_run():
    from kafka import KafkaAdminClient
    from kafka.admin import ScramMechanism, UserScramCredentialUpsertion
    from test.integration.fixtures import KafkaFixture

    plain = os.environ['KAFKA_PLAINTEXT']

    def instance(cls, broker_id, transport='PLAINTEXT', sasl_mechanism=None, **_):
        host, port = address(transport)
        broker = cls(host, port, broker_id, transport=transport, partitions=4,
                     sasl_mechanism=sasl_mechanism, external=True)
        broker.ssl_dir = os.environ['KAFKA_KEYS']
        return broker

    def get_topic_names(self):
        with KafkaAdminClient(bootstrap_servers=plain) as admin:
            return admin.list_topics()

    KafkaFixture.instance = classmethod(instance)
    KafkaFixture.get_topic_names = get_topic_names
    with KafkaAdminClient(bootstrap_servers=plain) as admin:
        # One a request: a user must not be in a request twice.
        for mechanism in (ScramMechanism.SCRAM_SHA_256, ScramMechanism.SCRAM_SHA_512):
            user, password = KafkaFixture.broker_user, KafkaFixture.broker_password
            answer = admin.alter_user_scram_credentials([UserScramCredentialUpsertion(user, mechanism, password)])
            assert not any(answer.values()), answer

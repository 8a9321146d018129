use kafka_app::kafka_listener;

#[kafka_listener(
    topic = "orders",
    groupId = "g",
    group_id = "g",
    name = "bill",
    ackMode = "record",
    ack_mode = "record",
    autoStartup = false,
    auto_startup = false,
    autostart = false,
    idIsGroup = false,
    clientIdPrefix = "a",
    client_id = "a",
    topicPartitions = [],
    topic_partitions = [],
    partitions(0),
    retry_topic = "r",
    containerFactory = "f",
    container_factory = "f",
    errorHandler = "e",
    error_handler = "e",
    batchListener = true,
    max_poll_records = 5,
    attempts = 3,
    retries = 3,
    backoff = "1s",
    dlt = "d",
    dlq = "d",
    dead_letter_topic = "d",
    exactly_once = true,
    auto_commit = true
)]
async fn spring() {}

#[kafka_listener(
    topic = "orders",
    topicPattern = "o.*",
    sendTo = "invoices",
    deadLetter = "d",
    batch(size = 5, max_poll_records = 5, timeout = "1s"),
    retry(maxAttempts = 3, max_attempts = 3, delay = "1s", maxDelay = "1s", max_delay = "1s", random = true)
)]
async fn more_spring() {}

fn main() {}

//! What docs/spring.md says of tests and of Spring Boot's properties is so.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use kafka_app::config::KafkaProperties;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn guide() -> String {
    fs::read_to_string(root().join("docs/spring.md")).expect("the guide is in the repository")
}

/// The words in backticks of a line.
fn quoted(line: &str) -> impl Iterator<Item = &str> {
    line.split('`').skip(1).step_by(2)
}

/// Every test in the sources below these folders.
fn tests(folders: &[&str]) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut folders: Vec<_> = folders.iter().map(|folder| root().join(folder)).collect();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("a folder of the repository") {
            let path = entry.expect("an entry of it").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                found.extend(tests_of(&fs::read_to_string(&path).expect("a source is text")).map(str::to_owned));
            }
        }
    }
    found
}

/// The functions of a source that have an attribute of a test, with others between them or none.
fn tests_of(source: &str) -> impl Iterator<Item = &str> {
    let mut is_test = false;
    source.lines().map(str::trim_start).filter_map(move |line| {
        if line.starts_with("#[") {
            is_test |= line.starts_with("#[test]") || line.starts_with("#[tokio::test");
            return None;
        }
        let name =
            line.strip_prefix("async ").unwrap_or(line).strip_prefix("fn ").and_then(|rest| rest.split('(').next());
        std::mem::take(&mut is_test).then_some(name).flatten()
    })
}

/// Names of tests are sentences: nothing else in the guide has as many words.
fn is_sentence(name: &str) -> bool {
    name.matches('_').count() >= 5 && !name.contains(char::is_uppercase)
}

/// Short names of tests in the column for them.
fn is_short(name: &str) -> bool {
    name.contains('_') && name.chars().all(|c| c.is_ascii_lowercase() || c == '_')
}

/// The rows of the tables that say what shows each of them: first, second and last column.
fn shown_rows(guide: &str) -> Vec<[&str; 3]> {
    let mut rows = Vec::new();
    let mut is_shown = false;
    for line in guide.lines() {
        let cells: Vec<_> = line.trim_matches('|').split(" | ").map(str::trim).collect();
        is_shown = line.starts_with('|') && (is_shown || cells.last() == Some(&"shown by"));
        if let (true, [what, here, shown_by]) = (is_shown, cells.as_slice())
            && *shown_by != "shown by"
            && !what.starts_with("---")
        {
            rows.push([*what, *here, shown_by.trim_end_matches('|').trim()]);
        }
    }
    rows
}

/// Whether a text has this word, and not only as part of a longer one.
fn has_word(text: &str, word: &str) -> bool {
    let is_part = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
    text.match_indices(word)
        .any(|(at, _)| !is_part(text[..at].chars().next_back()) && !is_part(text[at + word.len()..].chars().next()))
}

#[test]
fn every_test_that_the_guide_for_spring_names_is_there() {
    let guide = guide();
    let in_text = guide.lines().flat_map(quoted).filter(|name| is_sentence(name));
    let rows = shown_rows(&guide);
    let in_column = rows.iter().flat_map(|[_, _, shown_by]| quoted(shown_by)).filter(|name| is_short(name));
    let named: BTreeSet<_> = in_text.chain(in_column).map(str::to_owned).collect();
    assert!(named.len() > 80, "the guide names its tests: {named:?}");
    let missing: Vec<_> = named
        .difference(&tests(&["kafka-app/src", "kafka-app-macros/tests", "tests/it", "tests/schemas/it"]))
        .cloned()
        .collect();
    assert!(missing.is_empty(), "no test has these names: {missing:?}");
}

#[test]
fn what_is_done_of_springs_acknowledgments_errors_retry_topics_and_transactions_names_its_test() {
    let guide = guide();
    let rows = shown_rows(&guide);
    assert!(rows.len() > 60, "four tables: {} rows", rows.len());
    let without: Vec<_> = rows
        .iter()
        .filter(|[_, here, shown_by]| quoted(shown_by).next().is_none() && !here.starts_with("none"))
        .map(|[what, ..]| what)
        .collect();
    assert!(without.is_empty(), "these say that they are done, and nothing shows it: {without:?}");
    assert!(!guide.contains("**not there**"), "what is not there has something in its place");
}

/// What Spring's reference names of acknowledgment, errors and dead letters, retry topics, transactions; and annotations.
const SPRINGS_NAMES: &str = "
    RECORD; BATCH; TIME; COUNT; COUNT_TIME; MANUAL; MANUAL_IMMEDIATE; acknowledge(index); nack(sleep);
    nack(index, sleep); asyncAcks; coercion to `MANUAL`; syncCommits; delivery modes

    DefaultErrorHandler; FixedBackOff; CommonErrorHandler; handleOne; handleRemaining; handleBatch;
    handleOtherException; seeksAfterHandling; isAckAfterHandle; clearThreadStateFor; ackAfterHandle;
    commitRecovered; seekAfterError; resetStateOnRecoveryFailure; resetStateOnExceptionChange; setBackOffFunction;
    addNotRetryableExceptions; addRetryableExceptions; setClassifications; defaultFalse; DeserializationException;
    CommonContainerStoppingErrorHandler; CommonLoggingErrorHandler; CommonDelegatingErrorHandler;
    CommonMixedErrorHandler; FallbackBatchErrorHandler; ExponentialBackOff; WithMaxRetries;
    ContainerPausingBackOffHandler; RetryListener; deliveryAttemptHeader; DeliveryAttemptAwareRetryListener;
    BatchListenerFailedException; `Error`; DeadLetterPublishingRecoverer; destination resolver; verifyPartition;
    failIfSendResultIsError; waitForSendResultTimeout; throwIfNoDestinationReturned; skipSameTopicFatalExceptions;
    retainExceptionHeader; logRecoveryRecord; templates by value class; kafka_dlt-*; appendOriginalHeaders;
    stripPreviousExceptionHeaders; excludeHeader; headersFunction; ExceptionHeadersCreator

    @RetryableTopic; RetryTopicConfiguration; RetryTopicConfigurationSupport; attempts; @BackOff; maxDelay;
    multiplier; jitter; timeout; kafkaTemplate; listenerContainerFactory; autoCreateTopics; numPartitions;
    replicationFactor; include; exclude; includeNames; excludeNames; traversingCauses; retryTopicSuffix;
    dltTopicSuffix; topicSuffixingStrategy; RetryTopicNamesProviderFactory; sameIntervalTopicReuseStrategy;
    dltStrategy; @DltHandler; dltHandlerMethod; autoStartDltHandler; exceptionBasedDltRouting;
    @ExceptionBasedDltDestination; concurrency; retry_topic-*; kafka_original-*; kafka_exception-*;
    KafkaConsumerBackoffManager; configureBlockingRetries; DestinationTopicResolver; DestinationTopicContainer;
    neverLogListenerException; alwaysLogListenerException; batch listeners; container transactions

    transaction-id-prefix; KafkaTransactionManager; @Transactional; TransactionTemplate;
    TransactionIdSuffixStrategy; maxCache; NoProducerAvailableException; transactionDefinition; EOSMode.V2;
    ChainedKafkaTransactionManager; DefaultAfterRollbackProcessor; batchRecoverAfterRollback;
    stopContainerWhenFenced; executeInTransaction; sendOffsetsToTransaction; allowNonTransactional; fixTxOffsets;
    `nack` in a transaction; interceptBeforeTx; whole-batch retry

    @KafkaListeners; @TopicPartition; @PartitionOffset; @KafkaHandler; @EnableKafka; @EnableKafkaRetryTopic;
    @SendTo; @Payload; @Header; @Headers; @Valid; @EmbeddedKafka; @LogLevels
";

#[test]
fn every_name_of_springs_tables_has_a_row() {
    let guide = guide();
    let rows = guide.lines().filter(|line| line.starts_with("| "));
    let firsts: Vec<_> = rows.filter_map(|row| row.split(" | ").next()).collect();
    let names: Vec<_> = SPRINGS_NAMES.split([';', '\n']).map(str::trim).filter(|name| !name.is_empty()).collect();
    assert!(names.len() > 120, "four tables: {} names", names.len());
    let without: Vec<_> = names.iter().filter(|name| !firsts.iter().any(|cell| has_word(cell, name))).collect();
    assert!(without.is_empty(), "no row begins with these: {without:?}");
}

#[test]
fn every_property_of_spring_boot_is_one_of_ours_or_is_answered() {
    let guide = guide();
    let rows = guide.lines().filter(|line| line.starts_with("| `spring.kafka."));
    let (mut n_rows, mut unknown) = (0, Vec::new());
    for key in rows.filter_map(|row| quoted(row).next()?.strip_prefix("spring.")) {
        n_rows += 1;
        let key = key.replace(".*", ".linger.ms");
        // Whether `1` is a right value of it is nothing to the question.
        if let Err(error) = KafkaProperties::builder().set(key.as_str(), "1").load()
            && error.to_string().contains("unknown key")
        {
            unknown.push(key);
        }
    }
    assert!(n_rows > 80, "the table is there: {n_rows} rows");
    assert!(unknown.is_empty(), "these get no answer: {unknown:?}");
}

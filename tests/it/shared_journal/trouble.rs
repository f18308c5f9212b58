//! Topics that are not what they were, brokers that do not answer, and records that this router cannot read.

use rdkafka::types::{RDKafkaApiKey, RDKafkaRespErr};

use super::{
    PARTITIONS, TOPIC, cluster, config, disordered, repeated, round, send, until_held, with_journal,
};
use crate::support::{Receiver, Reply, Router, batch, ids_of, track, until};

/// Returns the value of a metric without labels.
async fn metric(router: &Router, name: &str) -> u64 {
    let metrics = router.get("/metrics").await.text;
    let line = metrics.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    line.and_then(|number| number.trim().parse().ok()).unwrap_or_default()
}

#[tokio::test]
async fn a_topic_that_was_made_again_while_no_router_ran_is_read_from_its_beginning() {
    let cluster = cluster();
    let receiver = Receiver::start();
    // What the groups knew is of the topic before.
    for group in ["opentrack", "opentrack.hook", "opentrack.warehouse"] {
        cluster.commit(group, TOPIC, PARTITIONS, 1_000);
    }
    let router = Router::start(config(&cluster, "").webhook("hook", &receiver.url(), "")).await;
    let ids = send(&router, 40, 0).await;
    receiver.until_taken(&ids).await;
    router.until_rows("tracks", &ids).await;
    assert!(router.log().contains("began anew"), "{}", router.log());
    assert_eq!(metric(&router, "opentrack_journal_offset_resets_total").await, 4);
    until("the marks are those of the new offsets", 20, async || {
        cluster.committed("opentrack.hook", TOPIC, PARTITIONS) == 40
    })
    .await;
}

#[tokio::test]
async fn a_topic_that_was_made_again_and_filled_beyond_the_old_marks_is_told_from_the_one_that_was_read() {
    let cluster = cluster();
    let other_group = config(&cluster, "").env("OPENTRACK__JOURNAL__KAFKA__GROUP", "former");
    let mut filler = Router::start(other_group).await;
    let ids = send(&filler, 40, 0).await;
    until("all marks are at the end", 20, async || {
        cluster.committed("former.warehouse", TOPIC, PARTITIONS) == 40
    })
    .await;
    filler.stop().await;
    // The groups are at the end, and had read other records than those that are there.
    for group in ["opentrack.hook", "opentrack.warehouse"] {
        cluster.copy_marks(("former.warehouse", group), TOPIC, PARTITIONS, "");
    }
    cluster.copy_marks(("former.warehouse", "opentrack"), TOPIC, PARTITIONS, "1@0:0123456789abcdef");
    let receiver = Receiver::start();
    let mut router = Router::start(config(&cluster, "").webhook("hook", &receiver.url(), "")).await;
    receiver.until_taken(&ids).await;
    assert!(router.log().contains("began anew"), "{}", router.log());
    assert_eq!(metric(&router, "opentrack_journal_offset_resets_total").await, 4);
    until("the marks are told", 20, async || cluster.committed("opentrack.hook", TOPIC, PARTITIONS) == 40)
        .await;
    router.restart().await;
    let second = send(&router, 40, 1).await;
    receiver.until_taken(&second).await;
    assert_eq!(repeated(&receiver), Vec::<String>::new(), "now it is the topic that was read");
}

#[tokio::test]
async fn offsets_that_begin_anew_while_a_router_reads_are_delivered_from_their_beginning() {
    let cluster = cluster();
    let receiver = Receiver::start();
    let router = Router::start(config(&cluster, "").webhook("hook", &receiver.url(), "")).await;
    let first = send(&router, 40, 0).await;
    receiver.until_taken(&first).await;
    // The brokers say that they do not have the offset, as of a topic that was made again: all of it is new then.
    cluster.answer_next(RDKafkaApiKey::Fetch, &[RDKafkaRespErr::RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE; 3]);
    until("the router says so", 20, async || router.log().contains("began anew")).await;
    let second = send(&router, 40, 1).await;
    receiver.until_taken(&second).await;
    until("what cannot be told from what was had comes again", 20, async || !repeated(&receiver).is_empty())
        .await;
    assert!(metric(&router, "opentrack_journal_offset_resets_total").await > 0);
}

#[tokio::test]
async fn brokers_that_do_not_say_where_a_new_destination_begins_keep_nobody_else_still() {
    let cluster = cluster();
    let (hook, late) = (Receiver::start(), Receiver::start());
    let before = config(&cluster, "").webhook("hook", &hook.url(), "");
    let mut router = Router::start(before.clone()).await;
    let first = send(&router, 40, 0).await;
    hook.until_taken(&first).await;
    let refused = [RDKafkaRespErr::RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED; 1_000];
    cluster.answer_next(RDKafkaApiKey::OffsetFetch, &refused);
    router.reconfigure(before.webhook("late", &late.url(), "start = \"beginning\"\n")).await;
    until("the router has asked", 20, async || router.log().contains("take partitions over")).await;
    let second = send(&router, 40, 1).await;
    hook.until_taken(&second).await;
    assert_eq!(late.taken_ids(), Vec::<String>::new(), "what it has had is not known");
    cluster.answer_no_more(RDKafkaApiKey::OffsetFetch);
    late.until_taken(&first).await;
    late.until_taken(&second).await;
    assert_eq!(repeated(&hook), Vec::<String>::new());
}

#[tokio::test]
async fn partitions_whose_beginnings_nobody_says_are_asked_for_again_and_given_to_another() {
    let cluster = cluster();
    let receiver = Receiver::start();
    let config = config(&cluster, "").webhook("hook", &receiver.url(), "");
    let refused = [RDKafkaRespErr::RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED; 1_000];
    cluster.answer_next(RDKafkaApiKey::OffsetFetch, &refused);
    let one = Router::start(config.clone()).await;
    let mut ids = send(&one, 40, 0).await;
    until("the router has asked", 20, async || one.log().contains("take partitions over")).await;
    // The group moves partitions though none of them was begun.
    let other = Router::start(config).await;
    until("the other has asked", 30, async || other.log().contains("take partitions over")).await;
    cluster.answer_no_more(RDKafkaApiKey::OffsetFetch);
    until_held(&one, 2).await;
    until_held(&other, 2).await;
    ids.extend(send(&one, 40, 1).await);
    receiver.until_taken(&ids).await;
    assert_eq!(disordered(&receiver), Vec::<String>::new());
    assert_eq!(repeated(&receiver), Vec::<String>::new());
}

#[tokio::test]
async fn a_record_of_a_newer_version_blocks_its_partition_alone_and_is_settled_by_nobody() {
    let cluster = cluster();
    let receiver = Receiver::start();
    let router = Router::start(config(&cluster, "").webhook("hook", &receiver.url(), "")).await;
    let first = send(&router, 40, 0).await;
    receiver.until_taken(&first).await;
    let (partition, record) = cluster.record(TOPIC, PARTITIONS);
    let offset = cluster.produce(TOPIC, partition, &newer(record));
    until("an operator sees it", 20, async || {
        let ready = router.get("/ready").await.text;
        ready.contains(&format!("is blocked at offset {offset} of partition {partition}"))
    })
    .await;
    let second = send(&router, 40, 1).await;
    // A user has one event in each round, so that as many are behind that record as are before it.
    let free = 40 - offset;
    let arrived = || second.iter().filter(|id| receiver.taken_ids().contains(id)).count() as i64;
    until("the other partitions go on", 20, async || arrived() == free).await;
    until("all but what is blocked is settled", 20, async || {
        cluster.committed("opentrack.hook", TOPIC, PARTITIONS) == 40 + free
    })
    .await;
    assert_eq!(cluster.mark("opentrack.hook", TOPIC, partition), offset);
    assert_eq!(arrived(), free, "what comes after it in its partition waits");
    until("the share is told", 20, async || {
        metric(&router, "opentrack_journal_partitions_blocked").await == 1
    })
    .await;
    assert!(router.log().contains("a router of a newer version wrote offset"), "{}", router.log());
}

/// Returns a record as a router would write it whose version nobody knows yet: length, checksum, version, and so on.
fn newer(mut record: Vec<u8>) -> Vec<u8> {
    record[8] = 200;
    let mut sum = crc32fast::Hasher::new();
    sum.update(&record[8..]);
    // The position of a record that stands alone.
    sum.update(&0_u64.to_le_bytes());
    record[4..8].copy_from_slice(&sum.finalize().to_le_bytes());
    record
}

#[tokio::test]
async fn a_record_that_is_damaged_is_passed_over_loudly() {
    let cluster = cluster();
    let receiver = Receiver::start();
    let router = Router::start(config(&cluster, "").webhook("hook", &receiver.url(), "")).await;
    until_held(&router, 4).await;
    cluster.produce(TOPIC, 1, b"nothing that a router writes");
    let ids = send(&router, 40, 0).await;
    receiver.until_taken(&ids).await;
    until("it is said", 20, async || {
        router.log().contains("offset 0 of partition 1 is no event of a router, or damaged")
            && metric(&router, "opentrack_journal_foreign_records_total").await == 1
    })
    .await;
}

#[tokio::test]
async fn a_full_spool_serves_a_destination_that_comes() {
    let cluster = cluster();
    let slow = Receiver::scripted(|_| Reply::Status(503));
    let late = Receiver::start();
    let small = with_journal(&cluster, "max_bytes = \"1MiB\"", "").webhook("slow", &slow.url(), "");
    let mut router = Router::start(small.clone()).await;
    let mut ids = Vec::new();
    for n in 0..25 {
        ids.extend(send(&router, 300, n).await);
    }
    until("the spool is full", 20, async || router.log().contains("events wait in the topic")).await;
    router.reconfigure(small.webhook("late", &late.url(), "start = \"beginning\"\n")).await;
    until("the new one is served", 60, async || !late.taken_ids().is_empty()).await;
    slow.recover();
    slow.until_taken(&ids).await;
    late.until_taken(&ids).await;
    assert_eq!(disordered(&late), Vec::<String>::new());
    assert_eq!(repeated(&late), Vec::<String>::new());
    assert_eq!(repeated(&slow), Vec::<String>::new());
}

#[tokio::test]
async fn an_event_that_the_topic_does_not_admit_is_refused_for_good_and_others_are_taken() {
    let cluster = cluster();
    let receiver = Receiver::start();
    let router = Router::start(config(&cluster, "").webhook("hook", &receiver.url(), "")).await;
    let before = send(&router, 20, 0).await;
    receiver.until_taken(&before).await;
    let too_large = RDKafkaRespErr::RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE;
    cluster.answer_next(RDKafkaApiKey::Produce, &[too_large]);
    router.post("/v1/track", &track("u1", 1)).await.expect_error(400, "too_large");
    // A batch of the library that is too large as a whole holds events that are not.
    cluster.answer_next(RDKafkaApiKey::Produce, &[too_large]);
    let events = round(20, 2);
    router.post("/v1/batch", &batch(&events)).await.expect_success();
    receiver.until_taken(&ids_of(&events)).await;
}

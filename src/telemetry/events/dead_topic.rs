//! Events of the topic through which routers share dead letters.

use tracing::{info, warn};

/// The topic does not do what is asked of it. Told once, until it does.
#[derive(Debug, Clone, Copy)]
pub struct DeadTopicSilent<'a> {
    /// Its name.
    pub topic: &'a str,
    /// Whether it cannot be read; otherwise it cannot be written.
    pub reading: bool,
    /// The library's words.
    pub why: &'a str,
}

impl DeadTopicSilent<'_> {
    /// Writes the line.
    pub fn emit(&self) {
        let (topic, why) = (self.topic, self.why);
        let what = if self.reading {
            "cannot read dead letters of other routers"
        } else {
            "dead letters are kept here and it is tried again, they cannot be shared"
        };
        warn!(topic, "{what}: topic `{topic}`: {why}");
    }
}

/// The topic does what is asked of it again.
#[derive(Debug, Clone, Copy)]
pub struct DeadTopicHeard<'a> {
    /// Its name.
    pub topic: &'a str,
    /// Records that had waited.
    pub records: usize,
}

impl DeadTopicHeard<'_> {
    /// Writes the line.
    pub fn emit(&self) {
        let (topic, records) = (self.topic, self.records);
        info!(
            topic,
            records,
            "dead letters are shared in topic `{topic}` again, {records} records that had waited with them"
        );
    }
}

/// Letters stay on this router alone, since brokers will never take them.
#[derive(Debug, Clone, Copy)]
pub struct LettersNotShared<'a> {
    /// The topic.
    pub topic: &'a str,
    /// How many.
    pub count: usize,
    /// The brokers' words.
    pub why: &'a str,
}

impl LettersNotShared<'_> {
    /// Writes the line.
    pub fn emit(&self) {
        let (topic, count, why) = (self.topic, self.count, self.why);
        warn!(
            topic,
            count,
            "{count} dead letters are listed by this router alone, topic `{topic}` does not take them: {why}"
        );
    }
}

/// A record of the topic is no dead letter.
#[derive(Debug, Clone, Copy)]
pub struct OddDeadRecord<'a> {
    /// The topic.
    pub topic: &'a str,
    /// Its offset.
    pub offset: i64,
}

impl OddDeadRecord<'_> {
    /// Writes the line.
    pub fn emit(&self) {
        let (topic, offset) = (self.topic, self.offset);
        warn!(topic, offset, "passed over record {offset} of topic `{topic}`: it is no dead letter");
    }
}

//! When tables were last looked at before events were refused for what they lack: their owner may have repaired them since
//! they were read. Pure.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;

use super::propagation::between;

/// How long a look takes when all is well: doubted tables are read once a second.
const TAKES: Duration = Duration::from_millis(2_500);

/// How long what was seen counts.
const COUNTS_FOR: Duration = Duration::from_secs(60);

/// Most tables that are remembered; events of others are refused without a look.
const MOST_TABLES: usize = 1_000;

/// By table: when a look was asked for. Bounded.
#[derive(Debug, Default)]
pub(super) struct Looks(BTreeMap<String, Timestamp>);

impl Looks {
    /// Returns how long an event is to wait for a look at a table before it is refused; `None` when one was had.
    pub(super) fn wait(&mut self, table: &str, now: Timestamp) -> Option<Duration> {
        let age = self.0.get(table).map(|asked| between(*asked, now));
        if let Some(age) = age.filter(|age| *age < COUNTS_FOR) {
            return TAKES.checked_sub(age).filter(|wait| !wait.is_zero());
        }
        if self.0.len() >= MOST_TABLES {
            self.0.retain(|_, asked| between(*asked, now) < COUNTS_FOR);
        }
        if self.0.len() >= MOST_TABLES {
            return None;
        }
        self.0.insert(table.to_owned(), now);
        Some(TAKES)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(seconds).unwrap()
    }

    #[test]
    fn a_table_is_looked_at_before_events_are_refused_and_again_after_a_minute() {
        let mut looks = Looks::default();
        assert_eq!(looks.wait("t", at(0)), Some(TAKES));
        assert_eq!(looks.wait("t", at(1)), Some(Duration::from_millis(1_500)));
        assert_eq!(looks.wait("t", at(3)), None);
        assert_eq!(looks.wait("u", at(3)), Some(TAKES), "every table on its own");
        assert_eq!(looks.wait("t", at(59)), None);
        assert_eq!(looks.wait("t", at(60)), Some(TAKES));
    }

    #[test]
    fn a_stream_that_invents_tables_is_refused_at_once_in_the_end() {
        let mut looks = Looks::default();
        assert!((0..MOST_TABLES).all(|table| looks.wait(&table.to_string(), at(0)).is_some()));
        assert_eq!(looks.wait("one more", at(1)), None);
        assert_eq!(looks.wait("one more", at(61)), Some(TAKES));
    }
}

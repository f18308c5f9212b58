//! What must hold for any event's tables and columns: for fuzzers, and for what fuzzers once found.
//!
//! Not in the router that is published. A check fails by a panic.

use std::sync::Arc;

use bytes::Bytes;

use super::{Dialect, FittedRow, Guards, Mapper, OnTypeConflict, Schema, Sink, WidenTo};
use crate::spec::{Arrival, Endpoint, Event, Kind, Limits, read};

/// The longest names, and what is refused, where stores differ most.
const DIALECTS: [Dialect; 3] = [
    Dialect::PLAIN,
    Dialect { max_name: 63, reserved_tables: &["pg_"], timestamps: true, ..Dialect::PLAIN },
    Dialect {
        max_name: 300,
        refused_columns: &["_table_", "_file_", "_partition"],
        timestamps: true,
        ..Dialect::PLAIN
    },
];
/// Plans that an event may need before its table fits it.
const ROUNDS: usize = 4;

/// Takes what it is given.
struct Anything;

impl Sink for Anything {
    fn rows(&mut self, _: usize, _: Vec<FittedRow<'_>>) {}

    fn refuse(&mut self, _: usize, _: String) {}
}

/// Reads `bytes` as a track call and has its tables planned until nothing is lacking, which must come soon; every name is one
/// that needs no quotes.
pub fn planner(bytes: &[u8]) {
    let events = events(bytes);
    if events.is_empty() {
        return;
    }
    for dialect in DIALECTS {
        let guards = Guards {
            on_type_conflict: OnTypeConflict::Widen,
            widen_to: WidenTo::Float64,
            max_columns_per_table: 40,
            max_new_columns_per_event: 30,
            max_tables: 10,
        };
        let mut mapper = Mapper::new(dialect, guards, 5);
        let mut schema = Schema::default();
        let mut rounds = 0;
        loop {
            let lacking = mapper.map(&events, Arc::new(schema.clone()), &mut Anything);
            if lacking.is_empty() {
                break;
            }
            schema = schema.with(&lacking);
            rounds += 1;
            assert!(rounds < ROUNDS, "a change is asked for again and again");
        }
        for (name, table) in &schema.tables {
            let columns = table.columns.keys();
            columns.chain([name]).for_each(|name| expect_plain(name, &dialect));
        }
    }
}

fn events(bytes: &[u8]) -> Vec<Arc<Event>> {
    let Ok(envelope) = read(Bytes::copy_from_slice(bytes), Endpoint::One(Kind::Track)) else {
        return Vec::new();
    };
    let arrival = Arrival {
        received_at: jiff::Timestamp::constant(1_795_000_000, 0),
        source: Arc::from("fuzz"),
        ip: None,
        client_side: false,
        signals: Default::default(),
    };
    let believed = envelope.believe(&arrival, &Limits { max_event_bytes: 1 << 20 });
    believed.events.into_iter().map(Arc::new).collect()
}

fn expect_plain(name: &str, dialect: &Dialect) {
    let is_plain =
        name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_');
    let begins_well = !name.starts_with(|first: char| first.is_ascii_digit());
    let is_sound = is_plain && begins_well && !name.is_empty() && name.len() <= dialect.max_name;
    assert!(is_sound, "`{name}` is no name for {dialect:?}");
}

//! One struct per thing that can happen; `emit` writes its log line and its metrics.
//!
//! Nobody else touches a metric, so a name or a label changes in one place. Events are emitted per request, commit or
//! batch, never per customer event. Fields are identifiers, counts and words from closed lists: never bodies, traits,
//! addresses or keys.

mod dead_topic;
mod delivery;
mod door;
mod intake;
mod journal;
mod letters;
mod library;
mod life;
mod live;
mod orders;
mod pool;
mod privacy;
mod process;
mod projections;
mod reload;
mod rows;
mod schema;
mod shares;
mod space;
mod supervision;
#[cfg(test)]
mod tests;
mod traces;
mod values;

use std::time::Duration;

pub use dead_topic::{DeadTopicHeard, DeadTopicSilent, LettersNotShared, OddDeadRecord};
pub use delivery::{
    AttemptFailed, BacklogMeasured, BatchSent, BreakerChanged, DestinationHeld, DestinationReleased,
    EventsBuried, EventsDelivered, EventsLost, EventsSkipped,
};
pub use door::{
    AuditUnwritten, ConnectionRefused, ConnectionsBounded, DoorMeasured, DoorOpened, OperatorActed,
    PlacesOpened, PlacesUnreadable, ProxyUnknown, RequestAnswered, StatesSeen,
};
pub use intake::{EventsAccepted, EventsDuplicate, EventsRejected, EventsUnwanted, PixelRefused};
pub use journal::{CommitDone, CommitFailed, JournalOpened, RecordsRetired};
pub use letters::{LettersCounted, LettersEnded};
pub use library::LibrarySaid;
pub use life::{DataOpenToAll, NobodyThere, Stopped, Stopping, Trouble};
pub use live::{FramesMissed, ListenersCounted, VisitorsCounted};
pub use orders::{OperatorOrdered, ReplayBegun, ReplayEnded};
pub use pool::{CharactersDropped, LiveTablesOff, NameTaken, PoolMeasured};
pub use privacy::{EventsSuppressed, Regulated, RegulationDone, RegulationsCounted};
pub use process::{ProcessMeasured, ReadinessSeen};
pub use projections::{ProjectionAdvanced, ProjectionCurrent, ReportsTooOld};
pub use reload::{
    ConfigApplied, ConfigRefused, ConfigUnchanged, ConfigWaits, ConfigWarning, DestinationStopped,
};
pub use rows::{
    CircuitChanged, OldestRow, RowWaited, RowsRefused, RowsSent, RowsSettled, SchemaGuarded,
    StreamingRefused, TypeConflict,
};
pub use schema::{SchemaChanged, SchemaMeasured, SchemaRefused};
pub use shares::{
    EventsTooLarge, ForeignRecord, JournalLibrarySaid, JournalTopicMissing, NewerRecord, OffsetsBegunAnew,
    PartitionsMoved, ShareMeasured, SpoolWaits,
};
pub use space::{BacklogDropped, RecordsDropped, SpaceMeasured};
pub use supervision::{ChildParked, ChildRestarted, ChildUnparked, Recovered};
pub use traces::{AppendTraced, AttemptTraced, RequestTraced, SpansLost, SpansSent};
pub use values::ValuesTruncated;

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

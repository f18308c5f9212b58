//! Patience: mailboxes, timers, supervision. Every actor is a shell around a pure machine of [`crate::policy`].
//!
//! ```text
//! http ──Accept──▶ Supervisor ──Append──▶ JournalWriter ──Appended──▶ Supervisor ──Wake──▶ Delivery × n
//!                                                                        Delivery ──ChangeSchema──▶ SchemaManager
//! journal ◀──reads── Projector × n ──Publish──▶ Broadcaster ◀──Subscribe── http
//! JournalWriter, Delivery ──Tapped, while somebody watches──▶ Tap ◀──Watch── http
//! ```
//! Data waits in the journal; mailboxes carry small messages and never grow.

pub mod broadcaster;
pub mod delivery;
pub mod exit_guard;
pub mod follower;
pub mod glimpses;
pub mod journal_writer;
pub mod messages;
pub mod projector;
pub mod realtime;
pub mod registrar;
pub mod schema_manager;
pub mod supervisor;
pub mod tap;

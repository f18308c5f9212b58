//! The Segment surface over the wire: what SDKs send, and what nobody should.

mod auth;
mod hostile;
mod images;
mod pressure;
mod shapes;
mod verdicts;

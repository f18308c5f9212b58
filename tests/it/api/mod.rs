//! The Segment surface over the wire: what SDKs send, and what nobody should.

mod auth;
mod document;
mod hostile;
mod images;
mod pressure;
mod shapes;
mod verdicts;

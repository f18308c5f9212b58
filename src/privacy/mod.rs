//! What people may ask of us: not to be heard of any more, to be forgotten, and to know what is kept of them.
//!
//! Separate because it concerns everything that keeps something, and none of it may know the others. What is wished, how far it
//! is carried out, and who is suppressed is kept here, durably; carrying it out is the registrar's. Never keeps an id longer than
//! its erasure takes: afterwards there is the HMAC of it, a time and counts.

pub mod register;
pub mod regulation;
pub mod suppression;

pub use register::Register;
pub use regulation::{Regulation, Shown, Status, StoreState, StoreStatus, Wish};
pub use suppression::{Suppression, Unenforced};

//! Meta's Conversions API end to end: the real router, and `opentrack mock meta_capi` as a process of its own.

mod arrives;
mod asked;
mod errors;
mod scene;

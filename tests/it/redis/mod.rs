//! The shared live numbers end to end: the real binary and a real Redis.

mod forgotten;
mod kept;
mod keys;
mod presence;
mod proxy;
mod scene;
mod shared;
mod shop;
mod trouble;

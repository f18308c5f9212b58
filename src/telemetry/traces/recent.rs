//! Which request brought an event, for the newest events that were traced: bounded, and forgotten in the order in which it came.

use std::collections::{HashMap, VecDeque};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Mutex, PoisonError};

use super::Context;

/// Events that are remembered; a delivery that is further behind names no request.
const MOST: usize = 8192;
/// Events of one request that are remembered: batches do not push each other out.
const MOST_OF_ONE: usize = 64;

#[derive(Debug, Default)]
pub(super) struct Recent(Mutex<Inner>);

#[derive(Debug, Default)]
struct Inner {
    requests: HashMap<u64, Context>,
    order: VecDeque<u64>,
}

impl Recent {
    pub(super) fn remember<'a>(&self, context: Context, message_ids: impl Iterator<Item = &'a str>) {
        let mut inner = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for key in message_ids.take(MOST_OF_ONE).map(hash) {
            if inner.requests.insert(key, context).is_none() {
                inner.order.push_back(key);
            }
        }
        while inner.order.len() > MOST {
            if let Some(oldest) = inner.order.pop_front() {
                inner.requests.remove(&oldest);
            }
        }
    }

    pub(super) fn find<'a>(&self, message_ids: impl Iterator<Item = &'a str>, most: usize) -> Vec<Context> {
        let inner = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut found: Vec<Context> = Vec::new();
        if inner.requests.is_empty() {
            return found;
        }
        for context in message_ids.filter_map(|id| inner.requests.get(&hash(id))) {
            if !found.contains(context) {
                found.push(*context);
            }
            if found.len() == most {
                break;
            }
        }
        found
    }
}

fn hash(message_id: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    message_id.hash(&mut hasher);
    hasher.finish()
}

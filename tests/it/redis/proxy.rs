//! A way to a Redis on which an answer can be lost: the script has run, and nobody hears of it.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use crate::support::Site;

#[derive(Default)]
struct Shared {
    /// Answers that are still to be lost.
    to_lose: AtomicUsize,
    lost: AtomicUsize,
    over: AtomicBool,
}

/// The way; it ends when dropped.
pub(super) struct LossyWay {
    port: u16,
    shared: Arc<Shared>,
}

impl LossyWay {
    /// Opens a way to this Redis.
    pub(super) fn open(to: &Site) -> LossyWay {
        let server = to.url.strip_prefix("redis://").expect("an address").to_owned();
        let listener = TcpListener::bind("127.0.0.1:0").expect("a loopback port can be bound");
        let port = listener.local_addr().expect("a bound socket has an address").port();
        let shared = Arc::new(Shared::default());
        let for_thread = Arc::clone(&shared);
        std::thread::spawn(move || accept(&listener, &server, &for_thread));
        LossyWay { port, shared }
    }

    pub(super) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// Loses the answers to the next `count` calls of a script, and the connections with them.
    pub(super) fn lose(&self, count: usize) {
        self.shared.to_lose.store(count, Ordering::SeqCst);
    }

    /// Returns how many answers were lost so far.
    pub(super) fn lost(&self) -> usize {
        self.shared.lost.load(Ordering::SeqCst)
    }
}

impl Drop for LossyWay {
    fn drop(&mut self) {
        self.shared.over.store(true, Ordering::SeqCst);
        TcpStream::connect(("127.0.0.1", self.port)).ok();
    }
}

fn accept(listener: &TcpListener, server: &str, shared: &Arc<Shared>) {
    for client in listener.incoming() {
        if shared.over.load(Ordering::SeqCst) {
            return;
        }
        if let (Ok(client), Ok(server)) = (client, TcpStream::connect(server)) {
            carry(client, server, Arc::clone(shared));
        }
    }
}

fn carry(client: TcpStream, server: TcpStream, shared: Arc<Shared>) {
    let is_called = Arc::new(AtomicBool::new(false));
    let (Ok(from_client), Ok(to_server)) = (client.try_clone(), server.try_clone()) else { return };
    let calls = Arc::clone(&is_called);
    std::thread::spawn(move || {
        pump(from_client, to_server, |bytes| {
            if bytes.windows(7).any(|part| part == b"EVALSHA") {
                calls.store(true, Ordering::SeqCst);
            }
            true
        });
    });
    std::thread::spawn(move || {
        pump(server, client, |_| {
            let take = |left: usize| left.checked_sub(1);
            let is_lost = is_called.swap(false, Ordering::SeqCst)
                && shared.to_lose.fetch_update(Ordering::SeqCst, Ordering::SeqCst, take).is_ok();
            if is_lost {
                shared.lost.fetch_add(1, Ordering::SeqCst);
            }
            !is_lost
        });
    });
}

/// Carries bytes until one side ends, or until they are not to be carried.
fn pump(mut from: TcpStream, mut to: TcpStream, mut may_pass: impl FnMut(&[u8]) -> bool) {
    let mut buffer = vec![0; 64 * 1024];
    while let Ok(read @ 1..) = from.read(&mut buffer) {
        if !may_pass(&buffer[..read]) || to.write_all(&buffer[..read]).is_err() {
            break;
        }
    }
    from.shutdown(Shutdown::Both).ok();
    to.shutdown(Shutdown::Both).ok();
}

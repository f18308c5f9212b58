//! What the server's answer means for each event: the closed table of Redis's error codes. Pure.
//!
//! A call of the script happens as a whole or not at all, so all its events have one fate. Codes are the first word of an
//! error (<https://redis.io/docs/latest/develop/reference/protocol-spec/#simple-errors>); Redis 6 wraps those of a script's
//! commands into a sentence, in which they are looked for.

use crate::destinations::kit::answers;
use crate::destinations::reply::words;
use crate::destinations::{FailureKind, Reply};
use crate::policy::outcome::{Fault, Outcome, Reason};

/// Codes that are looked for in the sentence of a script's error.
const CODES: [&str; 13] = [
    "NOPERM", "WRONGTYPE", "OOM", "READONLY", "MISCONF", "MASTERDOWN", "NOREPLICAS", "CLUSTERDOWN", "CROSSSLOT", "MOVED",
    "ASK", "TRYAGAIN", "LOADING",
];

/// What an error says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Meaning {
    /// It passes.
    Passing(Reason),
    /// It passes when another server is asked: this one only reads.
    Elsewhere,
    /// Somebody must repair the server or our settings.
    Repair(Reason),
    /// Nothing that we know of: it may be about an event.
    Unknown,
}

/// Returns what an error of the server says, as it wrote it: `CODE words`.
pub(super) fn meaning(said: &str) -> Meaning {
    let code = said.split_ascii_whitespace().next().unwrap_or_default();
    match of_code(code) {
        Meaning::Unknown => of_sentence(said),
        known => known,
    }
}

fn of_code(code: &str) -> Meaning {
    match code {
        "LOADING" | "BUSY" | "TRYAGAIN" | "CLUSTERDOWN" | "MASTERDOWN" | "NOREPLICAS" | "UNKILLABLE" => {
            Meaning::Passing(Reason::ServerError)
        }
        // Its disk is full or broken, and it takes no write that it could not save.
        "MISCONF" => Meaning::Passing(Reason::ServerError),
        "READONLY" => Meaning::Elsewhere,
        "NOAUTH" | "WRONGPASS" => Meaning::Repair(Reason::Unauthorized),
        "NOPERM" | "DENIED" | "-DENIED" => Meaning::Repair(Reason::Forbidden),
        // A node of a cluster that others share the keys with.
        "MOVED" | "ASK" | "CROSSSLOT" => Meaning::Repair(Reason::Redirect),
        "OOM" => Meaning::Repair(Reason::Store),
        // Somebody else's key has our name.
        "WRONGTYPE" => Meaning::Repair(Reason::Rejected),
        _ => Meaning::Unknown,
    }
}

fn of_sentence(said: &str) -> Meaning {
    let has = |part: &str| said.contains(part);
    match () {
        () if has("max number of clients") => Meaning::Passing(Reason::Throttled),
        // Who has not signed in may not even send much.
        () if has("unauthenticated") || has("without any password configured") => Meaning::Repair(Reason::Unauthorized),
        () if has("DB index") => Meaning::Repair(Reason::NotFound),
        () if has("executing the script can't") || has("can't access at least one of the keys") => Meaning::Repair(Reason::Forbidden),
        () if has("unknown command") => Meaning::Repair(Reason::Rejected),
        () if has("script") => {
            let word = said.split(|letter: char| !letter.is_ascii_uppercase()).find(|word| CODES.contains(word));
            word.map_or(Meaning::Unknown, of_code)
        }
        () => Meaning::Unknown,
    }
}

/// Returns one outcome per event.
pub(super) fn judge(events: usize, reply: &Reply) -> Vec<Outcome> {
    let outcome = match reply {
        Reply::Failed(failure) if failure.kind == FailureKind::Store => of_words(&failure.message, events),
        other => answers::of_reply(other, events),
    };
    vec![outcome; events]
}

fn of_words(said: &str, events: usize) -> Outcome {
    let fault = |reason| Fault::new(reason, None, words(said));
    match meaning(said) {
        Meaning::Passing(Reason::Throttled) => Outcome::Throttled { wait: None, fault: fault(Reason::Throttled) },
        Meaning::Passing(reason) => Outcome::Transient(fault(reason)),
        Meaning::Elsewhere => Outcome::Transient(fault(Reason::ServerError)),
        Meaning::Repair(reason) => Outcome::Broken(fault(reason)),
        Meaning::Unknown if said.contains("script") => answers::refused(fault(Reason::Rejected), events),
        Meaning::Unknown => Outcome::Transient(fault(Reason::Store)),
    }
}

/// Returns what to do about an error, to be read after the server's words.
pub(super) fn advice(said: &str) -> &'static str {
    match meaning(said) {
        Meaning::Repair(Reason::Unauthorized) => "; check user and password in `url`",
        Meaning::Repair(Reason::Forbidden) => "; the user needs: ACL SETUSER name ~ot:* +@read +@write +@scripting +ping +select",
        Meaning::Repair(Reason::Redirect) => "; this is a node of a cluster: name a server or a proxy that holds all keys",
        Meaning::Repair(Reason::Store) => "; raise maxmemory of the server, or give it to nobody else",
        Meaning::Repair(Reason::NotFound) => "; name a database in `url` that the server has, most have 0 to 15",
        Meaning::Elsewhere => "; this server only reads: name the primary in `url`",
        Meaning::Repair(_) | Meaning::Passing(_) | Meaning::Unknown => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::destinations::kit::testing::word;

    fn outcome(said: &str, events: usize) -> String {
        word(&judge(events, &Reply::failed(FailureKind::Store, said)).remove(0))
    }

    #[test]
    fn every_code_has_its_meaning_also_in_the_sentence_of_a_script() {
        for (said, wanted) in [
            ("LOADING Redis is loading the dataset in memory", "transient server_error"),
            ("BUSY Redis is busy running a script", "transient server_error"),
            ("MISCONF Redis is configured to save RDB snapshots", "transient server_error"),
            ("READONLY You can't write against a read only replica.", "transient server_error"),
            ("ERR max number of clients reached", "throttled throttled"),
            ("NOAUTH Authentication required.", "broken unauthorized"),
            ("WRONGPASS invalid username-password pair or user is disabled.", "broken unauthorized"),
            ("ERR Protocol error: unauthenticated multibulk length", "broken unauthorized"),
            ("ERR AUTH <password> called without any password configured", "broken unauthorized"),
            ("NOPERM this user has no permissions to run the 'evalsha' command", "broken forbidden"),
            ("ERR The user executing the script can't run this command or subcommand script: f1", "broken forbidden"),
            ("ERR DB index is out of range", "broken not_found"),
            ("OOM command not allowed when used memory > 'maxmemory'. script: f1", "broken store"),
            ("WRONGTYPE Operation against a key holding the wrong kind of value script: f1", "broken rejected"),
            ("MOVED 3999 127.0.0.1:6381", "broken redirect"),
            ("ERR unknown command 'EVALSHA'", "broken rejected"),
            ("ERR Error running script (call to f_1): @user_script:3: WRONGTYPE Operation against a key", "broken rejected"),
            ("ERR Error running script (call to f_1): @user_script:3: -OOM command not allowed", "broken store"),
            ("ERR user_script:3: something of ours script: f1", "suspect rejected"),
            ("ERR something new", "transient store"),
        ] {
            assert_eq!(outcome(said, 2), wanted, "{said}");
        }
        assert_eq!(outcome("ERR user_script:3: something of ours script: f1", 1), "refused rejected");
    }
}

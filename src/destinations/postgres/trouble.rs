//! Names what went wrong on the way to the server or there, in words that say what to do. Never with a password or with a
//! row: of what the server says only the sentence, the table, the column and the constraint are kept.

use std::error::Error as StdError;
use std::io;

use tokio_postgres::Error;
use tokio_postgres::error::DbError;

use super::super::reply::words;
use super::super::{Failure, FailureKind};

/// How the system's resolver begins its words; the kind of its error says nothing.
const UNRESOLVED: &str = "failed to lookup address information";

/// Returns the failure that an error of the library is; `schema` is named in what to do.
pub(super) fn failure(error: &Error, schema: &str) -> Failure {
    if let Some(said) = error.as_db_error() {
        return Failure { kind: FailureKind::Store, message: said_by_server(said, schema) };
    }
    let kind = kind_of(error);
    let chain: Vec<String> = chain(error).map(ToString::to_string).collect();
    let message = match kind {
        FailureKind::Credentials => format!("{}: check user and password in `url`", chain.join(": ")),
        _ => chain.join(": "),
    };
    Failure { kind, message: words(&message) }
}

fn said_by_server(said: &DbError, schema: &str) -> String {
    let code = said.code().code();
    let places = [("table", said.table()), ("column", said.column()), ("constraint", said.constraint())];
    let places: Vec<String> =
        places.into_iter().filter_map(|(what, name)| Some(format!("{what} `{}`", name?))).collect();
    let place = if places.is_empty() { String::new() } else { format!(" ({})", places.join(", ")) };
    format!("{code}: {}{place}{}", words(said.message()), advice(code, schema))
}

/// Returns what to do about a code, to be read after the server's words.
fn advice(code: &str, schema: &str) -> String {
    match code {
        "28P01" | "28000" => "; check user and password in `url`, and pg_hba.conf of the server".to_owned(),
        "3D000" => "; make the database, or name another one in `url`".to_owned(),
        "42501" => format!(
            "; as its owner run: GRANT USAGE, CREATE ON SCHEMA \"{schema}\" TO the role of `url`; GRANT SELECT, INSERT, UPDATE \
             ON ALL TABLES IN SCHEMA \"{schema}\" TO it; columns are added by the table's owner alone"
        ),
        "42P10" => "; the table needs a unique index on \"id\" alone".to_owned(),
        "25006" => "; this server only reads: name the primary in `url`, or all with target_session_attrs=read-write".to_owned(),
        "53300" => "; raise max_connections of the server, or lower `concurrency`".to_owned(),
        _ => String::new(),
    }
}

fn kind_of(error: &Error) -> FailureKind {
    let said = error.to_string();
    if said.contains("TLS") {
        return FailureKind::Tls;
    }
    if said.starts_with("authentication error") || said.starts_with("invalid configuration") {
        return FailureKind::Credentials;
    }
    let of_io = |cause: &(dyn StdError + 'static)| {
        let cause = cause.downcast_ref::<io::Error>()?;
        match cause.kind() {
            io::ErrorKind::TimedOut => Some(FailureKind::Timeout),
            _ if cause.to_string().contains(UNRESOLVED) => Some(FailureKind::Dns),
            _ => Some(FailureKind::Connection),
        }
    };
    chain(error).find_map(of_io).unwrap_or(FailureKind::Connection)
}

fn chain<'a>(error: &'a (dyn StdError + 'static)) -> impl Iterator<Item = &'a (dyn StdError + 'static)> {
    std::iter::successors(Some(error), |&error| error.source())
}

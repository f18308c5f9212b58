//! What PostgreSQL's error codes mean for rows: the table of this destination. Pure.
//!
//! Codes: <https://www.postgresql.org/docs/current/errcodes-appendix.html>. They come as the first five characters of a
//! failure's message, where `trouble` puts them.

use crate::policy::outcome::Reason;

/// What an error is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Class {
    /// It passes by itself.
    Passing(Reason),
    /// One of the rows.
    Row,
    /// The tables are not what we thought: a look at them helps.
    Schema,
    /// The table takes no more columns.
    Full,
    /// Somebody has to repair something.
    Repair(Reason),
}

/// Returns the code that a message begins with.
pub(super) fn code_of(message: &str) -> Option<&str> {
    let (code, _) = message.split_once(':')?;
    let is_code = code.len() == 5 && code.bytes().all(|byte| byte.is_ascii_digit() || byte.is_ascii_uppercase());
    is_code.then_some(code)
}

/// Returns what the code means; one that nobody has thought of is tried again.
pub(super) fn class(code: &str) -> Class {
    match code {
        // A statement that took too long, or was ended by an administrator.
        "57014" => Class::Passing(Reason::Timeout),
        // Indexes and rows have a largest size, which one row is beyond; too many columns are another thing.
        "54011" => Class::Full,
        "54000" => Class::Row,
        // A table or column is gone, a column has another type.
        "42P01" | "42703" | "42804" | "42846" => Class::Schema,
        "42501" => Class::Repair(Reason::Forbidden),
        "3D000" | "3F000" => Class::Repair(Reason::NotFound),
        // A server that only reads may be a former primary: whoever runs it knows.
        "25006" => Class::Repair(Reason::Store),
        // Raised by somebody's trigger, or by the check of a view: about what the row says.
        "P0001" | "44000" => Class::Row,
        _ => by_group(code),
    }
}

fn by_group(code: &str) -> Class {
    match code.get(..2).unwrap_or_default() {
        "08" => Class::Passing(Reason::Connection),
        "22" | "23" => Class::Row,
        "28" => Class::Repair(Reason::Unauthorized),
        "0A" | "42" => Class::Repair(Reason::Store),
        // 40001 and 40P01, 53xxx, 55P03, 57P01 to 57P03, 58030, XX000 and what is still to be invented.
        _ => Class::Passing(Reason::ServerError),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_of_the_table_has_its_class() {
        let passing = ["08000", "08006", "40001", "40P01", "53100", "53200", "53300", "55P03", "57014", "57P01", "57P02", "57P03", "58030", "XX000"];
        assert!(passing.iter().all(|code| matches!(class(code), Class::Passing(_))));
        for code in ["22001", "22003", "22P02", "22P05", "23502", "23505", "23514", "54000", "P0001"] {
            assert_eq!(class(code), Class::Row, "{code}");
        }
        for code in ["42P01", "42703"] {
            assert_eq!(class(code), Class::Schema, "{code}");
        }
        for (code, reason) in [
            ("28000", Reason::Unauthorized),
            ("28P01", Reason::Unauthorized),
            ("3D000", Reason::NotFound),
            ("42501", Reason::Forbidden),
            ("42P10", Reason::Store),
            ("0A000", Reason::Store),
            ("25006", Reason::Store),
        ] {
            assert_eq!(class(code), Class::Repair(reason), "{code}");
        }
    }

    #[test]
    fn a_code_is_found_only_at_the_beginning() {
        assert_eq!(code_of("23505: duplicate key"), Some("23505"));
        for message in ["no code", "12: x", "abcde: x", "", "2350é: x"] {
            assert_eq!(code_of(message), None, "{message}");
        }
    }
}

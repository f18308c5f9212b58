//! What ClickHouse's errors are about. Pure.
//!
//! Every error begins with `Code: N`, the same number in all versions: src/Common/ErrorCodes.cpp. The status of the answer
//! says less (nearly all are 500) and is only looked at where there is no code, which is what a proxy says.

/// What an error is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// A row: its values do not fit, or a constraint of the table forbids them.
    Row,
    /// A table, column or database is not what we think it is.
    Schema,
    /// The server is busy, cut off, or waits for another one; it may well have done what it was asked.
    Later,
    /// The server asks for less: too many queries, or a quota.
    TooOften,
    /// The table has too many parts, and needs time to merge them.
    TooManyParts,
    /// The request was too much for its memory.
    Memory,
    /// Who we say we are is not believed.
    Credentials,
    /// We may not do this.
    Rights,
    /// We said something that this server does not understand: a setting, a statement, a type.
    Language,
}

/// Returns the number of the error that a body holds. An error may come after some of an answer.
pub(super) fn code(body: &str) -> Option<u32> {
    let (before, after) = body.split_once("Code: ")?;
    let is_said = before.trim().is_empty() || after.contains("DB::Exception");
    let digits = after.split(|character: char| !character.is_ascii_digit()).next()?;
    digits.parse().ok().filter(|_| is_said)
}

/// Returns the view that refused the rows, when it was not the table itself: `database.view`.
pub(super) fn view(body: &str) -> Option<&str> {
    let (_, after) = body.split_once("while pushing to view ")?;
    after.split([' ', ',', ':', '\n']).next().map(|name| name.trim_end_matches('.')).filter(|name| !name.is_empty())
}

/// Returns whether an error of this number passes by itself, as is known.
pub(super) const fn passes(code: u32) -> bool {
    matches!(code, 159 | 160 | 203 | 209 | 210 | 225 | 236 | 242 | 285 | 286 | 319 | 425 | 439 | 473 | 999..)
}

/// Returns what an error of this number is about. Those that nobody has met pass, or end with the patience of their events.
pub(super) fn kind(code: u32) -> Kind {
    match code {
        6 | 26 | 27 | 33 | 38 | 41 | 53 | 69 | 70 | 72 | 117 | 130 => Kind::Row,
        // NULL in an ordinary column, a UUID, a decimal, a boolean, an address; a constraint of the table.
        349 | 376 | 407 | 467 | 469 | 675 | 676 => Kind::Row,
        8 | 10 | 16 | 47 | 60 | 81 => Kind::Schema,
        201 | 202 => Kind::TooOften,
        252 => Kind::TooManyParts,
        241 => Kind::Memory,
        192..=195 | 516 => Kind::Credentials,
        164 | 291 | 497 => Kind::Rights,
        48 | 50 | 62 | 73 | 115 | 452 => Kind::Language,
        // 159, 160, 203, 209, 210, 225, 236, 242, 285, 286, 319, 425, 439, 473, 999, from 1000 on, and all others.
        _ => Kind::Later,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_view_that_refuses_rows_is_named() {
        for (body, wanted) in [
            ("Code: 6. DB::Exception: Cannot parse: while pushing to view shop.mine (8a-1). (CANNOT_PARSE_TEXT)", Some("shop.mine")),
            ("Code: 6. DB::Exception: x: while pushing to view shop.mine. (X)", Some("shop.mine")),
            ("Code: 6. DB::Exception: x: While executing WaitForAsyncInsert", None),
        ] {
            assert_eq!(view(body), wanted, "{body}");
        }
    }

    #[test]
    fn the_code_is_read_in_the_form_of_every_version() {
        for (body, wanted) in [
            ("Code: 60. DB::Exception: Table d.t does not exist. (UNKNOWN_TABLE)", Some(60)),
            ("Code: 115, e.displayText() = DB::Exception: Unknown setting x, e.what() = DB::Exception", Some(115)),
            ("{\"a\":1}\n__exception__\nCode: 241. DB::Exception: Memory limit", Some(241)),
            ("", None),
            ("Ok.\n", None),
            ("<html>Error Code: 502</html>", None),
            ("Code: none", None),
        ] {
            assert_eq!(code(body), wanted, "{body}");
        }
    }
}

//! BigQuery's words for types, both ways. Pure.
//!
//! What no value of an event fits (lists, records, dates, bytes) is [`ColumnType::Other`]: such a column of a user's own
//! table stays as it is and is never written to.

use crate::warehouse::ColumnType;

/// Returns the word that stands for a type in DDL.
pub(super) const fn word(column_type: ColumnType) -> &'static str {
    match column_type {
        ColumnType::Bool => "BOOL",
        ColumnType::Int => "INT64",
        ColumnType::Float => "FLOAT64",
        ColumnType::Timestamp => "TIMESTAMP",
        ColumnType::Numeric => "NUMERIC",
        ColumnType::Json => "JSON",
        // `Other` is only ever read; nobody asks for such a column.
        ColumnType::Text | ColumnType::Other => "STRING",
    }
}

/// Returns the type of a column that BigQuery describes: `word` as in `INFORMATION_SCHEMA` (`INT64`, `NUMERIC(10, 2)`,
/// `ARRAY<STRING>`) or in the JSON of a table (`INTEGER`, `RECORD`), `mode` as there (`NULLABLE`, `REQUIRED`, `REPEATED`;
/// empty where it is not said).
pub(super) fn understood(word: &str, mode: &str) -> ColumnType {
    if mode.eq_ignore_ascii_case("REPEATED") {
        return ColumnType::Other;
    }
    let bare = word.split('(').next().unwrap_or_default().trim().to_ascii_uppercase();
    match bare.as_str() {
        "BOOL" | "BOOLEAN" => ColumnType::Bool,
        "INT64" | "INTEGER" | "INT" | "SMALLINT" | "BIGINT" | "TINYINT" | "BYTEINT" => ColumnType::Int,
        "FLOAT64" | "FLOAT" => ColumnType::Float,
        "TIMESTAMP" => ColumnType::Timestamp,
        "STRING" => ColumnType::Text,
        "NUMERIC" | "DECIMAL" | "BIGNUMERIC" | "BIGDECIMAL" => ColumnType::Numeric,
        "JSON" => ColumnType::Json,
        _ => ColumnType::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_that_we_write_is_understood() {
        for kind in ColumnType::ALL.into_iter().filter(|kind| *kind != ColumnType::Other) {
            assert_eq!(understood(word(kind), "NULLABLE"), kind, "{kind:?}");
        }
    }

    #[test]
    fn both_spellings_parameters_and_small_letters_are_understood() {
        for (written, kind) in [
            ("INTEGER", ColumnType::Int),
            ("FLOAT", ColumnType::Float),
            ("boolean", ColumnType::Bool),
            ("NUMERIC(10, 2)", ColumnType::Numeric),
            ("BIGNUMERIC", ColumnType::Numeric),
            ("STRING(20)", ColumnType::Text),
        ] {
            assert_eq!(understood(written, ""), kind, "{written}");
        }
    }

    #[test]
    fn what_no_value_fits_is_other() {
        for written in
            ["ARRAY<STRING>", "RECORD", "STRUCT<a INT64>", "DATE", "BYTES", "RANGE<DATE>", "GEOGRAPHY", ""]
        {
            assert_eq!(understood(written, "NULLABLE"), ColumnType::Other, "{written}");
        }
        assert_eq!(understood("STRING", "REPEATED"), ColumnType::Other);
    }
}

//! PostgreSQL's words for the types of columns, and what the types of tables that somebody else made stand for. Pure.

use crate::warehouse::ColumnType;

/// Returns the word that a column of ours is declared with.
pub(super) const fn word(column_type: ColumnType) -> &'static str {
    match column_type {
        ColumnType::Bool => "boolean",
        ColumnType::Int => "bigint",
        ColumnType::Float => "double precision",
        ColumnType::Timestamp => "timestamp with time zone",
        ColumnType::Numeric => "numeric",
        ColumnType::Json => "jsonb",
        ColumnType::Text | ColumnType::Other => "text",
    }
}

/// Returns the type in which values of a column travel. Decimal numbers travel as their digits.
pub(super) const fn wire(column_type: ColumnType) -> &'static str {
    match column_type {
        ColumnType::Bool => "boolean",
        ColumnType::Int => "bigint",
        ColumnType::Float => "double precision",
        ColumnType::Timestamp => "timestamptz",
        ColumnType::Json => "jsonb",
        ColumnType::Numeric | ColumnType::Text | ColumnType::Other => "text",
    }
}

/// Returns what a type of the catalogue (`pg_type.typname`) stands for. A narrow column takes what fits it, and the row is
/// refused otherwise; what no value fits exactly is [`ColumnType::Other`].
pub(super) fn understood(name: &str) -> ColumnType {
    match name {
        "bool" => ColumnType::Bool,
        "int8" | "int4" | "int2" => ColumnType::Int,
        "float8" | "float4" => ColumnType::Float,
        "timestamptz" | "timestamp" => ColumnType::Timestamp,
        "numeric" => ColumnType::Numeric,
        "jsonb" | "json" => ColumnType::Json,
        "text" | "varchar" | "bpchar" | "citext" => ColumnType::Text,
        _ => ColumnType::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_we_declare_is_understood_again() {
        for (kind, name) in [
            (ColumnType::Bool, "bool"),
            (ColumnType::Int, "int8"),
            (ColumnType::Float, "float8"),
            (ColumnType::Timestamp, "timestamptz"),
            (ColumnType::Numeric, "numeric"),
            (ColumnType::Json, "jsonb"),
            (ColumnType::Text, "text"),
        ] {
            assert_eq!(understood(name), kind, "{name} is how the catalogue calls {}", word(kind));
        }
        for name in ["uuid", "date", "bytea", "_text", "inet", "mood"] {
            assert_eq!(understood(name), ColumnType::Other, "{name}");
        }
    }
}

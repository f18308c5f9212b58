//! How far tables are made and changed: a word, or true and false as in the system that this one replaces.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, de};

/// How far tables are made and changed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum AutoTableManagement {
    /// Dataset, tables and columns are made as events bring them.
    #[default]
    Full,
    /// Columns are added to tables that exist.
    ColumnsOnly,
    /// Nothing is changed.
    Off,
}

impl AutoTableManagement {
    /// Returns whether tables may be made.
    pub fn makes_tables(self) -> bool {
        self == AutoTableManagement::Full
    }

    /// Returns whether columns may be added and widened.
    pub fn changes_tables(self) -> bool {
        self != AutoTableManagement::Off
    }
}

impl<'de> Deserialize<'de> for AutoTableManagement {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Words)
    }
}

struct Words;

impl de::Visitor<'_> for Words {
    type Value = AutoTableManagement;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("\"full\", \"columns_only\", \"off\", true or false")
    }

    fn visit_bool<E: de::Error>(self, on: bool) -> Result<AutoTableManagement, E> {
        Ok(if on { AutoTableManagement::Full } else { AutoTableManagement::Off })
    }

    /// Values from the environment arrive as text.
    fn visit_str<E: de::Error>(self, text: &str) -> Result<AutoTableManagement, E> {
        match text {
            "full" | "true" => Ok(AutoTableManagement::Full),
            "columns_only" => Ok(AutoTableManagement::ColumnsOnly),
            "off" | "false" => Ok(AutoTableManagement::Off),
            other => Err(E::invalid_value(de::Unexpected::Str(other), &self)),
        }
    }
}

//! Names of tables and columns: Segment's snake case, made safe for a store.
//!
//! Separate because every warehouse of one customer must agree on the names for ever: a change here renames columns.
//! Never looks at values, and never lets two texts without a single ASCII letter meet in one name.

use std::borrow::Cow;

use sha2::{Digest, Sha256};

use super::schema::ColumnType;

/// The tables that exist from the start; an event's table never has one of these names.
pub const BUILT_IN_TABLES: [&str; 8] =
    ["accounts", "aliases", "groups", "identifies", "pages", "screens", "tracks", "users"];

/// The column that says when a row was sent, in stores whose rows arrive long after their events.
pub const LOADED_AT: &str = "loaded_at";

/// How much of a hash goes into a name: an underscore and eight digits.
const HASH_SUFFIX: usize = 9;

/// What a store asks of names, beside snake case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Dialect {
    /// Most bytes of a name; never below 16.
    pub max_name: usize,
    /// Beginnings of table names that the store keeps for itself.
    pub reserved_tables: &'static [&'static str],
    /// Beginnings of column names that the store refuses, in any case; such a column gets `x` in front.
    pub refused_columns: &'static [&'static str],
    /// Texts that are RFC 3339 instants make columns of instants; where false they stay text, byte for byte.
    pub timestamps: bool,
    /// What `_unmapped` is made as: text, or a type of its own for JSON.
    pub unmapped: ColumnType,
    /// Whether tables have [`LOADED_AT`].
    pub loaded_at: bool,
}

/// Returns the snake form of a text: words of capitals or digits followed by small letters or digits, in small letters,
/// joined with `_`. Every other byte separates. Empty when there is no ASCII letter or digit.
pub fn snake(text: &str) -> Cow<'_, str> {
    if is_snake(text) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 4);
    let mut after_small = true;
    let mut in_word = false;
    for byte in text.bytes() {
        let starts_word = !in_word || (after_small && byte.is_ascii_uppercase());
        in_word = byte.is_ascii_alphanumeric();
        if !in_word {
            continue;
        }
        if starts_word {
            after_small = false;
            if !out.is_empty() {
                out.push('_');
            }
        }
        after_small |= byte.is_ascii_lowercase();
        out.push(char::from(byte.to_ascii_lowercase()));
    }
    Cow::Owned(out)
}

/// Returns true when [`snake`] would change nothing.
pub fn is_snake(text: &str) -> bool {
    let mut before = b'_';
    for byte in text.bytes() {
        let fine = byte.is_ascii_lowercase() || byte.is_ascii_digit() || (byte == b'_' && before != b'_');
        if !fine {
            return false;
        }
        before = byte;
    }
    before != b'_'
}

/// Returns the first eight hex digits of the SHA-256 of a text.
pub fn short_hash(text: &str) -> String {
    let digest = Sha256::digest(text.as_bytes());
    digest.iter().take(4).map(|byte| format!("{byte:02x}")).collect()
}

/// Returns one segment of a column's name: its snake form, or `column_` and a hash.
pub fn segment(key: &str) -> Cow<'_, str> {
    match snake(key) {
        name if name.is_empty() => Cow::Owned(format!("column_{}", short_hash(key))),
        name => name,
    }
}

impl Dialect {
    /// Names of 127 bytes, nothing reserved, and text for what has no type of its own.
    pub const PLAIN: Dialect = Dialect {
        max_name: 127,
        reserved_tables: &[],
        refused_columns: &[],
        timestamps: false,
        unmapped: ColumnType::Text,
        loaded_at: false,
    };

    /// Returns the final form of a column whose segments are already joined with `_`.
    pub fn column(&self, joined: &str) -> String {
        let mut name = with_leading_letter(joined);
        if self.refused_columns.iter().any(|prefix| begins_with(&name, prefix)) {
            name.insert(0, 'x');
        }
        self.cut(name)
    }

    /// Returns the table of a track call with this name.
    pub fn table(&self, event: &str) -> String {
        let name = match snake(event) {
            name if name.is_empty() => return format!("event_{}", short_hash(event)),
            name => with_leading_letter(&name),
        };
        let taken = BUILT_IN_TABLES.contains(&name.as_str())
            || name.ends_with("_view")
            || self.reserved_tables.iter().any(|prefix| name.starts_with(prefix));
        self.cut(if taken { format!("event_{name}") } else { name })
    }

    /// Cuts a name that is too long and marks it with the hash of the whole, so that two long names stay two.
    fn cut(&self, name: String) -> String {
        if name.len() <= self.max_name {
            return name;
        }
        // Snake names are ASCII, so every byte is a boundary.
        let kept = name.get(..self.max_name.saturating_sub(HASH_SUFFIX)).unwrap_or(&name);
        format!("{kept}_{}", short_hash(&name))
    }
}

fn begins_with(name: &str, prefix: &str) -> bool {
    name.get(..prefix.len()).is_some_and(|beginning| beginning.eq_ignore_ascii_case(prefix))
}

fn with_leading_letter(name: &str) -> String {
    if name.starts_with(|first: char| first.is_ascii_digit()) { format!("_{name}") } else { name.to_owned() }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const DIALECT: Dialect =
        Dialect { reserved_tables: &["sqlite_"], refused_columns: &["_TABLE_"], ..Dialect::PLAIN };

    #[test]
    fn names_follow_segments_snake_case() {
        let cases = [
            ("HTTPStatus", "httpstatus"),
            ("userHTTPId", "user_httpid"),
            ("Köp", "k_p"),
            ("order66executed", "order66executed"),
            ("Order Completed", "order_completed"),
            ("inviteYourCustomersAddInvites", "invite_your_customers_add_invites"),
            ("sample 2 Text", "sample_2_text"),
            ("   $#$sample   2    Text   ", "sample_2_text"),
            ("SAMPLE 2 TEXT", "sample_2_text"),
            ("___$$Base64Encode", "base64_encode"),
            ("FOO:BAR$BAZ", "foo_bar_baz"),
            ("sample___text", "sample_text"),
            ("_leading_and_trailing_", "leading_and_trailing"),
            ("item2Name", "item2_name"),
            ("foo_2FA", "foo_2fa"),
            ("already_snake_1", "already_snake_1"),
            ("日本語", ""),
            ("", ""),
        ];
        for (text, wanted) in cases {
            assert_eq!(snake(text), wanted, "{text}");
        }
    }

    #[test]
    fn a_leading_digit_gets_an_underscore() {
        assert_eq!(DIALECT.table("2FA Enabled"), "_2fa_enabled");
        assert_eq!(DIALECT.column("2fa"), "_2fa");
    }

    #[test]
    fn texts_without_ascii_letters_get_names_that_never_meet() {
        let (one, two) = (DIALECT.table("日本語"), DIALECT.table("中文"));
        assert_ne!(one, two);
        assert_eq!(one, format!("event_{}", short_hash("日本語")));
        assert_eq!(segment(""), "column_e3b0c442");
        assert_ne!(segment("é"), segment("è"));
    }

    #[test]
    fn an_event_never_takes_a_reserved_table() {
        for (event, table) in [
            ("Tracks", "event_tracks"),
            ("users", "event_users"),
            ("Products View", "event_products_view"),
            ("sqlite sequence", "event_sqlite_sequence"),
            ("Views", "views"),
        ] {
            assert_eq!(DIALECT.table(event), table);
        }
    }

    #[test]
    fn long_names_are_cut_and_stay_different() {
        let (one, two) = (DIALECT.table(&"a".repeat(200)), DIALECT.table(&"a".repeat(201)));
        assert_eq!((one.len(), two.len()), (127, 127));
        assert_ne!(one, two);
        assert!(one.starts_with(&"a".repeat(118)));
        assert_eq!(DIALECT.column(&"a".repeat(127)), "a".repeat(127));
    }

    #[test]
    fn refused_columns_get_an_x() {
        assert_eq!(DIALECT.column("_table_suffix"), "x_table_suffix");
        assert_eq!(DIALECT.column("_Table_suffix"), "x_Table_suffix");
        assert_eq!(DIALECT.column("_tab"), "_tab");
    }

    proptest! {
        #[test]
        fn snake_forms_are_their_own_snake_form(text in "\\PC{0,40}") {
            let name = snake(&text).into_owned();
            prop_assert!(name.is_empty() || is_snake(&name));
            prop_assert_eq!(snake(&name).into_owned(), name.clone());
        }
    }
}

//! The kinds of trouble that a database file can be in, as words that `store` writes and `judge` reads.

/// What is wrong with the file, beyond a single row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Trouble {
    /// The disk is full.
    Full,
    /// Another process holds a lock.
    Busy,
    /// The disk failed.
    Io,
    /// The file was replaced, or its tables are not what we thought: planning again helps.
    Changed,
    /// The file is damaged.
    Corrupt,
    /// The file is no SQLite database.
    NotADatabase,
    /// The file or its directory may not be written.
    ReadOnly,
    /// The file cannot be opened.
    CannotOpen,
    /// Anything else.
    Other,
}

impl Trouble {
    /// Every kind.
    const ALL: [Trouble; 9] = [
        Trouble::Full,
        Trouble::Busy,
        Trouble::Io,
        Trouble::Changed,
        Trouble::Corrupt,
        Trouble::NotADatabase,
        Trouble::ReadOnly,
        Trouble::CannotOpen,
        Trouble::Other,
    ];

    /// Returns the words that a message of this kind begins with.
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Trouble::Full => "disk full",
            Trouble::Busy => "locked",
            Trouble::Io => "disk failure",
            Trouble::Changed => "file changed",
            Trouble::Corrupt => "corrupt",
            Trouble::NotADatabase => "not a database",
            Trouble::ReadOnly => "not writable",
            Trouble::CannotOpen => "cannot open",
            Trouble::Other => "failed",
        }
    }

    /// Returns the kind of a message.
    pub(super) fn of_message(message: &str) -> Trouble {
        let found = Trouble::ALL.into_iter().find(|kind| {
            message.strip_prefix(kind.as_str()).is_some_and(|rest| rest.starts_with(':'))
        });
        found.unwrap_or(Trouble::Other)
    }

    /// Returns true when somebody has to repair something before trying again makes sense.
    pub(super) const fn needs_repair(self) -> bool {
        matches!(self, Trouble::Corrupt | Trouble::NotADatabase | Trouble::ReadOnly | Trouble::CannotOpen)
    }
}

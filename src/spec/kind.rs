//! The six call kinds of the Segment spec.

use serde::{Deserialize, Serialize};

/// One of Segment's six calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[repr(u8)]
pub enum Kind {
    /// A user did something: has `event` and `properties`.
    Track = 0,
    /// Who the user is: has `traits`.
    Identify = 1,
    /// A web page was seen: has `name` and `properties`.
    Page = 2,
    /// An app screen was seen: has `name` and `properties`.
    Screen = 3,
    /// The user belongs to a group: has `groupId` and `traits`.
    Group = 4,
    /// Two ids are one user: has `previousId`.
    Alias = 5,
}

impl Kind {
    /// Every kind, in the order of their numbers.
    pub const ALL: [Kind; 6] =
        [Kind::Track, Kind::Identify, Kind::Page, Kind::Screen, Kind::Group, Kind::Alias];

    /// Returns the kind's name on the wire, which is also its metric label.
    pub const fn as_str(self) -> &'static str {
        match self {
            Kind::Track => "track",
            Kind::Identify => "identify",
            Kind::Page => "page",
            Kind::Screen => "screen",
            Kind::Group => "group",
            Kind::Alias => "alias",
        }
    }

    /// Returns the kind with this wire name (`"track"`), or `None`.
    pub fn from_name(name: &str) -> Option<Kind> {
        Kind::ALL.into_iter().find(|kind| kind.as_str() == name)
    }

    /// Returns the kind with this number, as stored in the journal.
    pub fn from_number(number: u8) -> Option<Kind> {
        Kind::ALL.get(usize::from(number)).copied()
    }
}

//! `[geo]` and `[bots]`: what the door adds to events, and what becomes of those of bots.
//!
//! Whether the database can be opened is looked at here, so that a slip in its name is told before anything runs.

use std::path::Path;

use super::node::Node;
use super::read;
use super::section::{Section, Wrong};
use super::settings::Additions;
use crate::spec::additions::Bots;

/// Reads `[geo]` and `[bots]`; a relative path starts at `directory`.
pub(super) fn additions(root: &mut Section<'_>, directory: &Path) -> Additions {
    let database = |node: &Node| {
        let path = Some(read::text(node)?).filter(|text| !text.is_empty()).map(|text| directory.join(text));
        let tried = path.as_deref().map_or(Ok(()), |path| std::fs::File::open(path).map(drop));
        tried
            .map(|()| path)
            .map_err(|error| Wrong::at(node, format!("must be a file that can be read: {error}")))
    };
    let words = &[("flag", Bots::Flag), ("drop", Bots::Drop), ("keep", Bots::Keep)];
    Additions {
        geo_database: root.within("geo", |section| section.value("database", None, database)),
        bots: root.within("bots", |section| section.value("mode", Bots::Flag, read::word(words))),
    }
}

//! The columns that paths lead to, computed once per path and then looked up.
//!
//! An event has some thirty paths and a stream has few different ones, so every key becomes a step in a tree of known
//! paths and costs one hash. The tree is bounded: a stream that invents keys makes it start again, never grow for ever.

use std::collections::HashMap;

use super::names::{Dialect, is_snake, segment};

/// Known paths beyond which the tree starts again between two batches.
const MAX_PATHS: usize = 50_000;

/// The standard columns that no property may have. `context_` columns are kept from properties by their prefix.
const STANDARD: [&str; 11] = [
    "anonymous_id",
    "event",
    "event_text",
    "id",
    "loaded_at",
    "original_timestamp",
    "received_at",
    "sent_at",
    "timestamp",
    "user_id",
    "uuid_ts",
];

/// A path and its column. Only valid for the [`Columns`] that made it, and until they [`Columns::trim`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ColumnId(u32);

impl ColumnId {
    /// Properties and traits begin here: no prefix.
    pub const CUSTOM: ColumnId = ColumnId(0);
    /// The context begins here: prefix `context_`.
    pub const CONTEXT: ColumnId = ColumnId(1);

    /// Returns the place in a dense list.
    pub fn index(self) -> usize {
        usize::try_from(self.0).unwrap_or(usize::MAX)
    }
}

/// Which part of an event a path is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Origin {
    Custom,
    Context,
    Standard,
}

/// One known path.
#[derive(Debug)]
struct Path {
    origin: Origin,
    joined: Box<str>,
    column: Box<str>,
    dotted: Box<str>,
    segments: u16,
    all_snake: bool,
    reserved: bool,
    /// The number of the column: paths that lead to one column share it.
    number: usize,
    below: HashMap<Box<str>, ColumnId>,
}

/// All known paths.
#[derive(Debug)]
pub struct Columns {
    dialect: Dialect,
    paths: Vec<Path>,
    numbers: HashMap<Box<str>, usize>,
    generation: u64,
    places: Places,
}

/// Where each column has its value in one list, by the number of the column. Kept, so that a list costs no memory.
#[derive(Debug, Default)]
struct Places {
    list: u64,
    /// Of which list the place is.
    of: Vec<(u64, usize)>,
}

impl Columns {
    /// Returns a tree that knows only the two roots.
    pub fn new(dialect: Dialect) -> Columns {
        Columns { dialect, paths: roots(), numbers: HashMap::new(), generation: 0, places: Places::default() }
    }

    /// Returns the rules that names follow.
    pub fn dialect(&self) -> &Dialect {
        &self.dialect
    }

    /// Forgets all paths when there are too many. Every [`ColumnId`] from before is void afterwards, which shows as
    /// another [`Columns::generation`].
    pub fn trim(&mut self) {
        if self.paths.len() > MAX_PATHS {
            self.paths = roots();
            self.numbers.clear();
            self.generation += 1;
        }
    }

    /// Returns how often the paths were forgotten.
    pub fn generation(&self) -> u64 {
        self.generation
    }

    /// Returns the path one key further down.
    pub fn child(&mut self, parent: ColumnId, key: &str) -> ColumnId {
        match self.paths.get(parent.index()).and_then(|path| path.below.get(key)) {
            Some(id) => *id,
            None => self.learn(parent, key),
        }
    }

    /// Returns a standard column by its name.
    pub fn standard(&mut self, name: &str) -> ColumnId {
        self.child(STANDARD_ROOT, name)
    }

    /// Returns the name of the column.
    pub fn name(&self, id: ColumnId) -> &str {
        self.paths.get(id.index()).map_or("", |path| &path.column)
    }

    /// Begins a list in which each column has one place.
    pub fn begin_list(&mut self) {
        self.places.list += 1;
    }

    /// Returns the place of a column in the list; `next` when it has none yet, which is its place from then on.
    pub fn place(&mut self, id: ColumnId, next: usize) -> usize {
        let number = self.paths.get(id.index()).map_or(0, |path| path.number);
        let Places { list, of } = &mut self.places;
        if of.len() <= number {
            of.resize(number.saturating_add(1), (0, 0));
        }
        match of.get_mut(number) {
            Some((known, place)) if known == list => *place,
            Some(known) => {
                *known = (*list, next);
                next
            }
            None => next,
        }
    }

    /// Returns the path as people write it: keys as sent, joined with dots.
    pub fn dotted(&self, id: ColumnId) -> &str {
        self.paths.get(id.index()).map_or("", |path| &path.dotted)
    }

    /// Returns true when the column is one of ours, so that no property may have it.
    pub fn is_reserved(&self, id: ColumnId) -> bool {
        self.paths.get(id.index()).is_some_and(|path| path.reserved)
    }

    /// Returns true for a column that every event may have.
    pub fn is_standard(&self, id: ColumnId) -> bool {
        self.paths.get(id.index()).is_some_and(|path| path.origin == Origin::Standard)
    }

    /// Returns true for a path in properties or traits.
    pub fn is_custom(&self, id: ColumnId) -> bool {
        self.paths.get(id.index()).is_some_and(|path| path.origin == Origin::Custom)
    }

    /// Returns what decides which of two paths gets a column that both lead to, the smallest first: the key that is
    /// its own snake form, then fewer keys, then keys that are their own snake form, then fewer bytes, then the
    /// alphabet.
    pub fn precedence(&self, id: ColumnId) -> (bool, u16, bool, usize, &str) {
        let path = self.paths.get(id.index());
        path.map_or((true, u16::MAX, true, usize::MAX, ""), |path| {
            let is_own = path.all_snake && path.segments == 1;
            (!is_own, path.segments, !path.all_snake, path.dotted.len(), &path.dotted)
        })
    }

    fn learn(&mut self, parent: ColumnId, key: &str) -> ColumnId {
        let Some(path) = self.paths.get(parent.index()) else { return parent };
        let id = ColumnId(u32::try_from(self.paths.len()).unwrap_or(u32::MAX));
        let mut child = path.step(key, &self.dialect);
        // Numbers begin at 1; a root leads to no column.
        let next = self.numbers.len() + 1;
        child.number = *self.numbers.entry(child.column.clone()).or_insert(next);
        self.paths.push(child);
        if let Some(path) = self.paths.get_mut(parent.index()) {
            path.below.insert(key.into(), id);
        }
        id
    }
}

/// Standard columns begin here, so that a property of the same name is another path.
const STANDARD_ROOT: ColumnId = ColumnId(2);

fn roots() -> Vec<Path> {
    vec![
        Path::root(Origin::Custom, ""),
        Path::root(Origin::Context, "context"),
        Path::root(Origin::Standard, ""),
    ]
}

impl Path {
    fn root(origin: Origin, prefix: &str) -> Path {
        Path {
            origin,
            joined: prefix.into(),
            column: prefix.into(),
            dotted: prefix.into(),
            segments: 0,
            all_snake: true,
            reserved: false,
            number: 0,
            below: HashMap::new(),
        }
    }

    fn step(&self, key: &str, dialect: &Dialect) -> Path {
        if self.origin == Origin::Standard {
            return Path { column: key.into(), dotted: key.into(), ..Path::root(Origin::Standard, "") };
        }
        let joined = self.join(&self.joined, '_', &segment(key));
        let column = dialect.column(&joined);
        let taken = STANDARD.contains(&column.as_str()) || column.starts_with("context_");
        Path {
            origin: self.origin,
            dotted: self.join(&self.dotted, '.', key).into(),
            segments: self.segments.saturating_add(1),
            all_snake: self.all_snake && is_snake(key),
            reserved: taken && self.origin == Origin::Custom,
            joined: joined.into(),
            column: column.into(),
            number: 0,
            below: HashMap::new(),
        }
    }

    fn join(&self, left: &str, glue: char, right: &str) -> String {
        let is_bare_root = self.segments == 0 && left.is_empty();
        if is_bare_root { right.to_owned() } else { format!("{left}{glue}{right}") }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn columns() -> Columns {
        Columns::new(Dialect::PLAIN)
    }

    fn path(columns: &mut Columns, root: ColumnId, keys: &[&str]) -> ColumnId {
        keys.iter().fold(root, |parent, key| columns.child(parent, key))
    }

    #[test]
    fn each_key_of_a_path_is_named_on_its_own() {
        let mut columns = columns();
        let cases: [(&[&str], &str, &str); 4] = [
            (&["userHTTPId"], "user_httpid", "userHTTPId"),
            (&["cart", "2ndItem"], "cart_2nd_item", "cart.2ndItem"),
            (&["2nd", "x"], "_2nd_x", "2nd.x"),
            (&["", "x"], "column_e3b0c442_x", ".x"),
        ];
        for (keys, name, dotted) in cases {
            let id = path(&mut columns, ColumnId::CUSTOM, keys);
            assert_eq!((columns.name(id), columns.dotted(id)), (name, dotted));
        }
        let id = path(&mut columns, ColumnId::CONTEXT, &["userAgent"]);
        assert_eq!((columns.name(id), columns.dotted(id)), ("context_user_agent", "context.userAgent"));
    }

    #[test]
    fn standard_columns_are_kept_from_properties_only() {
        let mut columns = columns();
        for keys in [&["userId"][..], &["received", "at"], &["context_ip"], &["context", "x"]] {
            let id = path(&mut columns, ColumnId::CUSTOM, keys);
            assert!(columns.is_reserved(id), "{keys:?}");
        }
        let id = path(&mut columns, ColumnId::CONTEXT, &["ip"]);
        let standard = columns.standard("id");
        assert!(!columns.is_reserved(id) && !columns.is_reserved(standard));
        assert_eq!(columns.name(standard), "id");
    }

    #[test]
    fn the_key_that_is_its_own_snake_form_comes_first() {
        let mut columns = columns();
        let order: [&[&str]; 5] = [&["a_b"], &["aB"], &["AxB"], &["a", "b"], &["a", "B"]];
        let ids: Vec<ColumnId> =
            order.iter().map(|keys| path(&mut columns, ColumnId::CUSTOM, keys)).collect();
        assert!(ids.windows(2).all(|pair| columns.precedence(pair[0]) < columns.precedence(pair[1])));
    }

    #[test]
    fn paths_to_one_column_share_its_place_in_a_list() {
        let mut columns = columns();
        let [one, other, nested, far] = [&["a_b"][..], &["aB"], &["a", "b"], &["ab"]]
            .map(|keys| path(&mut columns, ColumnId::CUSTOM, keys));
        let mut places = |ids: &[ColumnId]| -> Vec<usize> {
            columns.begin_list();
            ids.iter().enumerate().map(|(next, id)| columns.place(*id, next)).collect()
        };
        assert_eq!(places(&[one, far, other, nested, far]), [0, 1, 0, 0, 1]);
        assert_eq!(places(&[far, nested, one]), [0, 1, 1], "another list, other places");
    }

    #[test]
    fn too_many_paths_are_forgotten() {
        let mut columns = columns();
        for number in 0..=MAX_PATHS {
            columns.child(ColumnId::CUSTOM, &number.to_string());
        }
        columns.trim();
        assert_eq!((columns.generation(), columns.paths.len()), (1, 3));
    }
}

//! The SQL texts of the live tables. Rows travel as one JSON text, times in it as milliseconds since 1970. Pure.

use super::super::ddl::table_name;

/// A column: its name, its type, and whether it is a time.
type Column = (&'static str, &'static str, bool);

const fn plain(name: &'static str, kind: &'static str) -> Column {
    (name, kind, false)
}

const fn time(name: &'static str) -> Column {
    (name, "timestamp with time zone", true)
}

const SESSIONS: &[Column] = &[
    plain("site", "text NOT NULL"),
    plain("id", "text NOT NULL"),
    plain("visitor", "text NOT NULL"),
    plain("user_id", "text"),
    plain("number", "bigint NOT NULL"),
    time("start"),
    time("last"),
    plain("pageviews", "bigint NOT NULL"),
    plain("events", "bigint NOT NULL"),
    plain("interactions", "bigint NOT NULL"),
    plain("engaged_ms", "bigint NOT NULL"),
    plain("conversions", "bigint NOT NULL"),
    plain("entry", "text"),
    time("entry_at"),
    plain("exit", "text"),
    time("exit_at"),
    plain("referrer", "text"),
    plain("campaign", "jsonb"),
    time("campaign_at"),
    plain("click_id", "text"),
    plain("duration_s", "bigint NOT NULL"),
    plain("is_bounce", "boolean NOT NULL"),
    plain("is_engaged", "boolean NOT NULL"),
    plain("version", "bigint NOT NULL"),
];

const CARTS: &[Column] = &[
    plain("site", "text NOT NULL"),
    plain("visitor", "text NOT NULL"),
    plain("number", "bigint NOT NULL"),
    plain("user_id", "text"),
    time("opened"),
    time("touched"),
    plain("items", "jsonb NOT NULL"),
    plain("quantity", "numeric NOT NULL"),
    plain("value", "numeric NOT NULL"),
    plain("currency", "text NOT NULL"),
    plain("outcome", "text"),
    plain("version", "bigint NOT NULL"),
];

const ORDERS: &[Column] = &[
    plain("site", "text NOT NULL"),
    plain("message_id", "text NOT NULL"),
    plain("order_id", "text"),
    plain("visitor", "text NOT NULL"),
    plain("user_id", "text"),
    plain("session", "text"),
    time("at"),
    plain("currency", "text NOT NULL"),
    plain("amount", "numeric(18,4)"),
    plain("refunded", "numeric(18,4) NOT NULL"),
    plain("refund_of", "text"),
    plain("first_touch", "jsonb"),
    plain("last_touch", "jsonb"),
    plain("version", "bigint NOT NULL"),
];

const CONSENTS: &[Column] = &[
    plain("site", "text NOT NULL"),
    plain("message_id", "text NOT NULL"),
    plain("visitor", "text NOT NULL"),
    plain("categories", "jsonb NOT NULL"),
    plain("source", "text"),
    time("at"),
];

/// What there is to say about one table.
struct Shape {
    name: &'static str,
    columns: &'static [Column],
    /// Columns that are made and never written here.
    empty: &'static str,
    key: &'static str,
    /// Unique or plain indexes, each as it follows `ON table`.
    indexes: &'static [(&'static str, &'static str, &'static str)],
}

const SHAPES: [Shape; 4] = [
    Shape {
        name: "carts",
        columns: CARTS,
        empty: "",
        key: "\"site\", \"visitor\", \"number\"",
        indexes: &[("INDEX", "carts_open", "(\"touched\") WHERE \"outcome\" IS NULL")],
    },
    Shape {
        name: "consents",
        columns: CONSENTS,
        empty: "",
        key: "\"site\", \"message_id\"",
        indexes: &[("INDEX", "consents_visitor", "(\"site\", \"visitor\", \"at\")")],
    },
    Shape {
        name: "orders",
        columns: ORDERS,
        empty: ", \"email_enc\" bytea",
        key: "\"site\", \"message_id\"",
        indexes: &[
            ("UNIQUE INDEX", "orders_order_id", "(\"site\", \"order_id\")"),
            ("INDEX", "orders_at", "(\"at\")"),
        ],
    },
    Shape {
        name: "sessions",
        columns: SESSIONS,
        empty: "",
        key: "\"site\", \"id\"",
        indexes: &[
            ("UNIQUE INDEX", "sessions_visitor", "(\"site\", \"visitor\", \"number\")"),
            ("INDEX", "sessions_start", "(\"start\")"),
        ],
    },
];

/// A column that tables of an earlier router lack: its table, its name and its type.
pub(crate) const LATER: [(&str, &str, &str); 1] = [("sessions", "click_id", "text")];

/// Whether a table of a schema has a column.
pub(crate) const HAS: &str = "SELECT 1 FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_class c ON c.oid = a.attrelid \
     JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
     WHERE n.nspname = $1 AND c.relname = $2 AND a.attname = $3 AND NOT a.attisdropped";

/// Returns the statement that adds a column.
pub(crate) fn add(schema: &str, (table, column, kind): (&str, &str, &str)) -> String {
    format!("ALTER TABLE {} ADD COLUMN \"{column}\" {kind}", table_name(schema, table))
}

/// What a table of ours says of itself: only such a one is written to.
pub(crate) const MARK: &str = "Kept by OpenTrack, version 1";

/// Returns the statements that make a table.
pub(crate) fn create(schema: &str, table: &str) -> Vec<String> {
    let Some(shape) = SHAPES.iter().find(|shape| shape.name == table) else { return Vec::new() };
    let name = table_name(schema, shape.name);
    let columns = shape.columns.iter().map(|(column, kind, _)| format!("\"{column}\" {kind}"));
    let columns = columns.collect::<Vec<_>>().join(", ");
    let Shape { empty, key, indexes, .. } = shape;
    let mut made = vec![format!("CREATE TABLE {name} ({columns}{empty}, PRIMARY KEY ({key}))")];
    made.extend(indexes.iter().map(|(kind, index, on)| format!("CREATE {kind} \"{index}\" ON {name} {on}")));
    made.push(format!("COMMENT ON TABLE {name} IS '{MARK}'"));
    made
}

/// Which of the tables there are, and what each says of itself; what is no table says nothing.
pub(crate) const LOOK: &str = "SELECT c.relname::text, CASE WHEN c.relkind = 'r' THEN pg_catalog.obj_description(c.oid, 'pg_class') END \
     FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
     WHERE n.nspname = $1 AND c.relname = ANY($2)";

/// Takes the locks of some visitors and orders, in the order that is given. Everybody takes them from the lowest up, so that
/// nobody waits crosswise.
pub(crate) const LOCK: &str = "SELECT pg_catalog.pg_advisory_xact_lock($1, k) FROM unnest($2::int[]) AS k";

fn list(columns: &[Column], item: impl Fn(&Column) -> String) -> String {
    columns.iter().map(item).collect::<Vec<_>>().join(", ")
}

fn bare_type(kind: &str) -> &str {
    kind.split(" NOT NULL").next().unwrap_or(kind)
}

/// Returns the JSON text of a row called `t`.
fn as_json(columns: &[Column]) -> String {
    // No function takes more than a hundred arguments, which is fifty pairs.
    let pairs = list(columns, |(name, kind, is_time)| match (*is_time, bare_type(kind)) {
        (true, _) => format!("'{name}', {}", millis(&format!("t.\"{name}\""))),
        (false, "numeric" | "numeric(18,4)") => format!("'{name}', t.\"{name}\"::text"),
        (false, _) => format!("'{name}', t.\"{name}\""),
    });
    format!("pg_catalog.jsonb_build_object({pairs})::text")
}

fn millis(time: &str) -> String {
    format!("pg_catalog.round(extract(epoch FROM {time}) * 1000)::bigint")
}

/// Returns the statement that reads the newest row of each visitor of two arrays, of sites and of visitors.
fn newest(schema: &str, table: &str, columns: &[Column], order: &str) -> String {
    format!(
        "SELECT {} FROM unnest($1::text[], $2::text[]) AS v(site, visitor) CROSS JOIN LATERAL \
         (SELECT * FROM {} AS s WHERE s.\"site\" = v.site AND s.\"visitor\" = v.visitor ORDER BY {order} DESC LIMIT 1) AS t",
        as_json(columns),
        table_name(schema, table)
    )
}

/// Returns the statement that reads the newest session of each visitor.
pub(crate) fn sessions(schema: &str) -> String {
    newest(schema, "sessions", SESSIONS, "s.\"number\"")
}

/// Returns the statement that reads the newest cart of each visitor.
pub(crate) fn carts(schema: &str) -> String {
    newest(schema, "carts", CARTS, "s.\"number\"")
}

/// Returns the statement that reads the newest consent of each visitor.
pub(crate) fn consents(schema: &str) -> String {
    newest(schema, "consents", CONSENTS, "s.\"at\"")
}

/// Returns the statement that reads the orders of two arrays, of sites and of order ids.
pub(crate) fn orders(schema: &str) -> String {
    format!(
        "SELECT {} FROM unnest($1::text[], $2::text[]) AS v(site, order_id) JOIN {} AS t \
         ON t.\"site\" = v.site AND t.\"order_id\" = v.order_id",
        as_json(ORDERS),
        table_name(schema, "orders")
    )
}

/// Returns the statement that reads where the visitors of two arrays came from before: their first session, and the
/// last but the newest that came from somewhere.
pub(crate) fn touches(schema: &str) -> String {
    let table = table_name(schema, "sessions");
    let touch = |which: &str| {
        format!(
            "(SELECT pg_catalog.jsonb_build_object('session', s.\"id\", 'at', {}, 'entry', s.\"entry\", \
             'referrer', s.\"referrer\", 'campaign', s.\"campaign\", 'click_id', s.\"click_id\") FROM {table} AS s \
             WHERE s.\"site\" = v.site AND s.\"visitor\" = v.visitor {which} LIMIT 1)",
            millis("s.\"start\"")
        )
    };
    let first = touch("AND s.\"number\" = 1");
    // The newest is read as a whole, and may still become another.
    let last = touch(&format!(
        "AND (s.\"referrer\" IS NOT NULL OR s.\"campaign\" IS NOT NULL OR s.\"click_id\" IS NOT NULL) AND s.\"number\" < \
         (SELECT pg_catalog.max(n.\"number\") FROM {table} AS n WHERE n.\"site\" = v.site AND n.\"visitor\" = v.visitor) \
         ORDER BY s.\"number\" DESC"
    ));
    format!(
        "SELECT pg_catalog.jsonb_build_object('site', v.site, 'visitor', v.visitor, 'first', {first}, 'last', {last})::text \
         FROM unnest($1::text[], $2::text[]) AS v(site, visitor)"
    )
}

/// Returns the statement that writes rows of a table, given as one JSON text. A row that is there is replaced by a newer one.
fn write(schema: &str, shape: &Shape) -> String {
    let columns = shape.columns;
    let names = list(columns, |(name, ..)| format!("\"{name}\""));
    let values = list(columns, |(name, _, is_time)| match is_time {
        true => format!("timestamptz 'epoch' + r.\"{name}\" * interval '1 millisecond'"),
        false => format!("r.\"{name}\""),
    });
    let typed = list(columns, |(name, kind, is_time)| {
        format!("\"{name}\" {}", if *is_time { "bigint" } else { bare_type(kind) })
    });
    let key = shape.key;
    let set = columns.iter().filter(|(name, ..)| !key.contains(&format!("\"{name}\"")));
    let set = set.map(|(name, ..)| format!("\"{name}\" = excluded.\"{name}\"")).collect::<Vec<_>>().join(", ");
    let is_versioned = columns.iter().any(|(name, ..)| *name == "version");
    let conflict = match is_versioned {
        true => format!("DO UPDATE SET {set} WHERE excluded.\"version\" > t.\"version\""),
        false => "DO NOTHING".to_owned(),
    };
    format!(
        "INSERT INTO {} AS t ({names}) SELECT {values} FROM pg_catalog.jsonb_to_recordset($1::text::jsonb) AS r({typed}) \
         ON CONFLICT ({key}) {conflict}",
        table_name(schema, shape.name)
    )
}

/// Returns the statement that writes rows of this table.
pub(crate) fn write_to(schema: &str, table: &str) -> String {
    SHAPES.iter().find(|shape| shape.name == table).map(|shape| write(schema, shape)).unwrap_or_default()
}

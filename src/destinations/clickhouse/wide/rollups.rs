//! The rollups of the wide table: what dashboards ask for, kept by materialized views while rows come in. Pure.
//!
//! A view counts a block that comes again, unless the block has the token of the first and the view's table remembers it (its
//! window). Since a crash, a rebalance or a reload may cut the same events into other blocks, no column adds up: counts are
//! sets of hashed message ids, attention is a set of numbers made of them, orders are one row each. Whatever is repeated, they
//! stay as they are. Only the quantiles of vitals are estimates in which a repeated event weighs twice: to hold every value
//! would cost more than they are worth. Columns that a view computes have names of their own, since older versions take a name
//! for its last meaning.

use std::collections::BTreeSet;

use super::super::ddl::{Names, alter, quoted, text as literal};

/// Texts of the kinds of columns that several rollups have.
const SITE: &str = "`site` LowCardinality(String), `environment` LowCardinality(String)";
const HASHES: &str = "AggregateFunction(uniqExact, UInt64)";
const HASHES_IF: &str = "AggregateFunction(uniqExactIf, UInt64, UInt8)";
const TEXT_AT: &str = "AggregateFunction(argMinIf, String, DateTime64(3, 'UTC'), UInt8)";
const VISITOR: &str = "if(`anonymous_id` = '', `user_id`, `anonymous_id`)";
const IS_VIEW: &str = "`type` IN ('page', 'screen')";
const ID: &str = "cityHash64(`message_id`)";
/// How long something was looked at: a set of numbers, each the milliseconds of one event below a hash of its id, since a sum
/// could not tell an event that comes again. As one number both are read ten times as fast as a map. More than a day is said by
/// no event, and 100,000,000 holds it.
const ATTENTION: &str = "`attention` SimpleAggregateFunction(groupUniqArrayArray, Array(UInt64))";
const ATTENTION_OF: &str = "groupUniqArrayIf(cityHash64(`message_id`) % 100000000000 * 100000000 + \
    least(`engaged_ms`, 99999999), `engaged_ms` > 0) AS `attention`";

/// What a view has behind the name of its table, unless it says more than the first did.
const FIRST_VIEW: &str = "_mv";

/// Begins the comment of a table that is to be filled; the token of the filling follows.
pub(in super::super) const TO_FILL: &str = "opentrack: to be filled, ";

/// One rollup: its table, what fills it, and the key.
#[derive(Debug)]
pub(in super::super) struct Rollup {
    /// The table's name.
    pub(in super::super) name: &'static str,
    /// What its view has behind that name. A view that says more than one of before has another name, and takes its place.
    view: &'static str,
    /// A column that a table of before does not have.
    since: Option<&'static str>,
    columns: String,
    partition: &'static str,
    order: &'static str,
    day: &'static str,
    select: String,
}

impl Rollup {
    /// Returns the name of the view that fills it.
    pub(in super::super) fn view(&self) -> String {
        format!("{}{}", self.name, self.view)
    }

    /// Returns whether a view of this name is ours, of now or of before.
    pub(in super::super) fn has_view(&self, name: &str) -> bool {
        name.strip_prefix(self.name).is_some_and(|rest| rest == self.view || rest == FIRST_VIEW)
    }

    /// Returns whether both its table and its view are among these, and no view of before.
    pub(in super::super) fn is_in(&self, there: &BTreeSet<String>) -> bool {
        there.contains(self.name) && there.contains(&self.view()) && !there.contains(&self.view_before())
    }

    /// Returns the name that its view had before; of one that never had another, a name that no view has.
    fn view_before(&self) -> String {
        if self.view == FIRST_VIEW { String::new() } else { format!("{}{FIRST_VIEW}", self.name) }
    }

    /// Returns the statement that drops its view of before. Two views that fill one table are in each other's way: until 24.7 a
    /// view hands on the token of the insert, and the table takes the second block for a repetition of the first.
    pub(in super::super) fn drop_view_before(&self, names: &Names) -> Option<String> {
        let drop = || format!("DROP VIEW IF EXISTS {}{}", names.table(&self.view_before()), names.on_cluster());
        (self.view != FIRST_VIEW).then(drop)
    }

    /// Returns the statement that makes its table.
    pub(in super::super) fn create_table(&self, names: &Names) -> String {
        let partition = if self.partition.is_empty() { String::new() } else { format!("\nPARTITION BY {}", self.partition) };
        format!(
            "CREATE TABLE IF NOT EXISTS {}{} (\n    {}\n)\nENGINE = {}{partition}\nORDER BY ({}){}{}",
            names.table(self.name),
            names.on_cluster(),
            self.columns,
            names.engine("AggregatingMergeTree", ""),
            self.order,
            names.time_to_live(self.day),
            names.settings()
        )
    }

    /// Returns the statement that makes its table as one to be filled, with this token. It is one from its first moment and
    /// only where it is made: who finds it made does not mark it again.
    pub(in super::super) fn create_marked(&self, names: &Names, token: &str) -> String {
        format!("{}\nCOMMENT {}", self.create_table(names), literal(&format!("{TO_FILL}{token}")))
    }

    /// Returns the statement that gives a table of before the column that it lacks.
    pub(in super::super) fn catch_up(&self, names: &Names) -> Option<String> {
        let add = |column| alter(names, self.name, std::iter::once(format!("ADD COLUMN IF NOT EXISTS {column}")));
        self.since.map(add)
    }

    /// Returns the statement that makes its view.
    pub(in super::super) fn create_view(&self, names: &Names) -> String {
        format!(
            "CREATE MATERIALIZED VIEW IF NOT EXISTS {}{} TO {} AS\n{}",
            names.table(&self.view()),
            names.on_cluster(),
            names.table(self.name),
            self.select(&names.table(super::TABLE))
        )
    }

    /// Returns what makes all of it, or what is missing of it, each statement with what it makes.
    pub(in super::super) fn statements(&self, names: &Names) -> Vec<(String, String)> {
        let table = [Some(self.create_table(names)), self.catch_up(names)].into_iter().flatten();
        let table = table.map(|statement| (self.name.to_owned(), statement));
        let before = self.drop_view_before(names).map(|statement| (self.view_before(), statement));
        table.chain(before).chain(std::iter::once((self.view(), self.create_view(names)))).collect()
    }

    /// Returns the statement that fills its table with the events of one month (202611) that were there before it. It has a
    /// token and an order, so that blocks of a filling that is run again are dropped. It names the columns, since a table of
    /// before may have others. The server ends it after so many seconds.
    pub(in super::super) fn fill(&self, names: &Names, (token, month, within_s): (&str, u32, u64)) -> String {
        let events =
            format!("(SELECT * FROM {} FINAL WHERE toYYYYMM(`timestamp`) = {month})", names.table(super::TABLE));
        format!(
            "INSERT INTO {} ({}) SETTINGS insert_deduplication_token = {}, max_execution_time = {within_s}\n{}\nORDER BY {}",
            names.table(self.name),
            self.named(),
            literal(&format!("{token}-{month}")),
            self.select(&events),
            self.order
        )
    }

    /// Returns the statement that marks its table as one to be filled, with this token.
    pub(in super::super) fn mark(&self, names: &Names, token: &str) -> String {
        self.comment(names, &format!("{TO_FILL}{token}"))
    }

    /// Returns the statement that takes the mark away.
    pub(in super::super) fn unmark(&self, names: &Names) -> String {
        self.comment(names, "")
    }

    /// Returns the names of its columns: what is in quotes, since no type is.
    fn named(&self) -> String {
        let names: Vec<String> = self.columns.split('`').skip(1).step_by(2).map(quoted).collect();
        names.join(", ")
    }

    fn comment(&self, names: &Names, words: &str) -> String {
        alter(names, self.name, std::iter::once(format!("MODIFY COMMENT {}", literal(words))))
    }

    fn select(&self, events: &str) -> String {
        self.select.replace("{events}", events)
    }
}

/// Returns all rollups.
pub(in super::super) fn all() -> [Rollup; 5] {
    [pages(), sessions(), commerce(), vitals(), channels()]
}

/// Views, visitors and attention of each path and day.
fn pages() -> Rollup {
    Rollup {
        name: "rollup_pages",
        view: "_mv2",
        since: Some(ATTENTION),
        columns: format!(
            "{SITE}, `day` Date, `page_path` String,\n    `views` {HASHES_IF},\n    \
             `visitors` AggregateFunction(uniqCombined64If(12), String, UInt8),\n    \
             {ATTENTION}"
        ),
        partition: "toYYYYMM(`day`)",
        order: "`site`, `environment`, `day`, `page_path`",
        day: "`day`",
        select: format!(
            "SELECT `site`, `environment`, toDate(`timestamp`) AS `day`, `page_path`,\n    \
             uniqExactIfState({ID}, {IS_VIEW}) AS `views`,\n    \
             uniqCombined64IfState(12)({VISITOR}, {IS_VIEW}) AS `visitors`,\n    \
             {ATTENTION_OF}\n\
             FROM {{events}}\n\
             WHERE NOT `bot` AND `page_path` != '' AND ({IS_VIEW} OR `engaged_ms` > 0)\n\
             GROUP BY `site`, `environment`, `day`, `page_path`"
        ),
    }
}

/// Each session: when, how much, where it began and ended. One that goes over midnight is two rows, to be grouped by its id.
fn sessions() -> Rollup {
    let (first, last) = ("argMinIfState", "argMaxIfState");
    Rollup {
        name: "rollup_sessions",
        view: "_mv2",
        since: Some(ATTENTION),
        columns: format!(
            "{SITE}, `day` Date, `session_id` String,\n    `visitor` SimpleAggregateFunction(max, String),\n    \
             `started` SimpleAggregateFunction(min, DateTime64(3, 'UTC')),\n    \
             `ended` SimpleAggregateFunction(max, DateTime64(3, 'UTC')),\n    \
             `actions` {HASHES},\n    `views` {HASHES_IF},\n    `interactions` {HASHES_IF},\n    `conversions` {HASHES_IF},\n    \
             `entry` {TEXT_AT},\n    `exit` AggregateFunction(argMaxIf, String, DateTime64(3, 'UTC'), UInt8),\n    \
             `first_referrer` {TEXT_AT},\n    `first_channel` {TEXT_AT},\n    \
             {ATTENTION}"
        ),
        partition: "toYYYYMM(`day`)",
        order: "`site`, `environment`, `day`, `session_id`",
        day: "`day`",
        select: format!(
            "SELECT `site`, `environment`, toDate(`timestamp`) AS `day`, `session_id`,\n    \
             max({VISITOR}) AS `visitor`, min(`timestamp`) AS `started`, max(`timestamp`) AS `ended`,\n    \
             uniqExactState({ID}) AS `actions`,\n    \
             uniqExactIfState({ID}, {IS_VIEW}) AS `views`,\n    \
             uniqExactIfState({ID}, `type` = 'track' AND `event` NOT IN ('Page Engaged', 'Web Vital', 'Error Occurred')) AS `interactions`,\n    \
             uniqExactIfState({ID}, `type` = 'track' AND `event` = 'Order Completed') AS `conversions`,\n    \
             {first}(`page_path`, `timestamp`, {IS_VIEW}) AS `entry`,\n    \
             {last}(`page_path`, `timestamp`, {IS_VIEW}) AS `exit`,\n    \
             {first}(`referrer`, `timestamp`, {IS_VIEW}) AS `first_referrer`,\n    \
             {first}(toString(`channel`), `timestamp`, {IS_VIEW}) AS `first_channel`,\n    \
             {ATTENTION_OF}\n\
             FROM {{events}}\n\
             WHERE NOT `bot` AND `session_id` != '' AND `type` IN ('page', 'screen', 'track')\n\
             GROUP BY `site`, `environment`, `day`, `session_id`"
        ),
    }
}

/// Each order and each refund, once: the first that came of an order's id. Money is exact.
fn commerce() -> Rollup {
    let kind = "if(`event` = 'Order Refunded', 'refund', 'order')";
    Rollup {
        name: "rollup_commerce",
        view: FIRST_VIEW,
        since: None,
        columns: format!(
            "{SITE}, `kind` LowCardinality(String), `order_id` String, `reference` String,\n    \
             `at` SimpleAggregateFunction(min, DateTime64(3, 'UTC')),\n    \
             `money` AggregateFunction(argMin, Tuple(String, Decimal(18, 4)), DateTime64(3, 'UTC')),\n    \
             `visitor` SimpleAggregateFunction(max, String)"
        ),
        partition: "",
        order: "`site`, `environment`, `kind`, `order_id`, `reference`",
        day: "toDate(`at`)",
        select: format!(
            "SELECT `site`, `environment`, {kind} AS `kind`, `order_id`,\n    \
             if(`event` = 'Order Completed' AND `order_id` != '', '', `message_id`) AS `reference`,\n    \
             min(`timestamp`) AS `at`,\n    \
             argMinState((toString(`currency`), ifNull(`revenue`, toDecimal64(0, 4))), `timestamp`) AS `money`,\n    \
             max({VISITOR}) AS `visitor`\n\
             FROM {{events}}\n\
             WHERE NOT `bot` AND `type` = 'track' AND `event` IN ('Order Completed', 'Order Refunded')\n\
             GROUP BY `site`, `environment`, `kind`, `order_id`, `reference`"
        ),
    }
}

/// Web vitals of each path, device and day: quantiles, and how many are good and poor. A limit itself is good.
fn vitals() -> Rollup {
    let names = "['LCP', 'INP', 'CLS', 'FCP', 'TTFB']";
    let value = "assumeNotNull(`metric_value`)";
    let good = format!("transform(toString(`metric`), {names}, [2500., 200., 0.1, 1800., 800.], 0.)");
    let poor = format!("transform(toString(`metric`), {names}, [4000., 500., 0.25, 3000., 1800.], 0.)");
    Rollup {
        name: "rollup_vitals",
        view: FIRST_VIEW,
        since: None,
        columns: format!(
            "{SITE}, `day` Date, `metric` LowCardinality(String), `page_path` String, `device` LowCardinality(String),\n    \
             `quantiles` AggregateFunction(quantilesTDigest(0.5, 0.75, 0.95), Float64),\n    \
             `samples` {HASHES},\n    `good` {HASHES_IF},\n    `poor` {HASHES_IF}"
        ),
        partition: "toYYYYMM(`day`)",
        order: "`site`, `environment`, `day`, `metric`, `page_path`, `device`",
        day: "`day`",
        select: format!(
            "SELECT `site`, `environment`, toDate(`timestamp`) AS `day`, `metric`, `page_path`, `device`,\n    \
             quantilesTDigestState(0.5, 0.75, 0.95)({value}) AS `quantiles`,\n    \
             uniqExactState({ID}) AS `samples`,\n    \
             uniqExactIfState({ID}, {value} <= {good}) AS `good`,\n    \
             uniqExactIfState({ID}, {value} > {poor}) AS `poor`\n\
             FROM {{events}}\n\
             WHERE NOT `bot` AND `metric` != '' AND `metric_value` IS NOT NULL\n\
             GROUP BY `site`, `environment`, `day`, `metric`, `page_path`, `device`"
        ),
    }
}

/// Views, visitors and sessions of each channel, source, medium, campaign and day.
fn channels() -> Rollup {
    Rollup {
        name: "rollup_channels",
        view: FIRST_VIEW,
        since: None,
        columns: format!(
            "{SITE}, `day` Date, `channel` LowCardinality(String), `source` LowCardinality(String), `medium` LowCardinality(String), `campaign` String,\n    \
             `views` {HASHES},\n    `visitors` AggregateFunction(uniqCombined64(12), String),\n    \
             `sessions` AggregateFunction(uniqCombined64If(12), String, UInt8)"
        ),
        partition: "toYYYYMM(`day`)",
        order: "`site`, `environment`, `day`, `channel`, `source`, `medium`, `campaign`",
        day: "`day`",
        select: format!(
            "SELECT `site`, `environment`, toDate(`timestamp`) AS `day`, `channel`, `source`, `medium`, `campaign`,\n    \
             uniqExactState({ID}) AS `views`,\n    \
             uniqCombined64State(12)({VISITOR}) AS `visitors`,\n    \
             uniqCombined64IfState(12)(`session_id`, `session_id` != '') AS `sessions`\n\
             FROM {{events}}\n\
             WHERE NOT `bot` AND {IS_VIEW}\n\
             GROUP BY `site`, `environment`, `day`, `channel`, `source`, `medium`, `campaign`"
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(cluster: &str) -> String {
        let names = Names {
            database: "ot".to_owned(),
            cluster: cluster.to_owned(),
            ttl: Some("25 MONTH".to_owned()),
        };
        let rollups = all();
        let made = rollups.iter().flat_map(|one| one.statements(&names)).map(|(_, statement)| statement);
        let all: Vec<String> = std::iter::once(super::super::create_table(&names)).chain(made).collect();
        all.join(";\n\n")
    }

    #[test]
    fn the_wide_table_and_its_rollups_on_one_server() {
        insta::assert_snapshot!(text(""));
    }

    #[test]
    fn the_wide_table_and_its_rollups_on_a_cluster() {
        insta::assert_snapshot!(text("main"));
    }

    #[test]
    fn a_rollup_is_filled_from_rows_without_repetitions() {
        let names = Names { database: "ot".to_owned(), cluster: String::new(), ttl: None };
        let fill = pages().fill(&names, ("t-1", 202_611, 900));
        let of_the_month = "FROM (SELECT * FROM `ot`.`events` FINAL WHERE toYYYYMM(`timestamp`) = 202611)\n";
        assert!(fill.contains(of_the_month), "{fill}");
        let head = "INSERT INTO `ot`.`rollup_pages` (`site`, `environment`, `day`, `page_path`, `views`, `visitors`, `attention`) \
                    SETTINGS insert_deduplication_token = 't-1-202611', max_execution_time = 900\n";
        assert!(fill.starts_with(head), "{fill}");
    }
}

use super::*;

fn parse(text: &str) -> Result<Config, String> {
    toml::from_str(text).map_err(|error| error.to_string())
}

fn named() -> Config {
    Config { project_id: "acme-prod".to_owned(), dataset: "analytics".to_owned(), ..Config::default() }
}

#[test]
fn the_defaults_list_every_key_and_parse_back() {
    let text = toml::to_string(&Config::default()).unwrap();
    insta::assert_snapshot!(text, @r#"
    project_id = ""
    dataset = ""
    location = "US"
    credentials_file = ""
    auto_table_management = "full"
    layout = "segment"
    table = ""
    write_method = "stream"
    endpoint = ""
    on_type_conflict = "widen"
    widen_to = "FLOAT64"
    schema_window = "500ms"
    settle = "2m"
    cold_after = "30s"
    propagation_budget = "15m"
    recreate_hold = "2m"
    insert_id = true
    max_columns_per_table = 2000
    max_new_columns_per_event = 100
    max_tables = 1000
    max_depth = 5
    dedup_scope = "day"
    views_dataset = ""
    users_merge_every = "15m"
    flat_extras = false
    require_partition_filter = false
    missing_column = "strict"
    "#);
    assert_eq!(toml::to_string(&parse(&text).unwrap()).unwrap(), text);
}

#[test]
fn the_block_names_every_key_with_its_default() {
    let uncommented: String = BLOCK
        .lines()
        .map(|line| line.strip_prefix("# ").filter(|rest| rest.contains(" = ")).unwrap_or(line))
        .map(|line| format!("{line}\n"))
        .collect();
    let all: toml::Table = uncommented.parse().unwrap();
    let own = all["destinations"]["bigquery"].as_table().unwrap();
    let defaults = toml::Table::try_from(Config::default()).unwrap();
    let from_environment = ["project_id", "dataset", "credentials_file"];
    for (key, value) in &defaults {
        let shown = own.get(key).unwrap_or_else(|| panic!("the block does not name `{key}`"));
        assert!(shown == value || from_environment.contains(&key.as_str()), "{key}: {shown}");
    }
    assert_eq!(own.len(), defaults.len());
}

#[test]
fn a_named_table_asks_for_the_flat_layout_unless_another_is_asked_for() {
    let cases = [
        ("", TableLayout::Segment, "events"),
        ("table = \"raw\"", TableLayout::Flat, "raw"),
        ("layout = \"flat\"", TableLayout::Flat, "events"),
        ("layout = \"segment\"\ntable = \"raw\"", TableLayout::Segment, "raw"),
    ];
    for (text, layout, table) in cases {
        let config = parse(text).unwrap();
        assert_eq!((config.layout(), config.flat_table()), (layout, table), "{text}");
    }
}

#[test]
fn table_management_is_a_word_or_a_truth() {
    for (value, wanted) in [
        ("\"full\"", AutoTableManagement::Full),
        ("true", AutoTableManagement::Full),
        ("\"true\"", AutoTableManagement::Full),
        ("\"columns_only\"", AutoTableManagement::ColumnsOnly),
        ("\"off\"", AutoTableManagement::Off),
        ("false", AutoTableManagement::Off),
    ] {
        let config = parse(&format!("auto_table_management = {value}")).unwrap();
        assert_eq!(config.auto_table_management, wanted, "{value}");
    }
    let message = parse("auto_table_management = \"some\"").unwrap_err();
    assert!(message.contains("\"columns_only\""), "{message}");
}

#[test]
fn settings_that_are_fine_have_no_problem() {
    assert_eq!(named().check(), Ok(()));
    let config = Config {
        project_id: "example.com:acme".to_owned(),
        endpoint: "http://127.0.0.1:9050/bigquery/v2/".to_owned(),
        users_merge_every: Duration::ZERO,
        ..named()
    };
    assert_eq!(config.check(), Ok(()));
    assert_eq!(config.base_url().unwrap().as_str(), "http://127.0.0.1:9050/bigquery/v2");
}

#[test]
fn every_problem_of_the_settings_is_reported() {
    let config = Config {
        project_id: "acme prod".to_owned(),
        dataset: "acme.analytics".to_owned(),
        location: String::new(),
        table: "a.b".to_owned(),
        endpoint: "localhost:9050".to_owned(),
        schema_window: Duration::from_secs(61),
        settle: Duration::from_secs(3_601),
        cold_after: Duration::ZERO,
        propagation_budget: Duration::ZERO,
        recreate_hold: Duration::from_secs(3_601),
        max_columns_per_table: 10_001,
        max_tables: 0,
        max_depth: 0,
        users_merge_every: Duration::from_secs(1),
        views_dataset: "a b".to_owned(),
        ..Config::default()
    };
    let mut keys: Vec<&str> = config.check().unwrap_err().iter().map(|problem| problem.key).collect();
    keys.sort_unstable();
    let mut wanted = [
        "project_id",
        "dataset",
        "location",
        "table",
        "endpoint",
        "schema_window",
        "settle",
        "cold_after",
        "propagation_budget",
        "recreate_hold",
        "max_columns_per_table",
        "max_tables",
        "max_depth",
        "users_merge_every",
        "views_dataset",
    ];
    wanted.sort_unstable();
    assert_eq!(keys, wanted);
}

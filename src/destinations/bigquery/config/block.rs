//! The block of the shipped configuration.

/// Every key with its default and what it means.
pub(in super::super) const BLOCK: &str = r#"[destinations.bigquery]
# Segment's tables in a BigQuery dataset. On when project and dataset are set.
project_id = "${BIGQUERY_PROJECT_ID:-}"
dataset = "${BIGQUERY_DATASET:-}"
location = "US"                     # where the dataset is made when it is missing
credentials_file = "${GOOGLE_APPLICATION_CREDENTIALS:-}"  # a key file; empty: application default credentials
# auto_table_management = "full"    # or "columns_only": never makes a table; "off": changes nothing; true, false
# layout = "segment"                # or "flat": one table, also when `table` is set and this is not
# table = ""                        # of the flat layout; empty: events
# write_method = "stream"           # or "load": load jobs, free, rows appear in minutes
# endpoint = ""                     # another base URL up to /bigquery/v2: an emulator, a private endpoint
# on_type_conflict = "widen"        # an integer column takes fractions; "keep": the value goes to _unmapped; "reject"
# widen_to = "FLOAT64"              # or "NUMERIC": exact, 29 digits before the point and 9 after it
# schema_window = "500ms"           # a table's first need of a column waits so long for others
# settle = "2m"                     # so long the rows of a new column go apart from the others
# cold_after = "30s"                # a row that waited so long for a new table or column goes by a load job
# propagation_budget = "15m"        # a value that waited so long for its column goes to _unmapped
# recreate_hold = "2m"              # so long nothing is streamed into a table that was made again
# insert_id = true                  # BigQuery drops most repetitions within a minute; false: more throughput
# max_columns_per_table = 2000      # 10000 is BigQuery's own limit
# max_new_columns_per_event = 100   # what is beyond these guards goes to _unmapped
# max_tables = 1000
# max_depth = 5                     # deeper objects are stored as JSON text
# dedup_scope = "day"               # the views drop repetitions of one day; "all": of all time, which reads every day
# views_dataset = ""                # empty: views stand beside the tables
# users_merge_every = "15m"         # how often users and accounts are brought up to date; "0s": never
# flat_extras = false               # a flat table that we make gets received_at and sent_at
# require_partition_filter = false  # queries on new tables must name the days that they read
# missing_column = "strict"         # when no column may be added: a dead letter; "unmapped": the value goes to _unmapped
"#;

//! `opentrack dead-letters`: lists, shows, sends again and drops what destinations refused.
//!
//! Asks the running router; where none runs, reading is done in `data_dir` itself, without changing anything there.

use std::io::{BufRead, IsTerminal};

use clap::{Args, Subcommand};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::Exit;
use super::out::Out;
use super::progress::Progress;
use super::remote::{Remote, RemoteError};
use super::table::{cell, columns, without_control};
use crate::actors::messages;
use crate::config::Loaded;
use crate::journal::embedded;
use crate::journal::{LetterFilter, LetterId, LetterList, PageLimit};

/// Longest text of one column.
const WIDEST: usize = 60;
const PATH: [&str; 2] = ["api", "dead-letters"];

/// What to do.
#[derive(Debug, Subcommand)]
pub(super) enum Action {
    /// List them, newest first
    List {
        #[command(flatten)]
        which: Which,
        /// Events that were not believed at the door instead
        #[arg(long, conflicts_with_all = ["destination", "reason", "from", "until"])]
        rejected: bool,
        /// How many at most
        #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u16).range(1..=1000))]
        limit: u16,
        /// Go on where the page before ended
        #[arg(long, value_name = "CURSOR", value_parser = letter_id)]
        cursor: Option<LetterId>,
    },
    /// Show everything about one
    Show {
        /// Its id, as `list` prints it
        #[arg(value_parser = letter_id)]
        id: LetterId,
    },
    /// Send them to their destinations again; without a filter, all of them
    Retry {
        /// This one alone
        #[arg(value_parser = letter_id)]
        id: Option<LetterId>,
        #[command(flatten)]
        which: Which,
    },
    /// Give them up for good; without a filter, all of them
    Drop {
        /// This one alone
        #[arg(value_parser = letter_id)]
        id: Option<LetterId>,
        #[command(flatten)]
        which: Which,
        /// Do not ask
        #[arg(long)]
        yes: bool,
    },
}

/// Which letters are meant.
#[derive(Debug, Default, Args)]
pub(super) struct Which {
    /// Those of this destination
    #[arg(long, value_name = "NAME")]
    destination: Option<String>,
    /// Those that died for this reason, such as rejected, too_large, gave_up; schema_* for all that begin so
    #[arg(long, value_parser = reason)]
    reason: Option<String>,
    /// Those that died at this instant or later, such as 2030-01-31T08:00:00Z
    #[arg(long, value_name = "TIME", value_parser = instant)]
    from: Option<Timestamp>,
    /// Those that died before this instant
    #[arg(long, value_name = "TIME", value_parser = instant)]
    until: Option<Timestamp>,
}

fn letter_id(text: &str) -> Result<LetterId, String> {
    text.parse().map_err(|error: crate::journal::letters::NotAnId| error.to_string())
}

fn reason(word: &str) -> Result<String, String> {
    if messages::is_reason(word) {
        return Ok(word.to_owned());
    }
    Err(format!("must be one of {}, or the beginning of some with a `*` behind it", messages::reasons()))
}

fn instant(text: &str) -> Result<Timestamp, String> {
    text.parse().map_err(|_| "must be an instant like 2030-01-31T08:00:00Z".to_owned())
}

impl Which {
    fn into_filter(self, id: Option<LetterId>) -> LetterFilter {
        let Which { destination, reason, from, until } = self;
        LetterFilter { destination, reason, from, until, id, sources: None }
    }
}

/// Does it.
pub(super) fn run(action: Action, loaded: &Loaded, url: Option<&str>, out: &mut Out) -> Exit {
    let done = match action {
        Action::List { rejected: true, limit, cursor, .. } => {
            let page = Page { limit, cursor };
            list_rejected(loaded, url, &page).and_then(|answer| print_rejected(&answer, out))
        }
        Action::List { which, limit, cursor, .. } => {
            let page = Page { limit, cursor };
            let filter = which.into_filter(None);
            list(loaded, url, (&filter, &page)).and_then(|answer| print_list(&answer, out))
        }
        Action::Show { id } => show(loaded, url, id, out),
        Action::Retry { id, which } => retry(loaded, url, &which.into_filter(id), out),
        Action::Drop { id, which, yes } => {
            let filter = which.into_filter(id);
            if !yes && !is_confirmed(&filter, out) {
                return Exit::Usage;
            }
            drop_letters(loaded, url, &filter, out)
        }
    };
    done.unwrap_or_else(|error| error.tell(out))
}

struct Page {
    limit: u16,
    cursor: Option<LetterId>,
}

/// Returns the query parameters of a filter.
fn query(filter: &LetterFilter) -> Vec<(&'static str, String)> {
    let texts = [
        ("destination", filter.destination.clone()),
        ("reason", filter.reason.clone()),
        ("from", filter.from.map(|from| from.to_string())),
        ("until", filter.until.map(|until| until.to_string())),
        ("id", filter.id.map(|id| id.to_string())),
    ];
    texts.into_iter().filter_map(|(name, text)| Some((name, text?))).collect()
}

fn borrowed<'a>(query: &'a [(&'static str, String)]) -> Vec<(&'static str, &'a str)> {
    query.iter().map(|(name, text)| (*name, text.as_str())).collect()
}

/// Asks the router; when none runs where the configuration says, asks `offline`.
fn ask(
    loaded: &Loaded,
    url: Option<&str>,
    (path, query): (&[&str], &[(&'static str, String)]),
    offline: impl FnOnce() -> Result<Value, RemoteError>,
) -> Result<Value, RemoteError> {
    let remote = Remote::of(&loaded.settings.server, url)?;
    match remote.get(path, &borrowed(query)) {
        Err(RemoteError::Absent(_)) if url.is_none() => offline(),
        answer => answer,
    }
}

fn list(
    loaded: &Loaded,
    url: Option<&str>,
    (filter, page): (&LetterFilter, &Page),
) -> Result<Value, RemoteError> {
    let mut asked = query(filter);
    asked.push(("limit", page.limit.to_string()));
    asked.extend(page.cursor.map(|cursor| ("cursor", cursor.to_string())));
    let journal = loaded.settings.server.data_dir.join("journal");
    ask(loaded, url, (&PATH, &asked), || {
        let limit = PageLimit::of(usize::from(page.limit));
        let found = embedded::letters_of(&journal, filter, page.cursor, limit);
        let found = found.map(LetterList::from).map_err(|error| RemoteError::Failed(error.to_string()))?;
        Ok(json!({ "dead_letters": found.dead_letters, "next": found.next }))
    })
}

/// Returns every dead letter of a destination that died for this reason; a `*` at its end stands for any rest.
///
/// # Errors
/// As for one page.
pub(super) fn every(
    loaded: &Loaded,
    url: Option<&str>,
    destination: &str,
    reason: &str,
) -> Result<Vec<Value>, RemoteError> {
    let filter = LetterFilter {
        destination: Some(destination.to_owned()),
        reason: Some(reason.to_owned()),
        ..LetterFilter::default()
    };
    let (mut letters, mut page) = (Vec::new(), Page { limit: 1000, cursor: None });
    loop {
        let answer = list(loaded, url, (&filter, &page))?;
        letters.extend(entries(&answer, "dead_letters")?.iter().cloned());
        let next = answer.get("next").and_then(Value::as_str).and_then(|next| next.parse().ok());
        match next {
            Some(next) => page.cursor = Some(next),
            None => return Ok(letters),
        }
    }
}

fn list_rejected(loaded: &Loaded, url: Option<&str>, page: &Page) -> Result<Value, RemoteError> {
    let cursor = page.cursor.map(|cursor| cursor.to_string());
    let mut asked = vec![("limit", page.limit.to_string())];
    asked.extend(cursor.clone().map(|cursor| ("cursor", cursor)));
    let journal = loaded.settings.server.data_dir.join("journal");
    ask(loaded, url, (&["api", "rejected"], &asked), || {
        let found = embedded::rejected_of(&journal, usize::from(page.limit), cursor.as_deref());
        let found = found.map_err(|error| RemoteError::Failed(error.to_string()))?;
        Ok(json!({ "rejected": found.rejected, "next": found.next }))
    })
}

fn entries<'a>(answer: &'a Value, key: &str) -> Result<&'a Vec<Value>, RemoteError> {
    let entries = answer.get(key).and_then(Value::as_array);
    entries.ok_or_else(RemoteError::no_router)
}

fn print_list(answer: &Value, out: &mut Out) -> Result<Exit, RemoteError> {
    let header = ["id", "destination", "reason", "status", "attempts", "at", "message_id", "answer"];
    print_table(answer, "dead_letters", &header, out)
}

fn print_rejected(answer: &Value, out: &mut Out) -> Result<Exit, RemoteError> {
    print_table(answer, "rejected", &["at", "source", "code", "path", "message_id", "message"], out)
}

fn print_table(answer: &Value, key: &str, keys: &[&str], out: &mut Out) -> Result<Exit, RemoteError> {
    let entries = entries(answer, key)?;
    if out.json {
        out.value(answer);
        return Ok(Exit::Fine);
    }
    let row = |entry: &Value| keys.iter().map(|key| short(entry.get(*key))).collect::<Vec<_>>();
    let header: Vec<String> = keys.iter().map(|key| (*key).to_owned()).collect();
    out.text(&columns(&header, &entries.iter().map(row).collect::<Vec<_>>()));
    if let Some(next) = answer.get("next").and_then(Value::as_str) {
        out.error(&format!("there are more: --cursor {next}"));
    }
    Ok(Exit::Fine)
}

fn short(value: Option<&Value>) -> String {
    let text = value.map(cell).unwrap_or_default();
    match text.char_indices().nth(WIDEST) {
        Some((cut, _)) => format!("{}…", text.get(..cut).unwrap_or_default()),
        None => text,
    }
}

fn show(loaded: &Loaded, url: Option<&str>, id: LetterId, out: &mut Out) -> Result<Exit, RemoteError> {
    let filter = LetterFilter { id: Some(id), ..LetterFilter::default() };
    let answer = list(loaded, url, (&filter, &Page { limit: 1, cursor: None }))?;
    let Some(letter) = entries(&answer, "dead_letters")?.first() else {
        out.error(&format!("there is no dead letter `{id}`"));
        return Ok(Exit::Failed);
    };
    if out.json {
        out.value(letter);
        return Ok(Exit::Fine);
    }
    for (key, value) in letter.as_object().into_iter().flatten().filter(|(key, _)| *key != "event") {
        fields(key, value).iter().for_each(|line| out.line(line));
    }
    let event = letter.get("event").map(|event| format!("{event:#}")).unwrap_or_default();
    event.lines().for_each(|line| out.line(&without_control(line)));
    Ok(Exit::Fine)
}

/// Returns one line, or one for each statement that is ready to be copied.
fn fields(key: &str, value: &Value) -> Vec<String> {
    let text = cell(value);
    let lines: Vec<&str> = if key == "ddl" { text.lines().collect() } else { vec![&text] };
    let blank = String::new();
    let lines = if lines.is_empty() { vec![blank.as_str()] } else { lines };
    let keys = std::iter::once(key).chain(std::iter::repeat(""));
    let line =
        |(key, text): (&str, &str)| format!("{key:<12} {}", without_control(text)).trim_end().to_owned();
    keys.zip(lines).map(line).collect()
}

fn settle(
    loaded: &Loaded,
    url: Option<&str>,
    (order, query): (&str, &[(&'static str, String)]),
) -> Result<Value, RemoteError> {
    let remote = Remote::of(&loaded.settings.server, url)?;
    let [api, letters] = PATH;
    remote.post(&[api, letters, order], &borrowed(query), None)
}

fn retry(
    loaded: &Loaded,
    url: Option<&str>,
    filter: &LetterFilter,
    out: &mut Out,
) -> Result<Exit, RemoteError> {
    let going_on = Progress::sign(out.json, "letters are sent again");
    let answer = settle(loaded, url, ("retry", &query(filter)))?;
    drop(going_on);
    tell(&answer, "sent again", out)
}

fn drop_letters(
    loaded: &Loaded,
    url: Option<&str>,
    filter: &LetterFilter,
    out: &mut Out,
) -> Result<Exit, RemoteError> {
    let mut query = query(filter);
    query.push(("confirm", filter.destination.clone().unwrap_or_else(|| "all".to_owned())));
    let going_on = Progress::sign(out.json, "letters are dropped");
    let answer = settle(loaded, url, ("drop", &query))?;
    drop(going_on);
    tell(&answer, "dropped", out)
}

fn tell(answer: &Value, what: &str, out: &mut Out) -> Result<Exit, RemoteError> {
    let number = |key: &str| answer.get(key).and_then(Value::as_u64);
    let count = number("count").ok_or_else(RemoteError::no_router)?;
    if out.json {
        out.value(answer);
        return Ok(Exit::Fine);
    }
    let noun = if count == 1 { "letter" } else { "letters" };
    out.line(&format!("{count} dead {noun} {what}"));
    if let Some(left) = number("left") {
        out.error(&format!(
            "{left} stay: their destination is off or not configured, or they cannot be read"
        ));
    }
    Ok(Exit::Fine)
}

/// Asks the person at the terminal; where there is none, `--yes` is needed.
fn is_confirmed(filter: &LetterFilter, out: &mut Out) -> bool {
    let stdin = std::io::stdin();
    if !stdin.is_terminal() {
        out.error("dropped letters are gone for good: say --yes");
        return false;
    }
    let wanted = filter.destination.as_deref().unwrap_or("all");
    let which: Vec<String> = query(filter).iter().map(|(name, text)| format!("{name} {text}")).collect();
    let which = if which.is_empty() { "all of them".to_owned() } else { which.join(", ") };
    out.error(&format!("This drops dead letters for good ({which}). Type `{wanted}` to go on:"));
    let mut answer = String::new();
    let read = stdin.lock().read_line(&mut answer);
    let confirmed = read.is_ok() && answer.trim() == wanted;
    if !confirmed {
        out.error("nothing was dropped");
    }
    confirmed
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_becomes_the_parameters_of_the_api() {
        let which = Which {
            destination: Some("a&b".into()),
            reason: None,
            from: Some("2030-01-31T08:00:00Z".parse().unwrap()),
            until: None,
        };
        let id = Some(LetterId { file: 1, offset: 2 });
        let asked = query(&which.into_filter(id));
        let texts: Vec<String> = asked.iter().map(|(name, text)| format!("{name}={text}")).collect();
        assert_eq!(texts, ["destination=a&b", "from=2030-01-31T08:00:00Z", "id=1-2"]);
    }

    #[test]
    fn statements_are_shown_as_lines_and_everything_else_as_one() {
        let ddl = json!("ALTER TABLE t ADD COLUMN a INT64;\nALTER TABLE t ADD COLUMN b\u{1b}[2J STRING;");
        let lines =
            [fields("ddl", &ddl), fields("answer", &json!("a\nb")), fields("ddl", &Value::Null)].concat();
        insta::assert_snapshot!(lines.join("\n"), @r"
        ddl          ALTER TABLE t ADD COLUMN a INT64;
                     ALTER TABLE t ADD COLUMN b\u{1b}[2J STRING;
        answer       a\nb
        ddl
        ");
    }

    #[test]
    fn long_texts_are_cut_between_characters() {
        assert_eq!(short(Some(&json!("ü".repeat(WIDEST)))), "ü".repeat(WIDEST));
        assert_eq!(short(Some(&json!("ü".repeat(WIDEST + 1)))), format!("{}…", "ü".repeat(WIDEST)));
        assert_eq!(short(Some(&Value::Null)), "");
        assert_eq!(short(Some(&json!(422))), "422");
    }
}

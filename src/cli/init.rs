//! `opentrack init`: writes a first configuration by a few questions, or by flags alone. Never writes over a file.

use std::io::{BufRead, IsTerminal};
use std::path::{Path, PathBuf};

use super::Exit;
use super::new_file;
use super::out::Out;
use crate::config::{self, shipped};

/// What the answers stand for in the shipped file.
const LISTEN: &str = "listen = [\"127.0.0.1:3000\"]";
const ENVIRONMENT: &str = "environment = \"development\"";
const DATA_DIR: &str = "data_dir = \"data\"";

/// What is to be written, as on the command line.
#[derive(Debug, Clone, Default, clap::Args)]
pub(super) struct Asked {
    /// The file to write
    #[arg(default_value = "config.toml")]
    file: PathBuf,
    /// What sends events: a name for it
    #[arg(long, value_name = "NAME")]
    source: Option<String>,
    /// The pages that may send, like `https://shop.example`; may be repeated
    #[arg(long, value_name = "URL")]
    origin: Vec<String>,
    /// The address to listen on
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<std::net::SocketAddr>,
    /// The directory of everything that the router keeps
    #[arg(long, value_name = "PATH")]
    data_dir: Option<String>,
    /// With the safety rules of production
    #[arg(long)]
    production: bool,
    /// Ask nothing
    #[arg(long)]
    yes: bool,
}

/// Asks for what the flags do not say, on a terminal, and writes the file.
pub(super) fn init(asked: &Asked, out: &mut Out) -> Exit {
    let stdin = std::io::stdin();
    let asks = !asked.yes && !out.json && stdin.is_terminal();
    let mut input = stdin.lock();
    write(asked, asks.then_some(&mut input as &mut dyn BufRead), out)
}

fn write<'a>(asked: &Asked, input: Option<&'a mut (dyn BufRead + 'a)>, out: &'a mut Out) -> Exit {
    if let Err(exit) = new_file::expect_none(&asked.file, out) {
        return exit;
    }
    let mut questions = Questions { input, out };
    let source = questions.text("A name for what sends events", asked.source.as_deref(), "web");
    if !is_name(&source) {
        questions.out.error(&format!("`{source}` is no name: letters, digits, `_` and `-`"));
        return Exit::Usage;
    }
    let origins = match asked.origin.as_slice() {
        [] => questions.text("Pages that may send, separated by spaces; none for all", None, ""),
        some => some.join(" "),
    };
    let listen = asked.listen.map(|listen| listen.to_string());
    let listen = questions.text("The address to listen on", listen.as_deref(), "127.0.0.1:3000");
    if listen.parse::<std::net::SocketAddr>().is_err() {
        questions.out.error(&format!("`{listen}` is no address like 127.0.0.1:3000"));
        return Exit::Usage;
    }
    let origins: Vec<&str> = origins.split_whitespace().collect();
    let key: String = config::random_text().chars().take(40).collect();
    let text = text((&source, &key, &origins), &listen, asked);
    let out = questions.out;
    match new_file::write(&asked.file, &text, out) {
        Ok(()) => told(&asked.file, &source, &key, out),
        Err(exit) => exit,
    }
}

fn told(file: &Path, source: &str, key: &str, out: &mut Out) -> Exit {
    let shown = file.display().to_string();
    if out.json {
        out.value(&serde_json::json!({ "file": shown, "source": source, "write_key": key }));
    } else {
        out.line(&format!("wrote {shown}; the write key of `{source}` is {key}"));
        out.line(&format!("next: opentrack check {shown} && opentrack --config {shown}"));
    }
    Exit::Fine
}

/// Returns the shipped file with these answers in it.
fn text((source, key, origins): (&str, &str, &[&str]), listen: &str, asked: &Asked) -> String {
    let quoted = |text: &str| toml::Value::from(text).to_string();
    let origins: Vec<String> = origins.iter().map(|origin| quoted(origin)).collect();
    let environment = if asked.production { "environment = \"production\"" } else { ENVIRONMENT };
    let data_dir = asked.data_dir.as_ref().map(|path| format!("data_dir = {}", quoted(path)));
    let shipped = shipped::config_toml()
        .replacen(LISTEN, &format!("listen = [{}]", quoted(listen)), 1)
        .replacen(ENVIRONMENT, environment, 1)
        .replacen(DATA_DIR, data_dir.as_deref().unwrap_or(DATA_DIR), 1);
    format!(
        "{shipped}\n[sources.{source}]\nwrite_keys = [{}]\norigins = [{}]\n",
        quoted(key),
        origins.join(", ")
    )
}

/// Returns whether a text may stand in the header of a table as it is.
pub(super) fn is_name(text: &str) -> bool {
    let is_part = |letter: char| letter.is_ascii_alphanumeric() || letter == '_' || letter == '-';
    !text.is_empty() && text.chars().all(is_part)
}

struct Questions<'a> {
    /// `None`: nobody is asked.
    input: Option<&'a mut (dyn BufRead + 'a)>,
    out: &'a mut Out,
}

impl Questions<'_> {
    /// Returns what the flag says, else what is answered, else the usual.
    fn text(&mut self, question: &str, flag: Option<&str>, usual: &str) -> String {
        if let Some(flag) = flag {
            return flag.to_owned();
        }
        let Some(input) = &mut self.input else { return usual.to_owned() };
        self.out.text(&format!("{question} [{usual}]: "));
        let mut answer = String::new();
        // Who says nothing more wants the usual.
        input.read_line(&mut answer).unwrap_or_default();
        let answer = answer.trim();
        if answer.is_empty() { usual.to_owned() } else { answer.to_owned() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Environment, Source};

    fn quiet() -> Out {
        Out::new(Box::new(std::io::sink()), Box::new(std::io::sink()))
    }

    #[test]
    fn answers_and_flags_become_a_configuration_that_is_right_and_never_written_over() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("new.toml");
        let asked = Asked { file: file.clone(), source: Some("shop".to_owned()), ..Asked::default() };
        let mut answers: &[u8] = b"https://a.example https://b.example\n0.0.0.0:4000\n";
        assert_eq!(write(&asked, Some(&mut answers), &mut quiet()), Exit::Fine);
        let loaded = config::load(&Source::Named(file.clone()), &Environment::default()).unwrap();
        let settings = loaded.settings;
        assert_eq!(settings.server.listen, ["0.0.0.0:4000".parse().unwrap()]);
        let source = &settings.sources[0];
        assert_eq!((&*source.name, source.write_keys.len()), ("shop", 1));
        assert_eq!(source.origins, ["https://a.example", "https://b.example"]);
        let before = std::fs::read_to_string(&file).unwrap();
        assert_eq!(write(&asked, None, &mut quiet()), Exit::Usage);
        assert_eq!(std::fs::read_to_string(&file).unwrap(), before);
    }

    #[test]
    fn without_questions_the_usual_is_written_and_nonsense_is_refused() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("new.toml");
        let bad = Asked { file: file.clone(), source: Some("a b".to_owned()), ..Asked::default() };
        assert_eq!((write(&bad, None, &mut quiet()), file.try_exists().unwrap()), (Exit::Usage, false));
        let data_dir = Some("/var/lib/\"here\"".to_owned());
        let asked = Asked { file: file.clone(), production: true, data_dir, ..Asked::default() };
        assert_eq!(write(&asked, None, &mut quiet()), Exit::Fine);
        let text = std::fs::read_to_string(&file).unwrap();
        assert!(text.contains("environment = \"production\"") && text.contains("[sources.web]"));
        let secrets = ["JWT_SECRET", "SITE_SALT"];
        let environment =
            secrets.iter().fold(Environment::default(), |all, name| all.with(name, &name.repeat(8)));
        let server = config::load(&Source::Named(file), &environment).unwrap().settings.server;
        assert_eq!(server.data_dir, Path::new("/var/lib/\"here\""));
    }
}

//! Parts of an address in the form that Meta hashes.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::LazyLock;

/// Names of countries in one spelling, with their codes.
static COUNTRIES: LazyLock<HashMap<&str, &str>> = LazyLock::new(|| table(include_str!("tables/countries.txt")));
/// The same of the states of the USA.
static STATES: LazyLock<HashMap<&str, &str>> = LazyLock::new(|| table(include_str!("tables/us_states.txt")));

const USA: &str = "us";

/// Lines of a code and what it stands for; a code stands for itself.
fn table(text: &'static str) -> HashMap<&'static str, &'static str> {
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    let words = lines.filter_map(|line| Some((line.split(' ').next()?, line)));
    words.flat_map(|(code, line)| line.split(' ').map(move |word| (word, code))).collect()
}

/// Returns the code of two letters, of a name, a code of two or of three letters; `None` when there is no such country.
pub(super) fn country(text: &str) -> Option<&'static str> {
    COUNTRIES.get(plain(text).as_str()).copied()
}

/// Returns the code of a state of the USA, or the name of any other; `country` is the code, where it is known.
pub(super) fn state<'t>(text: &'t str, country: Option<&str>) -> Option<Cow<'t, str>> {
    let name = plain(text);
    let code = country.is_none_or(|country| country == USA).then(|| STATES.get(name.as_str())).flatten();
    Some(code.map_or(Cow::Owned(name), |code| Cow::Borrowed(*code)))
}

/// Returns a postal code without what may stand within; of the longer form of the USA the first five digits.
pub(super) fn zip<'t>(text: &'t str, country: Option<&str>) -> Option<Cow<'t, str>> {
    let is_digits = |text: &str, digits: usize| text.len() == digits && text.bytes().all(|byte| byte.is_ascii_digit());
    let (begin, end) = text.split_once('-').unwrap_or((text, ""));
    let is_long = is_digits(begin.trim(), 5) && is_digits(end.trim(), 4);
    let code = match country {
        Some(USA) => text.get(..5).unwrap_or(text),
        None if is_long => begin.trim(),
        _ => text,
    };
    Some(code.split('-').collect::<String>().into())
}

/// Returns the name of a city; what is not a letter goes with the blanks.
pub(super) fn city(text: &str) -> Option<Cow<'_, str>> {
    Some(without_punctuation(text))
}

/// Returns the text without marks that people write or leave out as they like: "O'Neill-Smith", "St. Gallen".
pub(super) fn without_punctuation(text: &str) -> Cow<'_, str> {
    let is_mark = |character: char| {
        character.is_ascii_punctuation() || matches!(character, '\u{2010}'..='\u{2027}' | '´' | '¡' | '¿' | '«' | '»' | '·')
    };
    if text.contains(is_mark) { Cow::Owned(text.replace(is_mark, "")) } else { Cow::Borrowed(text) }
}

/// In lower case, letters and digits alone.
fn plain(text: &str) -> String {
    text.chars().filter(|character| character.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

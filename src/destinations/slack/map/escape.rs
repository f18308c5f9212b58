//! Makes text of values: an event's sender must not be able to mention a channel, make a link or begin another alert.
//!
//! Slack's three characters: <https://docs.slack.dev/messaging/formatting-message-text#escaping>. Bold, italics and emoji
//! have no escape there and do no harm.

use std::borrow::Cow;
use std::fmt::Write as _;

use crate::destinations::reply::words;

/// Most characters of one value; an alert is read, not parsed.
const MAX_VALUE_CHARACTERS: usize = 300;

/// What wakes a whole channel in Slack, Mattermost, Rocket.Chat or Discord.
const MENTIONS: [&str; 4] = ["channel", "here", "everyone", "all"];

/// What the three characters become.
const ESCAPES: [&str; 3] = ["&amp;", "&lt;", "&gt;"];

const ELLIPSIS: char = '…';
/// A space of no width: what it stands in reads the same and is text.
const NO_WIDTH: char = '\u{200b}';

/// Returns the value on one line, escaped and cut.
pub(super) fn value(text: &str) -> String {
    let text = words(text);
    let mut out = String::with_capacity(text.len());
    for character in text.chars().take(MAX_VALUE_CHARACTERS) {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            other => out.push(other),
        }
    }
    if text.chars().count() > MAX_VALUE_CHARACTERS {
        out.write_char(ELLIPSIS).ok();
    }
    out
}

/// Returns the message of its pieces, each with whether an event brought it. What an event brings mentions nobody and makes
/// no link, also not together with what stands beside it: `@{properties.who}`.
pub(super) fn joined<'p>(pieces: impl Iterator<Item = (Cow<'p, str>, bool)>) -> String {
    let (mut text, mut is_foreign) = (String::new(), Vec::new());
    for (piece, foreign) in pieces {
        text.push_str(&piece);
        is_foreign.resize(text.len(), foreign);
    }
    let mut out = String::with_capacity(text.len());
    for (at, character) in text.char_indices() {
        out.push(character);
        let bytes = special(&text, at).and_then(|length| is_foreign.get(at..at + length));
        if bytes.is_some_and(|bytes| bytes.contains(&true)) {
            out.push(NO_WIDTH);
        }
    }
    out
}

/// Returns how many bytes are more than text, when such a thing begins here.
fn special(text: &str, at: usize) -> Option<usize> {
    let (before, rest) = text.split_at_checked(at)?;
    let after = rest.get(1..)?;
    match rest.bytes().next()? {
        b'@' => mention(after),
        b'!' if before.ends_with('<') => mention(after),
        b'<' => after.starts_with(['!', '@', '#']).then_some(2),
        // A link in Mattermost and Discord.
        b']' => after.starts_with('(').then_some(2),
        _ => None,
    }
}

/// Returns how many bytes a mention has whose sign is followed by this.
fn mention(after: &str) -> Option<usize> {
    let begins = |word: &&str| after.get(..word.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(word));
    MENTIONS.into_iter().find(begins).map(|word| 1 + word.len())
}

/// Returns the text cut to so many characters, with a mark of it, never inside of an escape.
pub(super) fn cut(text: String, max_characters: usize) -> String {
    let Some((end, _)) = text.char_indices().nth(max_characters) else { return text };
    let kept = text.get(..end).unwrap_or_default();
    let mut kept: String = kept.chars().take(max_characters.saturating_sub(1)).collect();
    let is_broken = |at: &usize| {
        let begun = kept.get(*at..).unwrap_or_default();
        ESCAPES.iter().any(|escape| escape.len() > begun.len() && escape.starts_with(begun))
    };
    let broken = kept.rfind('&').filter(is_broken);
    kept.truncate(broken.unwrap_or(kept.len()));
    kept.push(ELLIPSIS);
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_one_line_of_harmless_text() {
        for (text, expected) in [
            ("a\nb\tc", "a b c"),
            ("<https://evil.example|click> & co", "&lt;https://evil.example|click&gt; &amp; co"),
            ("größe", "größe"),
        ] {
            assert_eq!(value(text), expected, "{text}");
        }
    }

    #[test]
    fn a_value_mentions_nobody() {
        let alone = |text: &str| joined(std::iter::once((Cow::Owned(value(text)), true)));
        let expected = "@\u{200b}CHANNEL @\u{200b}here x@\u{200b}everyone @\u{200b}all";
        assert_eq!(alone("@CHANNEL @here x@everyone @all"), expected);
        assert_eq!(alone("ada@example.com @ größe@"), "ada@example.com @ größe@");
    }

    #[test]
    fn a_long_value_is_cut_by_characters() {
        let exact = "é".repeat(MAX_VALUE_CHARACTERS);
        assert_eq!(value(&exact), exact);
        assert_eq!(value(&format!("{exact}x")), format!("{exact}…"));
    }

    #[test]
    fn a_long_text_is_cut_outside_of_an_escape() {
        assert_eq!(cut("12345".to_owned(), 5), "12345");
        assert_eq!(cut("123456".to_owned(), 5), "1234…");
        for max in 3..=6 {
            assert_eq!(cut("1&amp;234".to_owned(), max), "1…", "{max}");
        }
        assert_eq!(cut("1&amp;234".to_owned(), 7), "1&amp;…");
        assert_eq!(cut("R&D alert: 12345".to_owned(), 12), "R&D alert: …");
        assert_eq!(cut("R&D alert".to_owned(), 4), "R&D…");
    }
}

//! Makes text of values: an event's sender must not be able to mention a channel, make a link or begin another alert.
//!
//! Slack's three characters: <https://docs.slack.dev/messaging/formatting-message-text#escaping>. Bold, italics and emoji
//! have no escape there and do no harm.

use std::fmt::Write as _;

use crate::destinations::reply::words;

/// Most characters of one value; an alert is read, not parsed.
const MAX_VALUE_CHARACTERS: usize = 300;

/// What wakes a whole channel in Slack, Mattermost, Rocket.Chat or Discord.
const MENTIONS: [&str; 4] = ["channel", "here", "everyone", "all"];

const ELLIPSIS: char = '…';

/// Returns the value on one line, escaped and cut.
pub(super) fn value(text: &str) -> String {
    let text = words(text);
    let mut out = String::with_capacity(text.len());
    for (at, character) in text.char_indices().take(MAX_VALUE_CHARACTERS) {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            // With a space of no width behind it, it reads the same and mentions nobody.
            '@' if mentions(&text, at) => out.push_str("@\u{200b}"),
            other => out.push(other),
        }
    }
    if text.chars().count() > MAX_VALUE_CHARACTERS {
        out.write_char(ELLIPSIS).ok();
    }
    out
}

fn mentions(text: &str, at: usize) -> bool {
    let rest = text.get(at + 1..).unwrap_or_default();
    let begins = |word: &&str| rest.get(..word.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(word));
    MENTIONS.iter().any(begins)
}

/// Returns the text cut to so many characters, with a mark of it, never inside of an escape.
pub(super) fn cut(text: String, max_characters: usize) -> String {
    let Some((end, _)) = text.char_indices().nth(max_characters) else { return text };
    let kept = text.get(..end).unwrap_or_default();
    let mut kept: String = kept.chars().take(max_characters.saturating_sub(1)).collect();
    let broken = kept.rfind('&').filter(|at| !kept.get(*at..).unwrap_or_default().contains(';'));
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
            ("@CHANNEL @here x@everyone @all", "@\u{200b}CHANNEL @\u{200b}here x@\u{200b}everyone @\u{200b}all"),
            ("ada@example.com @", "ada@example.com @"),
            ("größe", "größe"),
        ] {
            assert_eq!(value(text), expected, "{text}");
        }
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
    }
}

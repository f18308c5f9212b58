//! Looking for people in lines that are kept beside the events: in what was rejected, and in the words of other sides.
//!
//! Separate from `people` because a whole disk may have to be looked through while others wait: one automaton is made of all ids,
//! and a line is passed over once, however many ids there are. Never alters a line: it says which bytes are an id.

use std::borrow::Cow;
use std::ops::Range;

use aho_corasick::{AhoCorasick, AhoCorasickKind};

use super::People;
use super::layout::{self, Places};

/// A shorter id is not looked for in the words of others: it would be found in every second line.
const SHORTEST: usize = 6;

/// Looks for some people.
#[derive(Debug)]
pub struct Seeker<'p> {
    people: &'p People,
    /// Their ids as they stand in JSON, without the quotation marks.
    words: AhoCorasick,
}

impl<'p> Seeker<'p> {
    /// Makes the automaton.
    ///
    /// # Errors
    /// In words: the ids are too long together, some gigabytes.
    pub fn of(people: &'p People) -> Result<Seeker<'p>, String> {
        let is_word = |id: &&str| id.len() >= SHORTEST && id.chars().any(char::is_alphanumeric);
        let long = people.ids().filter(is_word);
        let words = long.filter_map(|id| {
            let quoted = serde_json::to_string(id).ok()?;
            Some(quoted.strip_prefix('"')?.strip_suffix('"')?.to_owned())
        });
        // The other kinds take much more memory, or time.
        let kind = Some(AhoCorasickKind::ContiguousNFA);
        let words = AhoCorasick::builder().kind(kind).build(words).map_err(|error| error.to_string())?;
        Ok(Seeker { people, words })
    }

    /// Returns whom is looked for.
    pub fn people(&self) -> &People {
        self.people
    }

    /// Returns whether a line about a rejected event is about one of them. One that is no JSON object is, where an id stands in
    /// it: nobody can say whose it is.
    pub fn concerns_rejected(&self, line: &str) -> bool {
        let Some(event) = layout::member(line, "event") else { return self.concerns_broken(line) };
        match serde_json::from_str::<String>(event) {
            Ok(broken) => self.has_quoted(&broken) || self.is_mentioned(event),
            Err(_) if event.starts_with('{') => self.people.concerns_text(event),
            Err(_) => self.concerns_broken(event),
        }
    }

    /// Returns whether one of their ids stands in what is no JSON, in quotation marks or as a word.
    pub fn concerns_broken(&self, text: &str) -> bool {
        self.has_quoted(text) || self.is_mentioned(text)
    }

    /// Returns where one of their ids stands in the texts that are the members of these names, or in them: a whole text, or no
    /// part of a longer word in one. Numbers, and what is no JSON object, have none. Ordered; none reaches into another.
    pub fn mentions(&self, line: &str, members: &[&str]) -> Vec<Range<usize>> {
        if self.words.find(line).is_none() {
            return Vec::new();
        }
        let Some(places) = layout::places(line) else { return Vec::new() };
        let mut texts = texts_of(line, &places, members).into_iter().peekable();
        let mut found = self.words_of(line);
        found.retain(|word| {
            while texts.next_if(|text| text.end <= word.start).is_some() {}
            texts.peek().is_some_and(|text| text.start <= word.start && word.end <= text.end)
        });
        found
    }

    fn is_mentioned(&self, text: &str) -> bool {
        !self.words_of(text).is_empty()
    }

    /// Returns where ids stand that are no part of a longer word, ordered; what overlaps is joined.
    fn words_of(&self, text: &str) -> Vec<Range<usize>> {
        let all = self.words.try_find_overlapping_iter(text).into_iter().flatten();
        let words = all.map(|found| found.range()).filter(|range| is_word(text.as_bytes(), range));
        let mut words: Vec<Range<usize>> = words.collect();
        words.sort_unstable_by_key(|word| word.start);
        words.dedup_by(|next, last| {
            let is_joined = next.start < last.end;
            last.end = if is_joined { last.end.max(next.end) } else { last.end };
            is_joined
        });
        words
    }

    /// Returns whether one of the ids stands between two quotation marks, wherever texts may begin in it.
    fn has_quoted(&self, text: &str) -> bool {
        let mut last = None;
        memchr::memchr_iter(b'"', text.as_bytes()).filter(|at| !is_escaped(text.as_bytes(), *at)).any(
            |quote| {
                let before = last.replace(quote);
                let raw = before.and_then(|start: usize| text.get(start..=quote));
                raw.and_then(super::head::string).is_some_and(|id: Cow<'_, str>| self.people.has(&id))
            },
        )
    }
}

/// Returns where the texts within the members of these names are, without their quotation marks, in order.
fn texts_of(line: &str, places: &Places<'_>, members: &[&str]) -> Vec<Range<usize>> {
    let mut texts = Vec::new();
    let wanted = places.iter().filter(|(name, _)| members.contains(&name.as_ref()));
    for place in wanted.map(|(_, place)| place.clone()) {
        let value = line.get(place.clone()).unwrap_or_default().as_bytes();
        let mut begun = None;
        for quote in memchr::memchr_iter(b'"', value).filter(|at| !is_escaped(value, *at)) {
            match begun.take() {
                Some(start) => texts.push(place.start + start..place.start + quote),
                None => begun = Some(quote + 1),
            }
        }
    }
    texts
}

/// Returns whether an odd number of backslashes stands before a byte.
fn is_escaped(text: &[u8], at: usize) -> bool {
    let before = text.get(..at).unwrap_or_default();
    before.iter().rev().take_while(|byte| **byte == b'\\').count() % 2 == 1
}

/// Returns whether a place is whole words, and does not begin within an escape.
fn is_word(text: &[u8], range: &Range<usize>) -> bool {
    let is_part = |byte: u8| byte.is_ascii_alphanumeric() || byte >= 0x80;
    let before = range.start.checked_sub(1);
    let follows_part =
        before.is_some_and(|at| text.get(at).copied().is_some_and(is_part) && !ends_escape(text, at));
    let precedes_part = text.get(range.end).copied().is_some_and(is_part);
    !follows_part && !precedes_part && !is_escaped(text, range.start)
}

/// Returns whether the letter at a place is one such as that of a line feed.
fn ends_escape(text: &[u8], at: usize) -> bool {
    text.get(at).is_some_and(|byte| b"bfnrt".contains(byte)) && is_escaped(text, at)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::IdKind;

    fn people(ids: &[&str]) -> People {
        People::new(IdKind::UserId, ids.iter().copied())
    }

    fn starred(ids: &[&str], line: &str) -> String {
        let people = people(ids);
        let mut text = line.to_owned().into_bytes();
        for word in Seeker::of(&people).unwrap().mentions(line, &["answer", "event"]) {
            text[word].fill(b'*');
        }
        let text = String::from_utf8(text).unwrap();
        serde_json::from_str::<serde_json::Value>(&text).unwrap();
        text
    }

    #[test]
    fn an_id_is_found_in_the_words_of_others_and_neither_in_ours_nor_in_longer_words() {
        let ids = ["user-123", "7", "123456", "2026-11", "user-123-b", "n-user1", "an\"na\\u"];
        for (line, expected) in [
            (
                r#"{"to":"user-123","at":"2026-11-01","answer":"no user-123; user-1234 7 \"user-123\"","p":123456}"#,
                r#"{"to":"user-123","at":"2026-11-01","answer":"no ********; user-1234 7 \"********\"","p":123456}"#,
            ),
            (r#"{"answer":"user-123"}"#, r#"{"answer":"********"}"#),
            (r#"{"answer":"user-123-b x\nuser-123"}"#, r#"{"answer":"********** x\n********"}"#),
            (r#"{"answer":"x\n-user1 n-user1"}"#, r#"{"answer":"x\n-user1 *******"}"#),
            (r#"{"answer":"[an\"na\\u]"}"#, r#"{"answer":"[*********]"}"#),
            (r#"{"event":{"a":123456,"b":["123456"]}}"#, r#"{"event":{"a":123456,"b":["******"]}}"#),
            (r#"{"answer":"\\","x":"user-123"}"#, r#"{"answer":"\\","x":"user-123"}"#),
        ] {
            assert_eq!(starred(&ids, line), expected);
        }
    }

    #[test]
    fn a_rejected_event_is_about_them_also_when_it_cannot_be_read() {
        let people = people(&["u-1", "user-123"]);
        let seeker = Seeker::of(&people).unwrap();
        for theirs in [
            r#"{"code":"wrong_type","event":{"userId":"u-1","event":3}}"#,
            r#"{"code":"wrong_type","event":{"userId":"x","userId":"u-1"}}"#,
            r#"{"code":"bad_json","event":"{\"userId\":\"u-1\","}"#,
            r#"{"code":"bad_json","event":"{\"userId:\"\u0075-1\","}"#,
            r#"{"code":"bad_json","event":"{\"userId\":\"user-123"}"#,
            r#"{"code":"not_an_object","event":["u-1"]}"#,
            r#"{"code":"bad_json","event":"{\"userId\":\"user-123"#,
        ] {
            assert!(seeker.concerns_rejected(theirs), "{theirs}");
        }
        for other in [
            r#"{"code":"bad_json","event":"{\"userId\":\"u-10\","}"#,
            r#"{"code":"bad_json","event":"{\"userId\":\"user-1234"}"#,
            r#"{"code":"wrong_type","event":{"userId":"u-1","userId":"x"}}"#,
        ] {
            assert!(!seeker.concerns_rejected(other), "{other}");
        }
    }
}

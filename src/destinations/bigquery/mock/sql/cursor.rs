//! A place in a statement, from which words are taken.

use super::lex::{Token, What};

/// Words that are left, and the text that they come from.
pub(super) struct Cursor<'a> {
    pub(super) text: &'a str,
    tokens: &'a [Token],
}

impl<'a> Cursor<'a> {
    /// Begins at the first word.
    pub(super) fn new(text: &'a str, tokens: &'a [Token]) -> Cursor<'a> {
        Cursor { text, tokens }
    }

    /// Returns the next word without taking it.
    pub(super) fn peek(&self) -> Option<&'a What> {
        self.tokens.first().map(|token| &token.what)
    }

    /// Returns the words that are left.
    pub(super) fn rest(&self) -> &'a [Token] {
        self.tokens
    }

    /// Returns the text that is left.
    pub(super) fn rest_text(&self) -> &'a str {
        let at = self.tokens.first().map_or(self.text.len(), |token| token.at);
        self.text.get(at..).unwrap_or_default()
    }

    /// Takes a word.
    pub(super) fn next(&mut self) -> Option<&'a What> {
        let (first, rest) = self.tokens.split_first()?;
        self.tokens = rest;
        Some(&first.what)
    }

    /// Takes these keywords when all of them follow.
    pub(super) fn take(&mut self, words: &str) -> bool {
        let mut left = self.tokens;
        for word in words.split(' ') {
            match left.split_first() {
                Some((Token { what: What::Word(found), .. }, rest)) if found.eq_ignore_ascii_case(word) => {
                    left = rest
                }
                _ => return false,
            }
        }
        self.tokens = left;
        true
    }

    /// Takes a sign when it follows.
    pub(super) fn sign(&mut self, sign: char) -> bool {
        let found = self.peek() == Some(&What::Sign(sign));
        if found {
            self.next();
        }
        found
    }

    /// Takes a sign.
    ///
    /// # Errors
    /// Another word follows.
    pub(super) fn expect(&mut self, sign: char) -> Result<(), String> {
        if self.sign(sign) { Ok(()) } else { Err(self.unexpected(&format!("\"{sign}\""))) }
    }

    /// Takes keywords.
    ///
    /// # Errors
    /// Other words follow.
    pub(super) fn expect_words(&mut self, words: &str) -> Result<(), String> {
        if self.take(words) { Ok(()) } else { Err(self.unexpected(&format!("keyword {words}"))) }
    }

    /// Takes a name.
    ///
    /// # Errors
    /// Something else follows.
    pub(super) fn name(&mut self) -> Result<String, String> {
        match self.peek() {
            Some(What::Word(name) | What::Name(name)) => {
                self.next();
                Ok(name.clone())
            }
            _ => Err(self.unexpected("identifier")),
        }
    }

    /// Takes the name of a table with its dataset and its project, as far as they are there.
    ///
    /// # Errors
    /// Something else follows.
    pub(super) fn path(&mut self) -> Result<Vec<String>, String> {
        let mut parts: Vec<String> = self.name()?.split('.').map(str::to_owned).collect();
        while self.sign('.') {
            parts.extend(self.name()?.split('.').map(str::to_owned));
        }
        Ok(parts)
    }

    /// Returns what is wrong here.
    pub(super) fn unexpected(&self, wanted: &str) -> String {
        let found = match self.peek() {
            None => "end of input".to_owned(),
            Some(What::Word(word)) => format!("\"{word}\""),
            Some(What::Name(name)) => format!("`{name}`"),
            Some(What::Text(text)) => format!("string \"{text}\""),
            Some(What::Number(number)) => number.clone(),
            Some(What::Sign(sign)) => format!("\"{sign}\""),
        };
        let at = self.text.len() - self.rest_text().len();
        let before = self.text.get(..at).unwrap_or_default();
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().map_or(0, |last| last.chars().count()) + 1;
        format!("Syntax error: Expected {wanted} but got {found} at [{line}:{column}]")
    }
}

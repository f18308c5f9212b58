//! The words of a statement.

/// One word with its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Token {
    pub(super) what: What,
    /// Where it begins in the text, in bytes.
    pub(super) at: usize,
}

/// What a word is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum What {
    /// A keyword or a bare name.
    Word(String),
    /// A name between backticks.
    Name(String),
    /// A text between quotes.
    Text(String),
    /// A number as it is written.
    Number(String),
    /// Anything else, one character.
    Sign(char),
}

/// Cuts a text into its words; comments and blanks are left out.
///
/// # Errors
/// A quote is not closed.
pub(super) fn tokens(text: &str) -> Result<Vec<Token>, String> {
    let mut found = Vec::new();
    let mut rest = text;
    loop {
        rest = skip(rest)?;
        let Some(first) = rest.chars().next() else { return Ok(found) };
        let at = text.len() - rest.len();
        let (what, left) = match first {
            '`' => quoted(rest, first, What::Name)?,
            '\'' | '"' => quoted(rest, first, What::Text)?,
            _ if first.is_alphabetic() || first == '_' || first == '@' => {
                taken(rest, |character| character.is_alphanumeric() || "_@".contains(character), What::Word)
            }
            _ if first.is_ascii_digit() => {
                taken(rest, |character| character.is_alphanumeric() || character == '.', What::Number)
            }
            sign => (What::Sign(sign), rest.get(sign.len_utf8()..).unwrap_or_default()),
        };
        found.push(Token { what, at });
        rest = left;
    }
}

/// Leaves out blanks and comments.
fn skip(text: &str) -> Result<&str, String> {
    let mut rest = text.trim_start();
    loop {
        rest = if rest.starts_with("--") || rest.starts_with('#') {
            rest.split_once('\n').map_or("", |(_, behind)| behind).trim_start()
        } else if let Some(comment) = rest.strip_prefix("/*") {
            let (_, behind) = comment.split_once("*/").ok_or("Unclosed comment")?;
            behind.trim_start()
        } else {
            return Ok(rest);
        };
    }
}

fn taken(text: &str, belongs: impl Fn(char) -> bool, what: fn(String) -> What) -> (What, &str) {
    let end = text.find(|character| !belongs(character)).unwrap_or(text.len());
    let (word, rest) = text.split_at_checked(end).unwrap_or((text, ""));
    (what(word.to_owned()), rest)
}

fn quoted(text: &str, quote: char, what: fn(String) -> What) -> Result<(What, &str), String> {
    let mut word = String::new();
    let mut characters = text.char_indices().skip(1);
    while let Some((at, character)) = characters.next() {
        match character {
            '\\' => match characters.next() {
                Some((_, 'n')) => word.push('\n'),
                Some((_, 't')) => word.push('\t'),
                Some((_, other)) => word.push(other),
                None => break,
            },
            end if end == quote => {
                return Ok((what(word), text.get(at + end.len_utf8()..).unwrap_or_default()));
            }
            other => word.push(other),
        }
    }
    Err(format!("Unclosed {}", if quote == '`' { "identifier literal" } else { "string literal" }))
}

//! Dates of birth in the form that Meta hashes: year, month and day without anything between.

/// Returns the eight digits of a date; `None` when it is none, or when it cannot be told which number is the day.
///
/// It is read as `1990-01-31` with anything after it, `1990/1/31`, `19900131`, `1/31/1990` as in the USA, and `31.1.1990`.
pub(super) fn digits(text: &str) -> Option<String> {
    let date = text.split(['T', ' ']).next().unwrap_or_default();
    if date.len() == 8 && date.bytes().all(|byte| byte.is_ascii_digit()) {
        return written(date.get(..4)?, date.get(4..6)?, date.get(6..)?);
    }
    let separator = date.chars().find(|character| !character.is_ascii_digit())?;
    let mut parts = date.split(separator);
    let (first, second, third) = (parts.next()?, parts.next()?, parts.next()?);
    match (separator, first.len(), parts.next()) {
        ('-' | '/' | '.', 4, None) => written(first, second, third),
        ('.', _, None) => written(third, second, first),
        ('/' | '-', _, None) if number(first)? > 12 => written(third, second, first),
        ('/' | '-', _, None) => written(third, first, second),
        _ => None,
    }
}

fn written(year: &str, month: &str, day: &str) -> Option<String> {
    let (year, month, day) = (number(year)?, number(month)?, number(day)?);
    let is_date = (1900..2100).contains(&year) && (1..=12).contains(&month) && (1..=31).contains(&day);
    is_date.then(|| format!("{year:04}{month:02}{day:02}"))
}

fn number(text: &str) -> Option<u32> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok()).flatten()
}

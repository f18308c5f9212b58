//! The address of a page without what it tells about its visitor.
//!
//! Forms and letters put e-mail addresses and phone numbers into addresses, and Meta forbids them there.

use std::borrow::Cow;

use super::extra;

/// Returns whether it is the address of a page: `http` or `https`, and a host.
pub(super) fn is_page(url: &str) -> bool {
    let authority = after_scheme(url).and_then(|rest| rest.split(['/', '?', '#']).next());
    authority.is_some_and(|authority| !authority.is_empty() && !authority.ends_with('@'))
}

fn after_scheme(url: &str) -> Option<&str> {
    ["https://", "http://"].into_iter().find_map(|scheme| {
        let (begin, rest) = url.split_at_checked(scheme.len())?;
        begin.eq_ignore_ascii_case(scheme).then_some(rest)
    })
}

/// Returns the address without user, password and fragment, without parts of the path that hold an e-mail address, and without
/// parameters that have a personal name or hold one.
pub(super) fn clean(url: &str) -> Cow<'_, str> {
    // Most have nothing of all that.
    if !url.contains(['?', '#', '@', '%']) {
        return Cow::Borrowed(url);
    }
    let whole = url.split('#').next().unwrap_or_default();
    let (place, query) = whole.split_once('?').unwrap_or((whole, ""));
    let begin = place.len() - after_scheme(place).unwrap_or_default().len();
    let (scheme, rest) = place.split_at_checked(begin).unwrap_or((place, ""));
    let (authority, path) = rest.split_once('/').map_or((rest, None), |(authority, path)| (authority, Some(path)));
    let host = authority.rsplit('@').next().unwrap_or_default();
    let mut out = format!("{scheme}{host}");
    for part in path.into_iter().flat_map(|path| path.split('/')).filter(|part| !extra::holds_email(part)) {
        out.push('/');
        out.push_str(part);
    }
    let told = query.split('&').filter(|pair| !pair.is_empty() && !is_personal(pair));
    for (index, pair) in told.enumerate() {
        out.push(if index == 0 { '?' } else { '&' });
        out.push_str(pair);
    }
    Cow::Owned(out)
}

/// `billing[phone]` and `user_email` are personal as `phone` and `email` are.
fn is_personal(pair: &str) -> bool {
    let name = decoded(pair.split('=').next().unwrap_or_default());
    let is_mark = |character: char| !character.is_alphanumeric();
    let in_part = || name.contains(is_mark) && name.split(is_mark).any(extra::is_personal);
    extra::is_personal(&name) || in_part() || extra::holds_email(pair)
}

/// Returns the text without its escapes of the form `%40`, also where they are escaped again.
pub(super) fn decoded(text: &str) -> Cow<'_, str> {
    const MOST_TIMES: usize = 3;
    let mut text = Cow::Borrowed(text);
    for _ in 0..MOST_TIMES {
        if !text.contains('%') {
            break;
        }
        text = Cow::Owned(once(&text));
    }
    text
}

fn once(text: &str) -> String {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [byte, after @ ..] = rest {
        match after {
            [high, low, after @ ..] if *byte == b'%' && high.is_ascii_hexdigit() && low.is_ascii_hexdigit() => {
                out.push(digit(*high) << 4 | digit(*low));
                rest = after;
            }
            _ => {
                out.push(*byte);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

/// Of a hexadecimal digit.
fn digit(byte: u8) -> u8 {
    char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok()).unwrap_or_default()
}

//! `fbc` and `fbp`: the click on an advertisement and the browser, as Meta's cookies name them.

use std::borrow::Cow;

use super::call::{Call, part, text};

/// Returns the click: as the cookie has it, else made from the `fbclid` of the page's address.
/// <https://developers.facebook.com/docs/marketing-api/conversions-api/parameters/fbp-and-fbc>.
pub(super) fn fbc<'e>(call: &Call<'e>) -> Option<Cow<'e, str>> {
    cookie(call, call.context.fbc, ("fbc", "_fbc")).map(Cow::Borrowed).or_else(|| {
        let at = call.event.receipt.timestamp.as_millisecond();
        Some(Cow::Owned(format!("fb.1.{at}.{}", fbclid(call)?)))
    })
}

/// Returns the browser.
pub(super) fn fbp<'e>(call: &Call<'e>) -> Option<&'e str> {
    cookie(call, call.context.fbp, ("fbp", "_fbp"))
}

fn cookie<'e>(call: &Call<'e>, of_context: Option<&'e str>, (name, cookie): (&str, &str)) -> Option<&'e str> {
    let stored = || part(call.context.cookies, cookie).and_then(text);
    let found = of_context.or_else(|| call.property_text(name)).or_else(stored);
    found.filter(|value| is_cookie(value))
}

/// `fb.1.1554763741205.AbCd`; anything else would be refused.
fn is_cookie(value: &str) -> bool {
    let mut parts = value.splitn(4, '.');
    let is_number = |part: Option<&str>| {
        part.is_some_and(|part| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit()))
    };
    parts.next() == Some("fb") && is_number(parts.next()) && is_number(parts.next()) && parts.next().is_some_and(is_click)
}

/// The id of a click is never changed, not even its case.
fn fbclid<'e>(call: &Call<'e>) -> Option<&'e str> {
    let collected = part(call.context.click_ids, "fbclid").and_then(text);
    let of_url = || parameter(call.address()?.split('#').next()?.split_once('?')?.1);
    let of_search = || parameter(call.page_search()?.trim_start_matches('?'));
    collected.or_else(of_url).or_else(of_search).filter(|click| is_click(click))
}

fn parameter(query: &str) -> Option<&str> {
    let mut pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    pairs.find(|(name, value)| *name == "fbclid" && !value.is_empty()).map(|(_, value)| value)
}

fn is_click(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-.~".contains(&byte))
}

//! Where a visit came from: source, medium, campaign and channel of one page view, from its address and its referrer.
//!
//! What the sender wrote (`utm_…`) comes before what an advertiser's click id says, and that before the referrer. The channels
//! are those of Google Analytics 4 in their published order, with assistants of their own. Never looks at earlier visits.

mod sources;
#[cfg(test)]
mod tests;

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use super::address::{Host, host, query};
use sources::Kind;

const DIRECT: &str = "(direct)";
const NONE: &str = "(none)";
const NOT_SET: &str = "(not set)";

/// The click ids that are known, the first that is present wins: name, source, medium. `fbclid` is on unpaid links too.
const CLICK_IDS: &[(&str, &str, &str)] = &[
    ("gclid", "google", "cpc"),
    ("gbraid", "google", "cpc"),
    ("wbraid", "google", "cpc"),
    ("dclid", "google", "display"),
    ("msclkid", "bing", "cpc"),
    ("ttclid", "tiktok", "cpc"),
    ("twclid", "twitter", "cpc"),
    ("li_fat_id", "linkedin", "cpc"),
    ("fbclid", "facebook", "social"),
];

/// One page view, as far as attribution asks.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct View {
    /// The address of the page.
    #[serde(default)]
    pub url: Option<String>,
    /// The address of the page before.
    #[serde(default)]
    pub referrer: Option<String>,
}

/// Where the view came from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Attribution {
    /// Lower case; `(direct)` without any trace, `(not set)` where only a medium was written.
    pub source: String,
    /// Lower case; `(none)` without any trace, `(not set)` where only a source was written.
    pub medium: String,
    /// `utm_campaign` as it was written.
    pub campaign: Option<String>,
    /// Which click id the address carries, by its name.
    pub click_id: Option<&'static str>,
    /// The page before is of the same host, and so says nothing.
    pub internal: bool,
    /// The name of the channel.
    pub channel: &'static str,
}

/// What the query of an address says.
#[derive(Default)]
struct Written {
    source: Option<String>,
    medium: Option<String>,
    campaign: Option<String>,
    /// With its place in the list.
    click: Option<(usize, &'static (&'static str, &'static str, &'static str))>,
}

/// Returns where a view came from.
pub fn attribute(view: &View) -> Attribution {
    let url = view.url.as_deref().unwrap_or_default();
    let before = host(view.referrer.as_deref().unwrap_or_default());
    let internal = before.is_some() && before == host(url);
    let referrer = before.filter(|_| !internal).map(|host| sent_by(&host));
    let Written { source, medium, campaign, click } = written(url);
    let click = click.map(|(_, click)| click);
    let clicked = click.map(|(_, source, medium)| ((*source).to_owned(), (*medium).to_owned()));
    let not_set = || NOT_SET.to_owned();
    let (source, medium) = match (source, medium) {
        (Some(source), Some(medium)) => (source, medium),
        (Some(source), None) => (source, clicked.map_or_else(not_set, |(_, medium)| medium)),
        (None, Some(medium)) => (clicked.or(referrer).map_or_else(not_set, |(source, _)| source), medium),
        (None, None) => clicked.or(referrer).unwrap_or_else(|| (DIRECT.to_owned(), NONE.to_owned())),
    };
    let channel = channel(&source, &medium, campaign.as_deref().unwrap_or_default());
    Attribution { source, medium, campaign, click_id: click.map(|(name, _, _)| *name), internal, channel }
}

fn sent_by(host: &Host) -> (String, String) {
    match sources::sender(host) {
        Some((name, kind)) => (name.to_owned(), kind.medium().to_owned()),
        None => (host.name.clone(), "referral".to_owned()),
    }
}

fn written(url: &str) -> Written {
    let mut written = Written::default();
    for (key, value) in query(url) {
        let value = value.trim();
        if !value.is_empty() {
            written.take(&lower(&key), value);
        }
    }
    written
}

/// Nearly every key is lower case already.
fn lower(text: &str) -> Cow<'_, str> {
    let is_lower = text.bytes().all(|byte| byte.is_ascii() && !byte.is_ascii_uppercase());
    if is_lower { text.into() } else { text.to_lowercase().into() }
}

impl Written {
    /// Takes in a member of the query. The first of a name counts, and of the click ids the first in their list.
    fn take(&mut self, key: &str, value: &str) {
        match key {
            "utm_source" => {
                self.source.get_or_insert_with(|| sources::named(&lower(value)).to_owned());
            }
            "utm_medium" => {
                self.medium.get_or_insert_with(|| value.to_lowercase());
            }
            "utm_campaign" => {
                self.campaign.get_or_insert_with(|| value.to_owned());
            }
            _ => {
                let before = self.click.map_or(usize::MAX, |(at, _)| at);
                let mut ids = CLICK_IDS.iter().enumerate().take(before);
                self.click = ids.find(|(_, (name, _, _))| *name == key).or(self.click);
            }
        }
    }
}

/// Returns the channel, by the first rule that fits. The order is that of Google's default channel group:
/// <https://support.google.com/analytics/answer/9756891>.
fn channel(source: &str, medium: &str, campaign: &str) -> &'static str {
    let campaign = campaign.to_lowercase();
    let from = sources::kind_of(source);
    if source == DIRECT && [NONE, NOT_SET].contains(&medium) {
        return "Direct";
    }
    if campaign.contains("cross-network") {
        return "Cross-network";
    }
    let is_shop = from == Some(Kind::Shop) || is_shopping(&campaign);
    paid(from, medium, is_shop).unwrap_or_else(|| unpaid(from, source, medium, is_shop))
}

fn paid(from: Option<Kind>, medium: &str, is_shop: bool) -> Option<&'static str> {
    let is_paid =
        medium.contains("cp") || ["ppc", "retargeting"].contains(&medium) || medium.starts_with("paid");
    Some(match from {
        _ if is_paid && is_shop => "Paid Shopping",
        Some(Kind::Search) if is_paid => "Paid Search",
        Some(Kind::Social) if is_paid => "Paid Social",
        Some(Kind::Video) if is_paid => "Paid Video",
        _ if ["display", "banner", "expandable", "interstitial", "cpm"].contains(&medium) => "Display",
        _ if is_paid => "Paid Other",
        _ => return None,
    })
}

fn unpaid(from: Option<Kind>, source: &str, medium: &str, is_shop: bool) -> &'static str {
    const SOCIAL: &[&str] =
        &["social", "social-network", "social-media", "sm", "social network", "social media"];
    const EMAIL: &[&str] = &["email", "e-mail", "e_mail", "e mail"];
    let is = |kind: Kind| from == Some(kind);
    match medium {
        _ if is_shop => "Organic Shopping",
        _ if is(Kind::Social) || SOCIAL.contains(&medium) => "Organic Social",
        _ if is(Kind::Video) || medium.contains("video") => "Organic Video",
        _ if is(Kind::Assistant) || medium == "ai-assistant" => "AI Assistants",
        _ if is(Kind::Email) || EMAIL.contains(&source) || EMAIL.contains(&medium) => "Email",
        _ if is(Kind::Search) || medium == "organic" => "Organic Search",
        "referral" | "app" | "link" => "Referral",
        "affiliate" => "Affiliates",
        "audio" => "Audio",
        _ if source == "sms" || medium == "sms" => "SMS",
        _ if is_push(medium) || source == "firebase" => "Mobile Push Notifications",
        NOT_SET if source != NOT_SET => "Referral",
        _ => "Unassigned",
    }
}

fn is_push(medium: &str) -> bool {
    medium.ends_with("push") || medium.contains("mobile") || medium.contains("notification")
}

/// Returns whether a campaign is named after a shop: `shopping` anywhere, or `shop` where no letter but `e` stands before it.
fn is_shopping(campaign: &str) -> bool {
    let is_word = |at: usize| {
        let before = campaign.get(..at).and_then(|before| before.chars().next_back());
        before.is_none_or(|before| before == 'e' || !before.is_ascii_lowercase())
    };
    campaign.contains("shopping") || campaign.match_indices("shop").any(|(at, _)| is_word(at))
}

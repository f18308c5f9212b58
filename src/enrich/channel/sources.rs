//! The sources that have a name: search engines, networks, shops, mail and assistants, by the hosts and apps they send from.
//!
//! Compact and written down once: `name, kind, hosts, apps`. `host.*` stands for the host in every country. A host counts with
//! everything below it and nothing else, so that `google.evil.test` is no search engine. Never guesses.

use std::collections::HashMap;
use std::sync::OnceLock;

use super::super::address::Host;

/// What kind of place a source is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Search,
    Social,
    Video,
    Shop,
    Email,
    Assistant,
}

impl Kind {
    /// Returns the medium of an unpaid visit from there.
    pub(super) fn medium(self) -> &'static str {
        match self {
            Kind::Search => "organic",
            Kind::Social => "social",
            Kind::Video => "video",
            Kind::Shop => "referral",
            Kind::Email => "email",
            Kind::Assistant => "ai-assistant",
        }
    }
}

use Kind::{Assistant, Email, Search, Shop, Social, Video};

struct Source {
    name: &'static str,
    kind: Kind,
    hosts: &'static [&'static str],
    apps: &'static [&'static str],
}

const fn source(
    name: &'static str,
    kind: Kind,
    hosts: &'static [&'static str],
    apps: &'static [&'static str],
) -> Source {
    Source { name, kind, hosts, apps }
}

const SOURCES: &[Source] = &[
    source(
        "google",
        Search,
        &["google.*", "googleusercontent.com", "g.co"],
        &["com.google.android.googlequicksearchbox", "com.google.android.apps.searchlite"],
    ),
    source("bing", Search, &["bing.com", "bing.net"], &["com.microsoft.bing"]),
    source("yahoo", Search, &["yahoo.com", "yahoo.co.jp"], &["com.yahoo.mobile.client.android.search"]),
    source("duckduckgo", Search, &["duckduckgo.com", "duck.com"], &["com.duckduckgo.mobile.android"]),
    source("baidu", Search, &["baidu.com"], &["com.baidu.searchbox"]),
    source("yandex", Search, &["yandex.*", "ya.ru"], &["ru.yandex.searchplugin"]),
    source("ecosia", Search, &["ecosia.org"], &["com.ecosia.android"]),
    source("brave", Search, &["search.brave.com"], &[]),
    source("qwant", Search, &["qwant.com"], &["com.qwant.liberty"]),
    source("startpage", Search, &["startpage.com"], &[]),
    source("naver", Search, &["naver.com"], &["com.nhn.android.search"]),
    source("seznam", Search, &["seznam.cz"], &["cz.seznam.sbrowser"]),
    source("sogou", Search, &["sogou.com"], &[]),
    source("kagi", Search, &["kagi.com"], &[]),
    source(
        "facebook",
        Social,
        &["facebook.com", "fb.com", "fb.me", "messenger.com"],
        &["com.facebook.katana", "com.facebook.lite", "com.facebook.orca"],
    ),
    source("instagram", Social, &["instagram.com"], &["com.instagram.android"]),
    source("twitter", Social, &["twitter.com", "t.co"], &["com.twitter.android"]),
    source("x", Social, &["x.com"], &[]),
    source("linkedin", Social, &["linkedin.com", "lnkd.in"], &["com.linkedin.android"]),
    source("reddit", Social, &["reddit.com", "redd.it"], &["com.reddit.frontpage"]),
    source("pinterest", Social, &["pinterest.*", "pin.it"], &["com.pinterest"]),
    source("tiktok", Social, &["tiktok.com"], &["com.zhiliaoapp.musically", "com.ss.android.ugc.trill"]),
    source("threads", Social, &["threads.net", "threads.com"], &["com.instagram.barcelona"]),
    source("bluesky", Social, &["bsky.app", "bsky.social"], &["xyz.blueskyweb.app"]),
    source(
        "mastodon",
        Social,
        &["mastodon.social", "mastodon.online", "mastodon.world", "mstdn.social", "joinmastodon.org"],
        &["org.joinmastodon.android"],
    ),
    source(
        "telegram",
        Social,
        &["telegram.org", "telegram.me", "t.me"],
        &["org.telegram.messenger", "org.telegram.messenger.web"],
    ),
    source("whatsapp", Social, &["whatsapp.com", "wa.me"], &["com.whatsapp", "com.whatsapp.w4b"]),
    source("snapchat", Social, &["snapchat.com"], &["com.snapchat.android"]),
    source("vk", Social, &["vk.com", "vk.ru", "vkontakte.ru"], &["com.vkontakte.android"]),
    source("quora", Social, &["quora.com"], &["com.quora.android"]),
    source("tumblr", Social, &["tumblr.com"], &["com.tumblr"]),
    source("hackernews", Social, &["news.ycombinator.com"], &[]),
    source("discord", Social, &["discord.com", "discord.gg", "discordapp.com"], &["com.discord"]),
    source("youtube", Video, &["youtube.com", "youtu.be"], &["com.google.android.youtube"]),
    source("vimeo", Video, &["vimeo.com"], &["com.vimeo.android.videoapp"]),
    source("twitch", Video, &["twitch.tv"], &["tv.twitch.android.app"]),
    source("dailymotion", Video, &["dailymotion.com", "dai.ly"], &["com.dailymotion.dailymotion"]),
    source("amazon", Shop, &["amazon.*", "amzn.to"], &["com.amazon.mshop.android.shopping"]),
    source("ebay", Shop, &["ebay.*"], &["com.ebay.mobile"]),
    source("etsy", Shop, &["etsy.com"], &["com.etsy.android"]),
    source("walmart", Shop, &["walmart.com"], &["com.walmart.android"]),
    source(
        "aliexpress",
        Shop,
        &["aliexpress.com", "aliexpress.ru", "aliexpress.us"],
        &["com.alibaba.aliexpresshd"],
    ),
    source("shopify", Shop, &["shopify.com", "shop.app"], &["com.shopify.arrive"]),
    source("temu", Shop, &["temu.com"], &["com.einnovation.temu"]),
    source("alibaba", Shop, &["alibaba.com"], &["com.alibaba.intl.android.apps.poseidon"]),
    source("gmail", Email, &["mail.google.com", "gmail.com"], &["com.google.android.gm"]),
    source(
        "outlook",
        Email,
        &[
            "outlook.com",
            "outlook.live.com",
            "outlook.office.com",
            "outlook.office365.com",
            "hotmail.com",
            "mail.live.com",
        ],
        &["com.microsoft.office.outlook"],
    ),
    source(
        "yahoo-mail",
        Email,
        &["mail.yahoo.com", "mail.yahoo.co.jp"],
        &["com.yahoo.mobile.client.android.mail"],
    ),
    source("protonmail", Email, &["protonmail.com", "proton.me"], &["ch.protonmail.android"]),
    source(
        "mailchimp",
        Email,
        &["mailchimp.com", "mailchi.mp", "list-manage.com"],
        &["com.mailchimp.mailchimp"],
    ),
    source("chatgpt", Assistant, &["chatgpt.com", "chat.openai.com"], &["com.openai.chatgpt"]),
    source("claude", Assistant, &["claude.ai"], &["com.anthropic.claude"]),
    source("perplexity", Assistant, &["perplexity.ai"], &["ai.perplexity.app.android"]),
    source("gemini", Assistant, &["gemini.google.com", "bard.google.com"], &["com.google.android.apps.bard"]),
    source("copilot", Assistant, &["copilot.microsoft.com"], &["com.microsoft.copilot"]),
    source("deepseek", Assistant, &["deepseek.com"], &["com.deepseek.chat"]),
    source("grok", Assistant, &["grok.com"], &["ai.x.grok"]),
];

/// What people write into `utm_source` and mean one of the above by.
const ALIASES: &[(&str, &str)] = &[
    ("fb", "facebook"),
    ("facebook.com", "facebook"),
    ("ig", "instagram"),
    ("yt", "youtube"),
    ("x.com", "x"),
    ("twitter.com", "twitter"),
    ("google.com", "google"),
    ("bing.com", "bing"),
    ("chatgpt.com", "chatgpt"),
];

type Found = (&'static str, Kind);

#[derive(Default)]
struct Tables {
    names: HashMap<&'static str, Kind>,
    hosts: HashMap<&'static str, Found>,
    countries: HashMap<&'static str, Found>,
    apps: HashMap<&'static str, Found>,
}

fn tables() -> &'static Tables {
    static TABLES: OnceLock<Tables> = OnceLock::new();
    TABLES.get_or_init(|| {
        let mut tables = Tables::default();
        for Source { name, kind, hosts, apps } in SOURCES {
            tables.names.insert(name, *kind);
            tables.apps.extend(apps.iter().map(|app| (*app, (*name, *kind))));
            for host in *hosts {
                let (table, key) = match host.strip_suffix(".*") {
                    Some(key) => (&mut tables.countries, key),
                    None => (&mut tables.hosts, *host),
                };
                table.insert(key, (*name, *kind));
            }
        }
        tables
    })
}

/// Returns the kind of a source that is written by its name.
pub(super) fn kind_of(name: &str) -> Option<Kind> {
    tables().names.get(name).copied()
}

/// Returns the name behind what somebody wrote into `utm_source`, lower-cased before.
pub(super) fn named(written: &str) -> &str {
    ALIASES.iter().find(|(alias, _)| *alias == written).map_or(written, |(_, name)| name)
}

/// Returns who sends from this host: the longest rule at a border of labels wins.
pub(super) fn sender(host: &Host) -> Option<Found> {
    let tables = tables();
    if host.is_app {
        return tables.apps.get(host.name.as_str()).copied();
    }
    let borders = host.name.match_indices('.').map(|(at, _)| at + 1);
    let mut suffixes = std::iter::once(0).chain(borders).filter_map(|at| host.name.get(at..));
    suffixes.find_map(|suffix| tables.hosts.get(suffix).or_else(|| in_a_country(tables, suffix)).copied())
}

/// Returns whose name this is when what follows it is one label, or a second level and a country: `co.uk`, `com.br`.
fn in_a_country<'t>(tables: &'t Tables, host: &str) -> Option<&'t Found> {
    let (name, rest) = host.split_once('.')?;
    let is_domain = match rest.split_once('.') {
        None => !rest.is_empty(),
        Some((second, country)) => {
            let is_country = country.len() == 2 && country.bytes().all(|byte| byte.is_ascii_alphabetic());
            matches!(second, "co" | "com" | "net" | "org") && is_country
        }
    };
    tables.countries.get(name).filter(|_| is_domain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_sources_claim_one_host_or_app_and_every_alias_has_a_name() {
        let count = |of: fn(&Source) -> &'static [&'static str]| {
            SOURCES.iter().map(|source| of(source).len()).sum::<usize>()
        };
        let tables = tables();
        assert_eq!(tables.names.len(), SOURCES.len());
        assert_eq!(tables.hosts.len() + tables.countries.len(), count(|source| source.hosts));
        assert_eq!(tables.apps.len(), count(|source| source.apps));
        assert!(ALIASES.iter().all(|(_, name)| kind_of(name).is_some()));
    }

    #[test]
    fn every_host_of_the_table_is_written_as_it_is_compared() {
        for text in SOURCES.iter().flat_map(|source| source.hosts.iter().chain(source.apps)) {
            assert!(
                text.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || ".-*".contains(c)),
                "{text}"
            );
        }
    }
}

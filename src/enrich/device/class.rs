//! What kind of thing a device is, by words of its text. Our own rules: uap-core does not say.
//!
//! From the most special to the most general. Never asks who makes it.

use serde::Serialize;

use super::{Device, System};

/// A kind of device.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Class {
    /// No person's device at all.
    Bot,
    /// A telephone, or something of its size.
    Mobile,
    /// A tablet or reader.
    Tablet,
    /// A computer on or below a desk.
    Desktop,
    /// A television, or a box beside one.
    Tv,
    /// A game console.
    Console,
    /// A watch.
    Wearable,
}

const WEARABLE: &[&str] = &["watch", "wear os"];
const CONSOLE: &[&str] = &["playstation", "xbox", "nintendo"];
const TV: &[&str] = &[
    "smart-tv",
    "smarttv",
    "smart tv",
    "googletv",
    "appletv",
    "apple tv",
    "android tv",
    "androidtv",
    "hbbtv",
    "netcast",
    "web0s",
    "webos.tv",
    "crkey",
    "roku",
    "bravia",
    "viera",
    "tizen tv",
    "tvos",
    "dtv",
    "aftb",
    "aftm",
    "aftt",
    "afts",
];
const TABLET: &[&str] =
    &["ipad", "playbook", "kindle", "tablet;", "tablet)", "android tablet", "nexus 7", "nexus 9", "nexus 10"];
const MOBILE: &[&str] = &[
    "iphone",
    "ipod",
    "mobile",
    "android",
    "windows phone",
    "blackberry",
    "bb10",
    "opera mini",
    "opera mobi",
    "symbian",
    "series60",
    "series40",
    "midp",
    "kaios",
    "nokia",
    "palm",
    "webos",
];
const DESKTOP: &[&str] = &[
    "windows",
    "win9",
    "macintosh",
    "mac os",
    "linux",
    "x11",
    "cros",
    "freebsd",
    "openbsd",
    "netbsd",
    "sunos",
];

/// Returns the kind of device; none when nothing tells it.
pub(super) fn of(text: &str, os: &System, device: &Device, bot: bool) -> Option<Class> {
    let text = text.to_ascii_lowercase();
    let says = |words: &[&str]| words.iter().any(|word| text.contains(word));
    Some(match os.family.as_str() {
        _ if bot => Class::Bot,
        _ if says(WEARABLE) => Class::Wearable,
        _ if says(CONSOLE) => Class::Console,
        "ATV OS X" | "tvOS" | "Chromecast" => Class::Tv,
        _ if says(TV) || (text.contains("tizen") && text.contains("tv")) => Class::Tv,
        _ if says(TABLET) || device.family == "iPad" || is_android_tablet(&text) => Class::Tablet,
        "iOS" => Class::Mobile,
        _ if says(MOBILE) => Class::Mobile,
        _ if says(DESKTOP) || device.family == "Mac" => Class::Desktop,
        // Whatever else has a maker is an old telephone.
        _ if device.brand.is_some() => Class::Mobile,
        _ => return None,
    })
}

/// Browsers on Android say `Mobile` on a telephone and nothing on a tablet; other programs never do.
fn is_android_tablet(text: &str) -> bool {
    text.contains("android")
        && !text.contains("mobi")
        && text.starts_with("mozilla/")
        && text.contains("safari/")
}

//! Client hints: what newer browsers say beside a `User-Agent` that they have frozen.
//!
//! By the headers `Sec-CH-UA…` or by `context.userAgentData`, <https://wicg.github.io/ua-client-hints/>. Lenient: a hint that
//! cannot be read is none. Never asks for a hint.

use serde_json::Value;

use super::{Browser, Class, Device, System};

/// Longest value that is believed, in bytes.
const LONGEST: usize = 128;
/// Most brands that are looked at; browsers send three.
const MOST_BRANDS: usize = 8;

/// What the hints say; each of them may be missing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Hints {
    brands: Vec<Brand>,
    full: Vec<Brand>,
    mobile: Option<bool>,
    platform: Option<String>,
    platform_version: Option<String>,
    model: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Brand {
    name: String,
    version: String,
}

impl Hints {
    /// Reads an object of `context.userAgentData`, or one whose members are the headers; their names have no case.
    pub fn of(value: &Value) -> Hints {
        let mut hints = Hints::default();
        for (key, value) in value.as_object().into_iter().flatten() {
            hints.take(key, value);
        }
        hints
    }

    /// Adds one header or member; the last one of a name holds.
    fn take(&mut self, key: &str, value: &Value) {
        let key = key.to_ascii_lowercase();
        match key.strip_prefix("sec-ch-ua").map(|rest| rest.trim_start_matches('-')).unwrap_or(&key) {
            "" | "brands" => self.brands = brands(value),
            "full-version-list" | "fullversionlist" => self.full = brands(value),
            "mobile" => self.mobile = flag(value),
            "platform" => self.platform = text(value),
            "platform-version" | "platformversion" => self.platform_version = text(value),
            "model" => self.model = text(value),
            _ => {}
        }
    }

    /// Returns the model of the device.
    pub(super) fn model(&self) -> Option<&str> {
        self.model.as_deref()
    }

    /// Writes what the hints say over what was read from the text.
    pub(super) fn correct(&self, browser: &mut Browser, os: &mut System, device: &mut Device) {
        self.correct_browser(browser);
        self.correct_os(os);
        if device.class != Some(Class::Bot) {
            device.class = self.class(os, device.class);
        }
    }

    fn correct_browser(&self, browser: &mut Browser) {
        let list = if self.full.is_empty() { &self.brands } else { &self.full };
        let is_real = |brand: &&Brand| !is_grease(&brand.name);
        let own = list.iter().filter(is_real).find(|brand| brand.name != "Chromium");
        let Some(brand) = own.or_else(|| list.iter().find(is_real)) else { return };
        let family = family(&brand.name);
        // The text may be more exact: `Chrome Mobile WebView`.
        if !browser.family.starts_with(family) {
            let has_mobile = ["Chrome", "Edge", "Opera"].contains(&family) && self.mobile == Some(true);
            browser.family = if has_mobile { format!("{family} Mobile") } else { family.to_owned() };
        }
        let [major, minor, patch] = parts(&brand.version);
        // A major version alone takes nothing from what the text says of the same one.
        if minor.is_some() || major != browser.major {
            (browser.major, browser.minor, browser.patch) = (major, minor, patch);
        }
    }

    fn correct_os(&self, os: &mut System) {
        let Some(family) = self.platform.as_deref().and_then(system) else { return };
        // Linux has many names, and the text may know the right one.
        let is_known = os.family == family || (family == "Linux" && !is_system(&os.family));
        if !is_known {
            *os = System {
                family: family.to_owned(),
                major: None,
                minor: None,
                patch: None,
                patch_minor: None,
            };
        }
        let Some(version) = self.platform_version.as_deref() else { return };
        let [major, minor, patch] = match family {
            "Windows" => windows(version),
            _ => parts(version),
        };
        *os = System { family: os.family.clone(), major, minor, patch, patch_minor: None };
    }

    fn class(&self, os: &System, class: Option<Class>) -> Option<Class> {
        match (self.mobile, class) {
            (Some(true), None | Some(Class::Desktop | Class::Tablet)) => Some(Class::Mobile),
            (Some(false), None | Some(Class::Mobile)) if os.family == "Android" => Some(Class::Tablet),
            (Some(false), None | Some(Class::Mobile)) => Some(Class::Desktop),
            _ => class,
        }
    }
}

/// Browsers mix in a brand that nobody has, in many spellings, so that nobody relies on the list's order.
fn is_grease(name: &str) -> bool {
    name.chars().filter(char::is_ascii_alphabetic).collect::<String>().eq_ignore_ascii_case("notabrand")
}

/// Returns the name that uap-core has for a brand.
fn family(brand: &str) -> &str {
    match brand {
        "Google Chrome" => "Chrome",
        "Android WebView" => "Chrome Mobile WebView",
        "Microsoft Edge" => "Edge",
        "YaBrowser" | "Yandex" => "Yandex Browser",
        other => other,
    }
}

/// Returns the name that uap-core has for a platform.
fn system(platform: &str) -> Option<&'static str> {
    Some(match platform {
        "Windows" => "Windows",
        "macOS" => "Mac OS X",
        "Android" => "Android",
        "Linux" => "Linux",
        "Chrome OS" | "Chromium OS" => "Chrome OS",
        "iOS" => "iOS",
        _ => return None,
    })
}

/// Returns whether this is a system that Linux is not.
fn is_system(family: &str) -> bool {
    ["Windows", "Mac OS X", "Android", "Chrome OS", "iOS", super::OTHER].contains(&family)
}

/// Windows counts versions of an interface: <https://learn.microsoft.com/microsoft-edge/web-platform/how-to-detect-win11>.
fn windows(version: &str) -> [Option<String>; 3] {
    let [major, minor, _] = parts(version);
    let number = major.as_deref().and_then(|major| major.parse::<u32>().ok()).unwrap_or_default();
    let (major, minor) = match (number, minor.as_deref()) {
        (13.., _) => ("11", None),
        (1..=12, _) => ("10", None),
        (0, Some("1")) => ("7", None),
        (0, Some("2")) => ("8", None),
        (0, Some("3")) => ("8", Some("1")),
        _ => return [None, None, None],
    };
    [Some(major.to_owned()), minor.map(str::to_owned), None]
}

fn parts(version: &str) -> [Option<String>; 3] {
    let mut parts = version.split('.').filter(|part| !part.is_empty()).map(str::to_owned);
    [parts.next(), parts.next(), parts.next()]
}

/// Reads a list of `{brand, version}`, or a header: `"Chromium";v="130", "Google Chrome";v="130"`.
fn brands(value: &Value) -> Vec<Brand> {
    if let Some(header) = value.as_str() {
        return of_header(header);
    }
    let list = value.as_array().into_iter().flatten().take(MOST_BRANDS);
    let brand =
        |one: &Value| Some(Brand { name: text(one.get("brand")?)?, version: text(one.get("version")?)? });
    list.filter_map(brand).collect()
}

fn of_header(header: &str) -> Vec<Brand> {
    // Within quotes only a quote and a backslash are escaped, and no brand has either.
    let mut quoted = header.split('"').skip(1).step_by(2).filter(|text| text.len() <= LONGEST);
    let mut brands = Vec::new();
    while let (Some(name), Some(version)) = (quoted.next(), quoted.next()) {
        brands.push(Brand { name: name.to_owned(), version: version.to_owned() });
        if brands.len() == MOST_BRANDS {
            break;
        }
    }
    brands
}

fn flag(value: &Value) -> Option<bool> {
    match value.as_str() {
        Some("?1") => Some(true),
        Some("?0") => Some(false),
        _ => value.as_bool(),
    }
}

/// Returns a text without the quotes that a header has around it; none when it is empty or longer than any real one.
fn text(value: &Value) -> Option<String> {
    let text = value.as_str()?.trim().trim_matches('"').trim();
    (!text.is_empty() && text.len() <= LONGEST).then(|| text.to_owned())
}

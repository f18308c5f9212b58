//! Whether a destination may have an event by its user's consent: the `consent` setting of the destination, `[consent]` of
//! the router, what the event states, and what the browser signalled. Pure.

use crate::spec::Event;
use crate::spec::consent::{Signals, Stated};

/// Advertising by the names that consent managers give it, in lower case and without anything but letters and digits.
/// C0004 and C0005 are OneTrust's targeting and social media; the names with `ad` are Google's consent mode.
const ADVERTISING: [&str; 19] = [
    "ad",
    "adpersonalization",
    "ads",
    "adstorage",
    "aduserdata",
    "advertisement",
    "advertising",
    "c0004",
    "c0005",
    "crosssite",
    "datasale",
    "datasharing",
    "marketing",
    "remarketing",
    "retargeting",
    "saleofdata",
    "sellorshare",
    "socialmedia",
    "targeting",
];

/// What works without tracking anybody. C0001 and C0003 are OneTrust's necessary and functional.
const NECESSARY: [&str; 8] =
    ["c0001", "c0003", "essential", "functional", "necessary", "required", "security", "strictlynecessary"];

/// What an event without a statement about a category means.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Mode {
    /// It is allowed.
    #[default]
    OptOut,
    /// It is not.
    OptIn,
}

/// `[consent]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rules {
    /// What silence means.
    pub mode: Mode,
    /// A browser with Global Privacy Control refuses advertising, whatever the event states.
    pub honour_gpc: bool,
    /// A browser with Do Not Track refuses everything but what is necessary, whatever the event states.
    pub honour_dnt: bool,
}

impl Default for Rules {
    /// As the shipped configuration says.
    fn default() -> Self {
        Rules { mode: Mode::OptOut, honour_gpc: true, honour_dnt: false }
    }
}

/// What one destination needs its users' consent for. Without a category it needs none.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Consent(Option<Box<Needs>>);

#[derive(Debug, Clone, PartialEq, Eq)]
struct Needs {
    categories: Vec<Category>,
    rules: Rules,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Category {
    name: Box<str>,
    is_advertising: bool,
    is_necessary: bool,
}

impl Consent {
    /// Returns the need for consent to all of these categories.
    pub fn to(categories: &[String], rules: Rules) -> Consent {
        let needs =
            || Needs { categories: categories.iter().map(|name| Category::new(name)).collect(), rules };
        Consent((!categories.is_empty()).then(|| Box::new(needs())))
    }

    /// Returns whether the destination may have the event: each of its categories is allowed.
    pub fn allows(&self, event: &Event) -> bool {
        let Some(needs) = &self.0 else { return true };
        let (stated, signals) = (event.consent(), event.receipt.signals);
        needs.categories.iter().all(|category| needs.allow(category, &stated, signals))
    }
}

impl Consent {
    /// Returns whether a person who states this is allowed for, in the same words for each category; `None` is silence.
    pub fn allows_one_who_states(&self, stated: Option<bool>, signals: Signals) -> bool {
        let Some(needs) = &self.0 else { return true };
        needs.categories.iter().all(|category| needs.permit(category, stated, signals))
    }
}

impl Needs {
    fn allow(&self, category: &Category, stated: &Stated<'_>, signals: Signals) -> bool {
        self.permit(category, stated.about(&category.name), signals)
    }

    fn permit(&self, category: &Category, stated: Option<bool>, signals: Signals) -> bool {
        let by_gpc = self.rules.honour_gpc && signals.gpc && category.is_advertising;
        let by_dnt = self.rules.honour_dnt && signals.dnt && !category.is_necessary;
        let silence = self.rules.mode == Mode::OptOut;
        !by_gpc && !by_dnt && stated.unwrap_or(silence)
    }
}

impl Category {
    fn new(name: &str) -> Category {
        let is_of = |names: &[&str]| is_one_of(name, names);
        Category { name: name.into(), is_advertising: is_of(&ADVERTISING), is_necessary: is_of(&NECESSARY) }
    }
}

/// Returns whether a category of this name is about advertising.
pub fn is_advertising(category: &str) -> bool {
    is_one_of(category, &ADVERTISING)
}

fn is_one_of(category: &str, names: &[&str]) -> bool {
    let plain: String = category.chars().filter(char::is_ascii_alphanumeric).collect();
    names.contains(&plain.to_ascii_lowercase().as_str())
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;

    fn event(consent: &str, signals: Signals) -> Event {
        let raw =
            format!(r#"{{"type":"track","event":"A","userId":"u","messageId":"m","context":{consent}}}"#);
        let at = "2026-01-31T12:00:00Z".parse().unwrap();
        let receipt = crate::spec::Receipt {
            kind: crate::spec::Kind::Track,
            received_at: at,
            timestamp: at,
            sent_at: None,
            message_id: None,
            source: "web".into(),
            ip: None,
            signals,
            redelivery: None,
        };
        Event::restore(Bytes::from(raw), receipt).unwrap()
    }

    fn stating(preferences: &str) -> Event {
        event(&format!(r#"{{"consent":{{"categoryPreferences":{preferences}}}}}"#), Signals::default())
    }

    fn consent(categories: &[&str], rules: Rules) -> Consent {
        let categories: Vec<String> = categories.iter().map(|name| (*name).to_owned()).collect();
        Consent::to(&categories, rules)
    }

    const OPT_OUT: Rules = Rules { mode: Mode::OptOut, honour_gpc: true, honour_dnt: false };
    const OPT_IN: Rules = Rules { mode: Mode::OptIn, ..OPT_OUT };
    const GPC: Signals = Signals { gpc: true, dnt: false };
    const DNT: Signals = Signals { gpc: false, dnt: true };

    #[test]
    fn silence_allows_with_opt_out_and_forbids_with_opt_in() {
        for context in ["null", "{}", r#"{"consent":null}"#, r#"{"consent":{}}"#, r#"{"consent":[true]}"#] {
            let silent = event(context, Signals::default());
            assert!(consent(&["advertising"], OPT_OUT).allows(&silent), "{context}");
            assert!(!consent(&["advertising"], OPT_IN).allows(&silent), "{context}");
        }
        let null = stating(r#"{"advertising":null,"analytics":true}"#);
        assert!(consent(&["advertising"], OPT_OUT).allows(&null));
        assert!(!consent(&["advertising"], OPT_IN).allows(&null));
    }

    #[test]
    fn each_category_must_be_allowed_and_a_no_always_forbids() {
        let event = stating(r#"{"advertising":false,"analytics":true,"Advertising":true}"#);
        for rules in [OPT_OUT, OPT_IN] {
            assert!(consent(&["analytics"], rules).allows(&event));
            assert!(!consent(&["advertising"], rules).allows(&event));
            assert!(!consent(&["analytics", "advertising"], rules).allows(&event));
            assert!(consent(&["Advertising"], rules).allows(&event), "names are told apart by case");
        }
    }

    #[test]
    fn what_is_no_yes_is_a_no_and_of_two_statements_the_last_counts() {
        for no in ["\"true\"", "1", "{}", "[true]", "\"granted\""] {
            let event = stating(&format!(r#"{{"advertising":{no}}}"#));
            assert!(!consent(&["advertising"], OPT_OUT).allows(&event), "{no}");
        }
        let twice = stating(r#"{"advertising":true,"\u0061dvertising":false}"#);
        assert!(!consent(&["advertising"], OPT_OUT).allows(&twice));
    }

    #[test]
    fn gpc_forbids_advertising_whatever_is_stated_when_it_is_honoured() {
        let yes =
            r#"{"consent":{"categoryPreferences":{"Advertising":true,"ad_storage":true,"analytics":true}}}"#;
        let event = event(yes, GPC);
        for category in ["Advertising", "ad_storage"] {
            assert!(!consent(&[category], OPT_OUT).allows(&event), "{category}");
            let deaf = Rules { honour_gpc: false, ..OPT_OUT };
            assert!(consent(&[category], deaf).allows(&event), "{category}");
        }
        assert!(consent(&["analytics"], OPT_OUT).allows(&event));
    }

    #[test]
    fn dnt_forbids_all_but_what_is_necessary_when_it_is_honoured() {
        let event = event("{}", DNT);
        let honoured = Rules { honour_dnt: true, ..OPT_OUT };
        for category in ["advertising", "analytics", "anything"] {
            assert!(!consent(&[category], honoured).allows(&event), "{category}");
            assert!(consent(&[category], OPT_OUT).allows(&event), "{category}");
        }
        assert!(consent(&["Strictly Necessary"], honoured).allows(&event));
    }

    #[test]
    fn one_who_states_something_is_judged_like_an_event_that_does() {
        let texts =
            [(None, "{}"), (Some(true), r#"{"storage":true}"#), (Some(false), r#"{"storage":false}"#)];
        let cases = texts.iter().flat_map(|text| [Signals::default(), DNT].map(|signals| (text, signals)));
        for ((stated, text), signals) in cases {
            let event = event(&format!(r#"{{"consent":{{"categoryPreferences":{text}}}}}"#), signals);
            for rules in [OPT_OUT, OPT_IN, Rules { honour_dnt: true, ..OPT_OUT }] {
                let storage = consent(&["storage"], rules);
                let says = storage.allows_one_who_states(*stated, signals);
                assert_eq!(says, storage.allows(&event), "{rules:?} {text} {signals:?}");
            }
        }
        assert!(Consent::default().allows_one_who_states(Some(false), DNT));
    }

    #[test]
    fn a_destination_without_a_category_needs_no_consent() {
        let rules = Rules { mode: Mode::OptIn, honour_gpc: true, honour_dnt: true };
        let signals = Signals { gpc: true, dnt: true };
        assert!(consent(&[], rules).allows(&event("{}", signals)));
    }
}

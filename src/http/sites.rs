//! Which sites somebody may know of: all of them, or some, by the names of their sources. Pure.

use std::collections::BTreeSet;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::answer::Refusal;

/// See the module.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Sites {
    /// Every one, those to come included.
    #[default]
    All,
    /// These.
    Only(BTreeSet<String>),
}

impl Sites {
    /// Returns these alone, or all where none is named.
    pub fn named(names: &[String]) -> Sites {
        match names {
            [] => Sites::All,
            names => Sites::Only(names.iter().cloned().collect()),
        }
    }

    /// Returns whether this one is among them.
    pub fn hold(&self, site: &str) -> bool {
        match self {
            Sites::All => true,
            Sites::Only(names) => names.contains(site),
        }
    }

    /// Returns whether every site is.
    pub fn are_all(&self) -> bool {
        matches!(self, Sites::All)
    }

    /// Returns the site that a question is about, when it `asks` for one or there is no other; `None` for all of them.
    ///
    /// # Errors
    /// `forbidden` for one that is not among them; `bad_parameter` where several are and none is named, since their numbers
    /// together are not those of one.
    pub(super) fn choose(&self, asks: Option<String>) -> Result<Option<String>, Refusal> {
        match (self, asks) {
            (_, Some(site)) if self.hold(&site) => Ok(Some(site)),
            (_, Some(_)) => Err(ANOTHER),
            (Sites::All, None) => Ok(None),
            (Sites::Only(names), None) => match names.first() {
                None => Err(ANOTHER),
                Some(only) if names.len() == 1 => Ok(Some(only.clone())),
                Some(_) => {
                    Err(Refusal::bad_parameter("site", &format!("must name one of {}", quoted(names))))
                }
            },
        }
    }

    /// Lets what belongs to this site pass.
    ///
    /// # Errors
    /// `forbidden` for another site, and for what belongs to none that is known unless all are allowed.
    pub(super) fn expect(&self, site: Option<&str>) -> Result<(), Refusal> {
        let is_allowed = self.are_all() || site.is_some_and(|site| self.hold(site));
        if is_allowed { Ok(()) } else { Err(ANOTHER) }
    }
}

const ANOTHER: Refusal = Refusal::Forbidden("the token is not for this site");

fn quoted(names: &BTreeSet<String>) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

impl Serialize for Sites {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Sites::All => serializer.serialize_none(),
            Sites::Only(names) => names.serialize(serializer),
        }
    }
}

/// A list of names, or names with spaces between them as a scope has them.
#[derive(Deserialize)]
#[serde(untagged)]
enum Claim {
    Names(BTreeSet<String>),
    Text(String),
}

/// What is there and cannot be read is an error, `null` included: it must not open what it was meant to close.
impl<'de> Deserialize<'de> for Sites {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Sites::Only(match Claim::deserialize(deserializer)? {
            Claim::Names(names) => names,
            Claim::Text(text) => text.split_ascii_whitespace().map(str::to_owned).collect(),
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> Option<Sites> {
        serde_json::from_str(json).ok()
    }

    #[test]
    fn a_claim_is_a_list_or_words_and_nothing_else() {
        let both = Sites::named(&["app".to_owned(), "web".to_owned()]);
        assert_eq!(read(r#"["web","app"]"#), Some(both.clone()));
        assert_eq!(read(r#"" web  app""#), Some(both.clone()));
        assert_eq!(serde_json::to_string(&both).unwrap(), r#"["app","web"]"#);
        for none in ["[]", "\"\""] {
            assert_eq!(read(none), Some(Sites::Only(BTreeSet::new())), "{none} allows nothing");
        }
        for bad in ["null", "true", "1", "{}", "[1]"] {
            assert_eq!(read(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_question_is_about_an_allowed_site() {
        let names = |names: &[&str]| Sites::Only(names.iter().map(|name| (*name).to_owned()).collect());
        let choose = |sites: &Sites, asks: Option<&str>| sites.choose(asks.map(str::to_owned));
        assert_eq!(choose(&Sites::All, None), Ok(None));
        assert_eq!(choose(&Sites::All, Some("web")), Ok(Some("web".to_owned())));
        assert_eq!(choose(&names(&["web"]), None), Ok(Some("web".to_owned())));
        assert_eq!(choose(&names(&["web", "app"]), Some("app")), Ok(Some("app".to_owned())));
        assert_eq!(choose(&names(&["web"]), Some("app")), Err(ANOTHER));
        assert_eq!(choose(&names(&[]), None), Err(ANOTHER));
        let several = choose(&names(&["web", "app"]), None);
        assert_eq!(several, Err(Refusal::bad_parameter("site", "must name one of `app`, `web`")));
        assert_eq!(names(&["web"]).expect(Some("web")), Ok(()));
        assert_eq!(names(&["web"]).expect(Some("app")), Err(ANOTHER));
        assert_eq!(names(&["web"]).expect(None), Err(ANOTHER));
        assert_eq!(Sites::All.expect(None), Ok(()));
    }
}

//! Whose a call is when it does not say so, or may not: by the visitor's cookie, or by an id that ends with the day.
//!
//! A visitor who refused that anything is kept in their browser has no id of their own: such a call gets one that nobody can
//! recognise tomorrow, in place of what it brought. Pure: ids and what is allowed come as arguments.

use super::batch::with_member;
use super::consent::{self, Stated};
use super::head;
use super::layout::{Field, Layout};

/// The category of `context.consent.categoryPreferences` that is about keeping something in the browser.
const STORAGE: &str = "storage";

/// What the door knows of the visitor behind a request.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Whose {
    /// The id in the visitor's cookie, or the one that will be put there.
    pub kept: Option<String>,
    /// The id of this day alone.
    pub of_day: Option<String>,
    /// Something may be kept of a visitor whose call states nothing about storage.
    pub may_keep_of_silent: bool,
    /// Something may be kept of a visitor whose call allows storage.
    pub may_keep_of_willing: bool,
    /// Also a call that names a user gets the kept id: the server owns the ids of visitors.
    pub owns: bool,
}

impl Whose {
    /// Returns the text of a call with the id that it gets; `None` when it stays as it is.
    pub(super) fn claim(&self, text: &str) -> Option<String> {
        let layout = Layout::of(text).ok()?;
        let id = self.id_for(text, &layout)?;
        let id = serde_json::Value::String(id.to_owned()).to_string();
        with_member(text, Field::AnonymousId, "anonymousId", &id)
    }

    fn id_for(&self, text: &str, layout: &Layout) -> Option<&str> {
        let context = layout.value(Field::Context, text);
        let stated = Stated::in_context(context).about(STORAGE);
        if stated == Some(false) || consent::is_cookieless(context) {
            return self.of_day.as_deref();
        }
        let has = |field| {
            layout.value(field, text).is_some_and(|raw| head::string(raw).is_none_or(|id| !id.is_empty()))
        };
        if has(Field::AnonymousId) || (has(Field::UserId) && !self.owns) {
            return None;
        }
        let may_keep = if stated.is_some() { self.may_keep_of_willing } else { self.may_keep_of_silent };
        if may_keep {
            return self.kept.as_deref();
        }
        self.of_day.as_deref().filter(|_| self.owns)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn whose() -> Whose {
        Whose {
            kept: Some("kept".to_owned()),
            of_day: Some("today".to_owned()),
            may_keep_of_silent: true,
            may_keep_of_willing: true,
            owns: false,
        }
    }

    fn id(whose: &Whose, text: &str) -> Option<String> {
        let claimed = whose.claim(text)?;
        let value: serde_json::Value = serde_json::from_str(&claimed).unwrap();
        Some(value["anonymousId"].as_str().unwrap().to_owned())
    }

    const REFUSES: &str = r#""context":{"consent":{"categoryPreferences":{"storage":false}}}"#;
    const ALLOWS: &str = r#""context":{"consent":{"categoryPreferences":{"storage":true}}}"#;

    #[test]
    fn a_call_without_an_id_gets_that_of_the_cookie_and_one_with_an_id_keeps_it() {
        for text in ["{}", r#"{"anonymousId":null,"event":"A"}"#, r#"{"anonymousId":"","userId":""}"#] {
            assert_eq!(id(&whose(), text).as_deref(), Some("kept"), "{text}");
        }
        for text in [r#"{"anonymousId":"a"}"#, r#"{"anonymousId":7}"#, r#"{"userId":"u"}"#] {
            assert_eq!(id(&whose(), text), None, "{text}");
        }
        let owner = Whose { owns: true, ..whose() };
        assert_eq!(id(&owner, r#"{"userId":"u"}"#).as_deref(), Some("kept"));
        assert_eq!(id(&owner, r#"{"anonymousId":"a"}"#), None);
    }

    #[test]
    fn who_refuses_storage_has_the_id_of_the_day_whatever_the_call_brought() {
        for text in [format!("{{{REFUSES}}}"), format!(r#"{{"anonymousId":"a","userId":"u",{REFUSES}}}"#)] {
            assert_eq!(id(&whose(), &text).as_deref(), Some("today"), "{text}");
        }
        let flagged = r#"{"anonymousId":"a","context":{"cookieless":true}}"#;
        assert_eq!(id(&whose(), flagged).as_deref(), Some("today"));
        assert_eq!(id(&whose(), &flagged.replace("true", "false")), None);
        let without = Whose { of_day: None, ..whose() };
        assert_eq!(id(&without, &format!("{{{REFUSES}}}")), None);
    }

    #[test]
    fn silence_is_taken_as_the_rules_say() {
        let strict = Whose { may_keep_of_silent: false, ..whose() };
        assert_eq!(id(&strict, "{}"), None);
        assert_eq!(id(&strict, &format!("{{{ALLOWS}}}")).as_deref(), Some("kept"));
        let owner = Whose { owns: true, ..strict };
        assert_eq!(id(&owner, "{}").as_deref(), Some("today"), "it has no id of its own to fall back to");
    }
}

//! The context of an event, gone through once: a lookup for each member would cost more than all that is done with them.

use serde_json::Value;

use super::call::{Members, text};

/// Ids that Meta gave out itself, sent as they are when the context has them under Meta's own names.
pub(super) const OF_META: [&str; 6] =
    ["subscription_id", "lead_id", "fb_login_id", "anon_id", "page_id", "ctwa_clid"];

/// What the context tells, as far as anything is done with it.
#[derive(Default)]
pub(super) struct Context<'e> {
    pub(super) traits: Option<&'e Members>,
    pub(super) page: Option<&'e Members>,
    pub(super) app: Option<&'e Members>,
    pub(super) os: Option<&'e Members>,
    pub(super) device: Option<&'e Members>,
    pub(super) screen: Option<&'e Members>,
    pub(super) network: Option<&'e Members>,
    pub(super) cookies: Option<&'e Members>,
    pub(super) click_ids: Option<&'e Members>,
    pub(super) consent: Option<&'e Members>,
    pub(super) ip: Option<&'e str>,
    pub(super) user_agent: Option<&'e str>,
    pub(super) locale: Option<&'e Value>,
    pub(super) timezone: Option<&'e Value>,
    pub(super) fbc: Option<&'e str>,
    pub(super) fbp: Option<&'e str>,
    pub(super) data_processing_options: Option<&'e Value>,
    /// In the order of [`OF_META`].
    pub(super) of_meta: [Option<&'e Value>; OF_META.len()],
}

impl<'e> Context<'e> {
    pub(super) fn of(members: Option<&'e Members>) -> Context<'e> {
        let mut context = Context::default();
        members.into_iter().flatten().for_each(|(name, value)| context.take(name, value));
        context
    }

    fn take(&mut self, name: &str, value: &'e Value) {
        match name {
            "traits" => self.traits = value.as_object(),
            "page" => self.page = value.as_object(),
            "app" => self.app = value.as_object(),
            "os" => self.os = value.as_object(),
            "device" => self.device = value.as_object(),
            "screen" => self.screen = value.as_object(),
            "network" => self.network = value.as_object(),
            "cookies" => self.cookies = value.as_object(),
            "clickIds" => self.click_ids = value.as_object(),
            "consent" => self.consent = value.as_object(),
            "ip" => self.ip = text(value),
            "userAgent" => self.user_agent = text(value),
            "locale" => self.locale = Some(value),
            "timezone" => self.timezone = Some(value),
            // The name of the cookie does as well, after that of the value.
            "fbc" => self.fbc = text(value).or(self.fbc),
            "_fbc" => self.fbc = self.fbc.or_else(|| text(value)),
            "fbp" => self.fbp = text(value).or(self.fbp),
            "_fbp" => self.fbp = self.fbp.or_else(|| text(value)),
            "dataProcessingOptions" => self.data_processing_options = Some(value),
            _ => self.take_id(name, value),
        }
    }

    fn take_id(&mut self, name: &str, value: &'e Value) {
        let mut places = OF_META.iter().zip(&mut self.of_meta);
        if let Some((_, place)) = places.find(|(known, _)| **known == name) {
            *place = Some(value);
        }
    }
}

//! Whether the settings make sense together: every problem at once, in the order of the keys, none with a secret.

use secrecy::ExposeSecret;

use super::Config;
use crate::destinations::SettingError;
use crate::destinations::meta_capi::map::{self, MAX_NAME};

impl Config {
    /// Checks all but the address, which the wire checks.
    ///
    /// # Errors
    /// Every problem.
    pub(in super::super) fn check(&self) -> Result<(), Vec<SettingError>> {
        let found = [
            ("pixel_id", self.pixel_problem()),
            ("access_token", self.token_problem()),
            ("api_version", self.version_problem()),
            ("test_event_code", self.code_problem()),
            ("action_source", self.source_problem()),
            ("currency", self.currency_problem()),
            ("event_map", self.event_map_problem()),
            ("custom_data", self.custom_data_problem()),
        ];
        let problems = found.into_iter();
        let problems = problems.filter_map(|(key, message)| Some(SettingError { key, message: message? }));
        let problems: Vec<_> = problems.collect();
        if problems.is_empty() { Ok(()) } else { Err(problems) }
    }

    fn pixel_problem(&self) -> Option<String> {
        let is_id = !self.pixel_id.is_empty() && self.pixel_id.bytes().all(|byte| byte.is_ascii_alphanumeric());
        (!is_id).then(|| "must be the id of a pixel or dataset, digits alone".to_owned())
    }

    fn token_problem(&self) -> Option<String> {
        self.access_token.expose_secret().is_empty().then(|| "must not be empty".to_owned())
    }

    fn version_problem(&self) -> Option<String> {
        let number = self.api_version.strip_prefix('v').and_then(|number| number.split_once('.'));
        let is_digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        let is_version = number.is_some_and(|(major, minor)| is_digits(major) && is_digits(minor));
        (!is_version).then(|| "must be a version like \"v25.0\"".to_owned())
    }

    fn code_problem(&self) -> Option<String> {
        let is_code = self.test_event_code.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        (!is_code).then(|| "must be a code like \"TEST12345\"".to_owned())
    }

    fn source_problem(&self) -> Option<String> {
        let is_known = self.action_source.is_empty() || map::is_source(&self.action_source);
        (!is_known).then(|| format!("must be empty or one of {}", map::SOURCES.join(", ")))
    }

    fn currency_problem(&self) -> Option<String> {
        let is_known = self.currency.is_empty() || map::is_currency(&self.currency);
        (!is_known).then(|| "must be empty or a code of ISO 4217 like \"EUR\"".to_owned())
    }

    fn event_map_problem(&self) -> Option<String> {
        let is_name = |name: &str| !name.trim().is_empty() && name.chars().count() <= MAX_NAME;
        let wrong = self.event_map.iter().find(|(from, to)| from.trim().is_empty() || !is_name(to));
        wrong.map(|(from, _)| format!("`{from}` must lead to a name of 1 to {MAX_NAME} characters"))
    }

    fn custom_data_problem(&self) -> Option<String> {
        let personal = self.custom_data.iter().find(|name| map::is_personal(name));
        let personal =
            personal.map(|name| format!("`{name}` is about a person, and nothing about persons is sent there"));
        let taken = || self.custom_data.iter().find(|name| map::is_taken(name));
        let place = |name: &String| format!("`{name}` has its place in the data already; take it from the list");
        personal.or_else(|| taken().map(place))
    }
}

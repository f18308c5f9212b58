//! Whether what is known of a person is enough for Meta.

/// The sets that have nothing beyond them so far, one bit for each: values that are too common to recognise anybody by, also
/// together. Meta refuses an event that has nothing beyond one of them:
/// <https://developers.facebook.com/docs/marketing-api/conversions-api/best-practices/>.
pub(super) struct Known(u8);

/// Place, gender and browser.
const PLACE: u8 = 1;
/// Birthday and browser.
const BIRTHDAY: u8 = 1 << 1;
/// First name and gender.
const FIRST_NAME: u8 = 1 << 2;
/// Last name and gender.
const LAST_NAME: u8 = 1 << 3;

impl Default for Known {
    fn default() -> Known {
        Known(PLACE | BIRTHDAY | FIRST_NAME | LAST_NAME)
    }
}

impl Known {
    pub(super) fn note(&mut self, name: &str) {
        self.0 &= match name {
            "ct" | "country" | "st" | "zp" => PLACE,
            "ge" => PLACE | FIRST_NAME | LAST_NAME,
            "client_user_agent" => PLACE | BIRTHDAY,
            "db" => BIRTHDAY,
            "fn" => FIRST_NAME,
            "ln" => LAST_NAME,
            _ => 0,
        };
    }

    pub(super) fn is_enough(&self) -> bool {
        self.0 == 0
    }
}

//! Whether what is known of a person is enough for Meta.

/// Values that are too common to recognise anybody by, also together; Meta refuses an event that has nothing beyond one of
/// these sets: <https://developers.facebook.com/docs/marketing-api/conversions-api/best-practices/>.
const TOO_LITTLE: [&[&str]; 4] = [
    &["ct", "country", "st", "zp", "ge", "client_user_agent"],
    &["db", "client_user_agent"],
    &["fn", "ge"],
    &["ln", "ge"],
];

/// Which values there are: of each set, whether there is one that is not in it.
#[derive(Default)]
pub(super) struct Known([bool; TOO_LITTLE.len()]);

impl Known {
    pub(super) fn note(&mut self, name: &str) {
        for (beyond, set) in self.0.iter_mut().zip(TOO_LITTLE) {
            *beyond |= !set.contains(&name);
        }
    }

    pub(super) fn is_enough(&self) -> bool {
        self.0.iter().all(|beyond| *beyond)
    }
}

//! `[console]`: whether the router serves its console, and the password of its login page.

use secrecy::SecretString;

use super::read;
use super::section::Section;
use super::settings::Console;

/// Shorter passwords are warned of: ten guesses a minute from one address are let through.
const SHORT: usize = 12;

/// Reads `[console]`.
pub(super) fn console(section: &mut Section<'_>) -> Console {
    let password = section.value("password", String::new(), read::text);
    if (1..SHORT).contains(&password.len()) {
        section
            .report
            .warn(format!("`password` in [console] is shorter than {SHORT} bytes: it can be guessed"));
    }
    let enabled = section.value("enabled", true, read::boolean);
    Console { enabled, password: SecretString::from(password) }
}

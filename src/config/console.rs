//! `[console]`: whether the router serves its console, and the password of its login page, or its hash.

use secrecy::SecretString;

use super::password;
use super::read;
use super::section::Section;
use super::settings::Console;

/// Shorter passwords are warned of: ten guesses a minute from one address are let through.
const SHORT: usize = 12;

/// Reads `[console]`.
pub(super) fn console(section: &mut Section<'_>) -> Console {
    let password = section.value("password", String::new(), read::text);
    if let Err(wrong) = password::check(&password) {
        section.wrong("password", wrong);
    }
    if (1..SHORT).contains(&password.len()) {
        section
            .report
            .warn(format!("`password` in [console] is shorter than {SHORT} bytes: it can be guessed"));
    }
    let enabled = section.value("enabled", true, read::boolean);
    Console { enabled, password: SecretString::from(password) }
}

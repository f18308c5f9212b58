//! Which servers are spoken to. Pure.
//!
//! 22.8 is the first release with long support that has all of it: tokens of inserts, times with parts of a second, columns
//! added where they are missing. An older one would take some rows and refuse others.

/// What is asked.
pub(super) const QUERY: &str = "SELECT version()";

/// The oldest version.
const OLDEST: (u32, u32) = (22, 8);

/// Says what is wrong with a version.
///
/// # Errors
/// In words, that it is too old, or that it is none.
pub(super) fn check(said: &str) -> Result<(), String> {
    let (major, minor) = OLDEST;
    match parsed(said) {
        Some(version) if version >= OLDEST => Ok(()),
        Some(_) => Err(format!(
            "ClickHouse {said} is too old: {major}.{minor} or later is needed, and nothing is written until it is there"
        )),
        None => {
            let said: String = said.chars().take(100).collect();
            Err(format!("this is no ClickHouse: it answered {said:?} when asked for its version"))
        }
    }
}

fn parsed(said: &str) -> Option<(u32, u32)> {
    let mut parts = said.split('.');
    let version = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
    said.chars().all(|it| it.is_ascii_graphic()).then_some(version)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_from_22_8_are_taken() {
        for (said, taken) in [
            ("22.8.1.1", true),
            ("22.12.0.1", true),
            ("26.9.2.1", true),
            ("23.3", true),
            ("24.8.4.13.altinitystable", true),
            ("22.7.9.1", false),
            ("18.16.1", false),
            ("", false),
            ("<html>", false),
            ("1", false),
        ] {
            assert_eq!(check(said).is_ok(), taken, "{said}");
        }
    }

    #[test]
    fn a_refusal_says_what_is_there_and_what_is_needed() {
        let words = check("18.16.1").unwrap_err();
        assert!(words.starts_with("ClickHouse 18.16.1 is too old: 22.8 or later is needed"), "{words}");
        assert!(check("<html>portal</html>").unwrap_err().starts_with("this is no ClickHouse"));
    }
}

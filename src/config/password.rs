//! The console's password: plain, or as its argon2 hash in the form of the PHC (`$argon2id$v=19$m=…,t=…,p=…$salt$hash`).
//!
//! Pure, and slow on purpose: nobody compares on a thread that others wait for. Never prints a password or a hash.

use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher as _, PasswordVerifier as _};
use argon2::{Algorithm, Argon2, Params};

/// How each form of argon2 begins; no plain password does.
const BEGINS: &str = "$argon2";
/// How hashes of other kinds begin, as crypt(3) and others write them.
const OTHERS: [&str; 9] = ["$1$", "$2a$", "$2b$", "$2y$", "$5$", "$6$", "$y$", "$scrypt$", "$pbkdf2"];
/// Most memory of one comparison in KiB, 256 MiB: whoever tries passwords makes the router take it.
const MOST_KIB: u32 = 256 << 10;
/// Most passes over that memory.
const MOST_PASSES: u32 = 16;
/// Most lanes.
const MOST_LANES: u32 = 16;

/// Returns whether this is a hash, and not the password itself.
pub fn is_hash(text: &str) -> bool {
    text.starts_with(BEGINS)
}

/// Checks what is to be compared with later.
///
/// # Errors
/// What is wrong with it, to be read after its name.
pub(super) fn check(text: &str) -> Result<(), &'static str> {
    if OTHERS.iter().any(|other| text.starts_with(other)) {
        return Err("is a hash of another kind than argon2; `opentrack keys password` makes one");
    }
    if !is_hash(text) {
        return Ok(());
    }
    const BROKEN: &str = "begins like an argon2 hash and is none; `opentrack keys password` makes one (a shell or a .env file may have \
         taken its `$` for variables: put it between single quotes)";
    let hash = PasswordHash::new(text).map_err(|_| BROKEN)?;
    Algorithm::try_from(hash.algorithm.as_str()).map_err(|_| BROKEN)?;
    let costs = Params::try_from(&hash).map_err(|_| BROKEN)?;
    if hash.salt.is_none() || hash.hash.is_none() {
        return Err(BROKEN);
    }
    let is_bounded =
        costs.m_cost() <= MOST_KIB && costs.t_cost() <= MOST_PASSES && costs.p_cost() <= MOST_LANES;
    if is_bounded { Ok(()) } else { Err("is an argon2 hash of more than m=262144 (256 MiB), t=16 or p=16") }
}

/// Returns the hash of a password, with the costs that OWASP recommends: argon2id, m=19456 (19 MiB), t=2, p=1
/// (<https://cheatsheetseries.owasp.org/cheatsheets/Password_Storage_Cheat_Sheet.html>). `salt` must be random.
///
/// # Errors
/// The library's words; none are known for a password of less than 4 GiB.
pub fn hash(password: &str, salt: &[u8; 16]) -> Result<String, String> {
    hash_with(Params::DEFAULT, password, salt)
}

fn hash_with(costs: Params, password: &str, salt: &[u8; 16]) -> Result<String, String> {
    let argon2 = Argon2::new(Algorithm::Argon2id, argon2::Version::default(), costs);
    let made = argon2.hash_password_with_salt(password.as_bytes(), salt);
    made.map(|hash| hash.to_string()).map_err(|error| error.to_string())
}

/// Returns whether a password is the one of this hash. Takes as long as the hash says; one that cannot be read fits none.
pub fn fits(password: &str, hash: &str) -> bool {
    PasswordHash::new(hash)
        .is_ok_and(|hash| Argon2::default().verify_password(password.as_bytes(), &hash).is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cheap(password: &str) -> String {
        hash_with(Params::new(8, 1, 1, None).unwrap(), password, &[7; 16]).unwrap()
    }

    #[test]
    fn a_hash_fits_its_password_and_no_other() {
        let hash = cheap("correct horse");
        assert!(is_hash(&hash) && check(&hash).is_ok(), "{hash}");
        assert!(fits("correct horse", &hash));
        for wrong in ["", "correct hors", "Correct horse", &hash] {
            assert!(!fits(wrong, &hash), "{wrong}");
        }
        assert_ne!(hash, cheap("another"));
    }

    #[test]
    fn a_hash_of_another_library_is_understood() {
        // From the test vectors of the reference implementation: argon2id, v=19, t=2, m=256, p=1, "password", "somesalt".
        let known = "$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4";
        assert!(check(known).is_ok() && fits("password", known) && !fits("passwort", known));
    }

    #[test]
    fn what_cannot_be_compared_with_is_refused_and_not_repeated() {
        assert!(check("correct horse").is_ok() && check("$ecret").is_ok() && check("").is_ok());
        let hash = cheap("x");
        for (bad, says) in [
            ("$2b$12$abcdefghijklmnopqrstuv", "another kind"),
            ("$argon2id$v=19$m=8,t=1,p=1", "single quotes"),
            ("$argon2id=19=8,t=1,p=1", "single quotes"),
            ("$argon2x$v=19$m=8,t=1,p=1$AAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAA", "single quotes"),
            (&hash.replace("m=8", "m=262145"), "256 MiB"),
            (&hash.replace("t=1", "t=17"), "t=16"),
        ] {
            let problem = check(bad).unwrap_err();
            assert!(problem.contains(says) && !problem.contains("v=19"), "{bad}: {problem}");
        }
    }
}

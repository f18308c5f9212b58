//! Names for people that tell nothing of them: the visitor of a day without any cookie.
//!
//! Pure: the salts come as arguments, and whoever keeps them destroys them in time. What one destination sees of an event is
//! hashed in [`crate::spec::privacy`], and requests are signed in [`crate::spec::signature`]. Never keeps what it hashes.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// Bytes of a visitor's name.
const LENGTH: usize = 16;

/// Returns 32 hexadecimal digits that are the same for one browser on one site while the salt lives, and lead back to nobody
/// when it is destroyed. `day_salt` is random and kept no longer than two days.
pub fn visitor(day_salt: &[u8], site: &str, ip: &str, user_agent: &str) -> String {
    // HMAC takes a key of any length.
    let mut mac = Hmac::<Sha256>::new_from_slice(day_salt).expect("HMAC takes keys of any length");
    mac.update(format!("{site}\n{ip}\n{user_agent}").as_bytes());
    mac.finalize().into_bytes().iter().take(LENGTH).map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_visitor_is_the_first_half_of_the_hmac_of_site_address_and_browser() {
        // printf 'shop\n203.0.113.7\nMozilla/5.0' | openssl dgst -sha256 -mac HMAC -macopt hexkey:00ff
        let known = "e8a3631056b5f9bd02b0056a9b61b53e";
        assert_eq!(visitor(&[0x00, 0xff], "shop", "203.0.113.7", "Mozilla/5.0"), known);
    }

    #[test]
    fn another_day_site_address_or_browser_is_another_visitor() {
        let one = visitor(b"day", "shop", "203.0.113.7", "a");
        for other in [
            visitor(b"next", "shop", "203.0.113.7", "a"),
            visitor(b"day", "blog", "203.0.113.7", "a"),
            visitor(b"day", "shop", "203.0.113.8", "a"),
            visitor(b"day", "shop", "203.0.113.7", "b"),
        ] {
            assert_ne!(one, other);
        }
    }
}

//! Sealed values: who can read them, where, and that nothing of key or value is to be seen.
#![expect(clippy::string_slice, reason = "keys and sealed values are ASCII")]

use proptest::prelude::*;

use super::*;

const HEX: &str = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";
const BASE64: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";

pub(crate) fn ring(first: u8, others: &[u8]) -> Keyring {
    let key = |byte: &u8| Key::read(&format!("{byte:02x}").repeat(32)).unwrap();
    Keyring::new(std::iter::once(&first).chain(others).map(key).collect()).unwrap()
}

fn spot<'a>(field: &'a str, of: &'a str) -> Spot<'a> {
    Spot { field, of, at: 0, place: 0 }
}

#[test]
fn a_key_is_read_from_base64_and_from_hexadecimal_digits() {
    let key = Key::read(HEX).unwrap();
    for same in [BASE64, BASE64.trim_end_matches('='), &HEX.to_uppercase(), &format!(" {HEX}\n")] {
        assert_eq!(Key::read(same).unwrap(), key, "{same}");
    }
    assert_ne!(Key::read(&"00".repeat(32)).unwrap(), key);
    for (wrong, words) in [
        ("", "not 0 bytes"),
        ("c2hvcnQ=", "not 5 bytes"),
        (&HEX[2..], "not 31 bytes"),
        ("hunter2!", "64 hexadecimal digits"),
        (&HEX.repeat(2), "not 64 bytes"),
        (&BASE64[4..], "not 29 bytes"),
    ] {
        let refused = Key::read(wrong).unwrap_err();
        assert!(refused.starts_with("must be 32 bytes") && refused.ends_with(words), "{refused}");
        assert!(wrong.is_empty() || !refused.contains(wrong), "it quotes the key: {refused}");
    }
}

/// 32 bytes of key, 12 of nonce, the pointer as associated data: sealed by the `crypto` module of Node.
#[test]
fn what_another_implementation_of_the_cipher_has_sealed_is_read() {
    let keyring = Keyring::new(vec![Key::read(HEX).unwrap()]).unwrap();
    let theirs = FOREIGN.replace("<id>", &keyring.newest());
    assert_eq!(keyring.open(&theirs, "/traits/email"), Ok("\"anna@shop.example\"".to_owned()));
}

const FOREIGN: &str = "enc:v1:<id>:AQIDBAUGBwgJCgsMJ4s0u43Ug-4j0k0iaHKHWC4mw1qTo7zuPBHfKlJYCo2jb-o";

#[test]
fn neither_key_nor_value_can_be_seen() {
    let keyring = Keyring::new(vec![Key::read(HEX).unwrap()]).unwrap();
    let sealed = keyring.seal("\"anna\"", spot("/traits/name", "m")).unwrap();
    let shown = format!("{keyring:?} {sealed}");
    assert!(!shown.contains("anna") && !shown.contains(&HEX[..8]) && !shown.contains("AAEC"), "{shown}");
    assert!(shown.contains(&keyring.newest()), "its name is: {shown}");
}

#[test]
fn a_value_that_was_moved_altered_or_sealed_by_others_is_not_read() {
    let (ours, theirs) = (ring(1, &[]), ring(2, &[]));
    let sealed = ours.seal("1", spot("/traits/age", "m")).unwrap();
    assert_eq!(ours.open(&sealed, "/traits/age"), Ok("1".to_owned()));
    assert_eq!(ours.open(&sealed, "/traits/points"), Err(Unread::Unfit));
    assert_eq!(theirs.open(&sealed, "/traits/age"), Err(Unread::NoKey(ours.newest())));
    let renamed = sealed.replace(&ours.newest(), &theirs.newest());
    assert_eq!(theirs.open(&renamed, "/traits/age"), Err(Unread::Unfit));
    for broken in ["", "enc:v1:", "enc:v1:00000000:", &sealed[..sealed.len() - 4], &format!("{sealed}AAAA")] {
        assert!(ours.open(broken, "/traits/age").is_err(), "{broken}");
    }
}

#[test]
fn an_old_key_reads_and_a_renewed_value_needs_it_no_more() {
    let before = ring(1, &[]);
    let sealed = before.seal("\"anna\"", spot("/a", "m")).unwrap();
    let during = ring(2, &[1]);
    assert_eq!(during.open(&sealed, "/a"), Ok("\"anna\"".to_owned()));
    let renewed = during.renew(&sealed, "/a").unwrap();
    assert_eq!(during.renew(&renewed, "/a").as_ref(), Ok(&renewed), "once is enough");
    let after = ring(2, &[]);
    assert_eq!(after.open(&renewed, "/a"), Ok("\"anna\"".to_owned()));
    assert_eq!(after.renew(&sealed, "/a"), Err(Unread::NoKey(before.newest())));
    let new = during.seal("1", spot("/a", "m")).unwrap();
    assert!(after.open(&new, "/a").is_ok(), "the first key seals");
}

#[test]
fn sealed_values_are_found_in_any_text() {
    let sealed = ring(1, &[]).seal("1", spot("/a", "m")).unwrap();
    let text = format!("enc:v1: enc:v1:{sealed},\"{sealed}\" enc:v1:12345678: {sealed}");
    let (mut found, mut at) = (Vec::new(), 0);
    while let Some(place) = find(&text, at) {
        at = place.end;
        found.push(&text[place]);
    }
    assert_eq!(found, [&sealed, &sealed, &sealed]);
    for none in ["ü enc:v1:üüü", "enc:v1:1234:AAAA", "enc:v1:123456789:AAAA", "enc:v1:12345678AAAA"] {
        assert_eq!(find(none, 0), None, "{none}");
    }
}

#[test]
fn a_spot_is_not_another_one_that_reads_alike() {
    let keyring = ring(1, &[]);
    let sealed = |field, of| keyring.seal("1", spot(field, of)).unwrap();
    assert_ne!(sealed("/a", "b")[..40], sealed("/", "ab")[..40], "the nonces differ");
}

proptest! {
    #[test]
    fn whoever_has_the_key_reads_any_value_back_and_nobody_else_does(
        value in ".{0,40}", field in "/[a-z~/]{0,9}", of in ".{0,9}", at: i64, place in 0..9_usize, flip in any::<prop::sample::Index>(),
    ) {
        let ours = ring(7, &[8]);
        let sealed = ours.seal(&value, Spot { field: &field, of: &of, at, place }).unwrap();
        prop_assert_eq!(find(&sealed, 0), Some(0..sealed.len()));
        prop_assert_eq!(ours.open(&sealed, &field), Ok(value.clone()));
        let elsewhere = format!("{field}/x");
        prop_assert!(ours.open(&sealed, &elsewhere).is_err());
        prop_assert!(ring(9, &[]).open(&sealed, &field).is_err());
        let (_, mut whole) = parts(&sealed).unwrap();
        let at = flip.index(whole.len());
        whole[at] ^= 1;
        let altered = format!("{PREFIX}{}:{}", ours.newest(), URL_SAFE_NO_PAD.encode(whole));
        prop_assert_eq!(ours.open(&altered, &field), Err(Unread::Unfit));
    }

    /// A nonce that comes again with another text gives both away.
    #[test]
    fn the_same_is_the_same_text_and_all_else_has_another_nonce(
        one in ("[ab]{0,2}", "[/a]{0,2}", "[ab]{0,2}", 0..2_i64, 0..2_usize),
        other in ("[ab]{0,2}", "[/a]{0,2}", "[ab]{0,2}", 0..2_i64, 0..2_usize),
    ) {
        let keyring = ring(7, &[]);
        let sealed = |(value, field, of, at, place): &(String, String, String, i64, usize)| {
            keyring.seal(value, Spot { field, of, at: *at, place: *place }).unwrap()
        };
        let nonce = |sealed: &str| parts(sealed).unwrap().1[..NONCE_LEN].to_vec();
        let (first, second) = (sealed(&one), sealed(&other));
        prop_assert_eq!(one == other, first == second);
        prop_assert_eq!(one == other, nonce(&first) == nonce(&second));
    }
}

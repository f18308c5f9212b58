//! The command as a function: what goes in, what comes out, what is told.

use std::fs;

use super::super::tests::{captured, run};
use super::super::{Environment, Exit};
use super::*;
use crate::config::{self, Source};
use crate::spec::privacy::cipher::{Key, Keyring, Spot};

const OLD: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
const NEW: &str = "AQECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
const CONFIG: &str = "[privacy]\nencrypt = [\"/traits/email\"]\n[destinations.hook]\ntype = \"webhook\"\nenabled = false\n\
                      url = \"https://a.example\"\nprivacy = { \"/traits/age\" = \"encrypt\" }\n";

fn keyring(keys: &[&str]) -> Keyring {
    Keyring::new(keys.iter().map(|key| Key::read(key).unwrap()).collect()).unwrap()
}

fn sealed(field: &str, json: &str) -> String {
    keyring(&[OLD]).seal(json, Spot { field, of: "m", at: 0, place: 0 }).unwrap()
}

fn email() -> String {
    sealed("/traits/email", r#""an\u006ea, \"A\"""#)
}

/// Exit, standard output, standard error.
fn with_keys(keys: &str, arguments: &[&str], input: &str) -> (Exit, String, String) {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("config.toml");
    fs::write(&file, CONFIG).unwrap();
    let environment = Environment::default().with("PII_KEY", keys);
    let loaded = config::load(&Source::Named(file), &environment).unwrap();
    let fields = arguments.iter().filter(|one| one.starts_with('/')).map(|one| (*one).to_owned()).collect();
    let asked = Asked { fields, rotate: arguments.contains(&"--rotate") };
    let (mut out, stdout, stderr) = captured();
    let exit = decrypt(&loaded.settings, &asked, &mut input.as_bytes(), &mut out);
    (exit, stdout.text(), stderr.text())
}

#[test]
fn values_in_json_are_the_json_that_they_were_and_all_else_stays_byte_for_byte() {
    let (email, age) = (email(), sealed("/traits/age", "4.20"));
    let flat = serde_json::to_string(&format!("{{\"email\":\"{email}\", \"age\":\"{age}\"}}")).unwrap();
    let prose = format!("\"mail {email}\"");
    let input = format!(
        "[\n {{\"a\": 1.00, \"email\":\"{email}\" ,\"age\" : \"{age}\"}},\n\n {{\"traits\":{flat},\"q\":\"\\\"\", \"p\":{prose}}}]"
    );
    let expected = "[\n {\"a\": 1.00, \"email\":\"an\\u006ea, \\\"A\\\"\" ,\"age\" : 4.20},\n\n \
         {\"traits\":\"{\\\"email\\\":\\\"an\\\\u006ea, \\\\\\\"A\\\\\\\"\\\", \\\"age\\\":4.20}\",\"q\":\"\\\"\", \
         \"p\":\"mail anna, \\\"A\\\"\"}]";
    let (exit, stdout, stderr) = with_keys(OLD, &[], &input);
    assert_eq!((exit, stdout.as_str(), stderr.as_str()), (Exit::Fine, expected, ""));
    assert!(serde_json::from_str::<serde_json::Value>(&stdout).is_ok());
}

#[test]
fn values_in_csv_are_quoted_where_they_have_to_be_and_bare_ones_are_bare() {
    let (email, age) = (email(), sealed("/traits/age", "4.20"));
    let broken = sealed("/traits/email", r#""a\nb""#);
    let input = format!("id,email,age\nu1,{email},{age}\nu2,\"{email}\",\n{email}\r\n{age}\n{broken}\n{age}");
    let expected = "id,email,age\nu1,\"anna, \"\"A\"\"\",4.20\nu2,\"anna, \"\"A\"\"\",\nanna, \"A\"\r\n4.20\n\"a\nb\"\n4.20";
    assert_eq!(with_keys(OLD, &[], &input), (Exit::Fine, expected.to_owned(), String::new()));
}

#[test]
fn what_cannot_be_read_passes_through_is_counted_and_fails() {
    let (email, other) = (email(), sealed("/traits/phone", "1"));
    let input = format!("{email} {other} {other}\n");
    let (exit, stdout, stderr) = with_keys(OLD, &[], &input);
    assert_eq!((exit, stdout), (Exit::Failed, format!("\"anna, \"\"A\"\"\" {other} {other}\n")));
    assert_eq!(stderr, "2 could not be read: sealed for another field, or altered\n");
    let (exit, stdout, stderr) = with_keys(NEW, &[], &input);
    assert_eq!((exit, stdout), (Exit::Failed, input.clone()));
    assert_eq!(stderr, format!("3 could not be read: the key `{}` is not here\n", keyring(&[OLD]).newest()));
    let (exit, stdout, _) = with_keys(OLD, &["/traits/phone"], &input);
    assert_eq!((exit, stdout), (Exit::Failed, format!("{email} 1 1\n")), "the named field alone");
}

#[test]
fn a_rotation_leaves_everything_else_and_nothing_under_the_old_key() {
    let (email, age) = (email(), sealed("/traits/age", "4.20"));
    let input = format!("{{\"traits\":\"{{\\\"email\\\":\\\"{email}\\\"}}\",\"age\":\"{age}\",\"n\":1.0}}\n");
    let both = format!("{NEW},{OLD}");
    let (exit, renewed, stderr) = with_keys(&both, &["--rotate"], &input);
    let id = keyring(&[NEW]).newest();
    assert_eq!((exit, stderr), (Exit::Fine, format!("2 under the key `{id}` now, 0 were already\n")));
    assert!(!renewed.contains(&keyring(&[OLD]).newest()), "{renewed}");
    let plain = with_keys(NEW, &[], &renewed);
    assert_eq!(plain, with_keys(OLD, &[], &input), "the new key alone reads what the old one did");
    let (exit, again, stderr) = with_keys(&both, &["--rotate"], &renewed);
    assert_eq!((exit, again), (Exit::Fine, renewed));
    assert_eq!(stderr, format!("0 under the key `{id}` now, 2 were already\n"));
}

#[test]
fn without_a_key_or_a_field_it_says_so() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("config.toml");
    fs::write(&file, "").unwrap();
    let file = file.to_str().unwrap();
    let (exit, stdout, stderr) = run(&["decrypt", "--config", file]);
    assert_eq!((exit, stdout.as_str()), (Exit::Secret, ""));
    assert!(stderr.contains("PII_KEY"), "{stderr}");
    fs::write(file, format!("[privacy]\nencryption_keys = [\"{OLD}\"]\n")).unwrap();
    let (exit, _, stderr) = run(&["decrypt", "--config", file]);
    assert_eq!(exit, Exit::Usage);
    assert!(stderr.contains("--field /traits/email") && !stderr.contains(OLD), "{stderr}");
}

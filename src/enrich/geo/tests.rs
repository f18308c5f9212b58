//! Files of either shape, made by hand, and what is known without any.

use super::*;

fn open(content: &[u8]) -> Database {
    Database::open(content.to_vec()).unwrap()
}

fn geo(country: &str, parts: [Option<&str>; 3]) -> Geo {
    let [region, city, timezone] = parts.map(|part| part.map(str::to_owned));
    Geo { country: country.to_owned(), region, city, timezone }
}

#[test]
fn a_file_may_be_nested_or_flat() {
    let (city, country, flat) = (
        open(include_bytes!("city.mmdb")),
        open(include_bytes!("country.mmdb")),
        open(include_bytes!("flat.mmdb")),
    );
    let ip: IpAddr = "203.0.113.77".parse().unwrap();
    let munich = geo("DE", [Some("BY"), Some("Munich"), Some("Europe/Berlin")]);
    assert_eq!(city.find(ip), Some(munich));
    assert_eq!(city.find("2001:db8::1".parse().unwrap()), Some(geo("FR", [None; 3])));
    assert_eq!(country.find(ip), Some(geo("KR", [None; 3])));
    assert_eq!(flat.find(ip), Some(geo("KR", [Some("Seoul"), Some("Jung-gu"), Some("Asia/Seoul")])));
    for unknown in ["198.51.100.1", "127.0.0.1", "::1", "2001:db9::1"] {
        assert_eq!(city.find(unknown.parse().unwrap()), None, "{unknown}");
    }
    assert_eq!(flat.find("2001:db8::1".parse().unwrap()), None, "a file for IPv4 alone");
}

#[test]
fn what_is_no_such_file_is_refused_and_a_damaged_one_says_nothing() {
    assert!(Database::open(Vec::new()).is_err());
    assert!(Database::open(b"<html>not found</html>".to_vec()).is_err());
    let content = include_bytes!("city.mmdb");
    for at in 0..content.len() {
        let mut damaged = content.to_vec();
        damaged[at] ^= 0xff;
        if let Ok(damaged) = Database::open(damaged) {
            damaged.find("203.0.113.77".parse().unwrap());
        }
    }
}

#[test]
fn without_a_file_a_proxy_is_asked_and_then_the_time_zone() {
    let place = |timezone, country| locate(None, &Signs { timezone, country });
    assert_eq!(place(None, Some("de")), Some(geo("DE", [None; 3])), "two zones");
    assert_eq!(place(None, Some("FR")), Some(geo("FR", [None, None, Some("Europe/Paris")])));
    assert_eq!(place(Some("Asia/Kolkata"), None), Some(geo("IN", [None, None, Some("Asia/Kolkata")])));
    assert_eq!(place(Some("Asia/Calcutta"), None), Some(geo("IN", [None, None, Some("Asia/Calcutta")])));
    assert_eq!(place(Some("America/New_York"), Some("CA")).unwrap().country, "CA");
    assert_eq!(place(Some("Europe/Kiev"), Some("XX")).unwrap().country, "UA");
    for unknown in [Some("T1"), Some("Germany"), Some(""), Some("D3"), None] {
        assert_eq!(place(Some("Etc/GMT+3"), unknown), None, "{unknown:?}");
    }
}

#[test]
fn a_file_knows_the_country_best_and_the_client_its_time_zone() {
    let found = || Some(geo("DE", [None, None, Some("Europe/Berlin")]));
    let located = locate(found(), &Signs { timezone: Some("Asia/Tokyo"), country: Some("FR") });
    assert_eq!(located, Some(geo("DE", [None, None, Some("Asia/Tokyo")])));
    assert_eq!(locate(found(), &Signs::default()), found());
}

#[test]
fn every_zone_belongs_to_one_country() {
    let count: usize =
        ZONES.lines().map(|line| line.split(' ').filter(|zone| zone.contains('/')).count()).sum();
    assert_eq!(zones().countries.len(), count);
    assert!(zones().single.len() > 150, "{}", zones().single.len());
}

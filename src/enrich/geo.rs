//! Where somebody is: by an address and a file of MaxMind's format, else by what a proxy says, else by the time zone.
//!
//! The file may be nested as MaxMind's own are (`country.iso_code`) or flat as others are (`country_code`). Pure: the file comes
//! as bytes, and whoever reads it decides when to read it again. Ships no such file.

#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

use maxminddb::Reader;
use serde::{Deserialize, Serialize};

/// Countries with the time zones that are theirs; behind `|` older names of these. Made of tzdata 2026f, which is in the public
/// domain.
const ZONES: &str = include_str!("geo/zones.txt");
/// What stands for a country that nobody knows.
pub(super) const NOWHERE: &str = "ZZ";

/// What is known of a place.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Geo {
    /// Two letters, ISO 3166-1.
    pub country: String,
    /// The code of the country's part, else its name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    /// In English.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub city: Option<String>,
    /// By its name in tzdata.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timezone: Option<String>,
}

/// How many files were opened.
static OPENED: AtomicU64 = AtomicU64::new(0);

/// An opened file.
pub struct Database {
    reader: Reader<Vec<u8>>,
    edition: u64,
}

impl std::fmt::Debug for Database {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Database").field(&self.reader.metadata().database_type).finish()
    }
}

/// What a file may say of an address, in either shape.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Record<'r> {
    #[serde(borrow)]
    country: Option<Country<'r>>,
    country_code: Option<&'r str>,
    #[serde(borrow)]
    subdivisions: Vec<Part<'r>>,
    state1: Option<&'r str>,
    #[serde(borrow)]
    city: Option<City<'r>>,
    #[serde(borrow)]
    location: Option<Location<'r>>,
    timezone: Option<&'r str>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Country<'r> {
    #[serde(borrow)]
    Nested(Part<'r>),
    Flat(&'r str),
}

#[derive(Deserialize)]
#[serde(untagged)]
enum City<'r> {
    #[serde(borrow)]
    Nested(Part<'r>),
    Flat(&'r str),
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Part<'r> {
    iso_code: Option<&'r str>,
    #[serde(borrow)]
    names: Names<'r>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Names<'r> {
    en: Option<&'r str>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Location<'r> {
    time_zone: Option<&'r str>,
}

impl Database {
    /// Opens the content of a file.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn open(content: Vec<u8>) -> Result<Database, String> {
        let reader = Reader::from_source(content).map_err(|error| error.to_string())?;
        Ok(Database { reader, edition: OPENED.fetch_add(1, Ordering::Relaxed) })
    }

    /// Returns a number that no other opened file has: what one said is not said by the next.
    pub fn edition(&self) -> u64 {
        self.edition
    }

    /// Returns what the file says of an address; none where it says no country.
    pub fn find(&self, ip: IpAddr) -> Option<Geo> {
        let record: Record<'_> = self.reader.lookup(ip).ok()?.decode().ok()??;
        let country = match record.country {
            Some(Country::Nested(part)) => part.iso_code,
            Some(Country::Flat(code)) => Some(code),
            None => record.country_code,
        };
        let part = record.subdivisions.first().and_then(|part| part.iso_code.or(part.names.en));
        let city = match record.city {
            Some(City::Nested(part)) => part.names.en,
            Some(City::Flat(name)) => Some(name),
            None => None,
        };
        let zone = record.location.and_then(|location| location.time_zone).or(record.timezone);
        let present = |text: Option<&str>| text.filter(|text| !text.is_empty()).map(str::to_owned);
        Some(Geo {
            country: country_code(country?)?,
            region: present(part.or(record.state1)),
            city: present(city),
            timezone: present(zone),
        })
    }
}

/// What is known beside the address.
#[derive(Debug, Clone, Copy, Default)]
pub struct Signs<'s> {
    /// The time zone that the client names.
    pub timezone: Option<&'s str>,
    /// The country that a trusted proxy names.
    pub country: Option<&'s str>,
}

/// Returns where somebody is. The file knows best, then a proxy that saw the address, then the time zone; the client's own word
/// for its time zone holds.
pub fn locate(found: Option<Geo>, signs: &Signs<'_>) -> Option<Geo> {
    let by_zone =
        || signs.timezone.and_then(|zone| zones().countries.get(zone)).map(|code| (*code).to_owned());
    let by_sign = || signs.country.and_then(country_code).or_else(by_zone);
    let mut geo = match found {
        Some(geo) => geo,
        None => Geo { country: by_sign()?, ..Geo::default() },
    };
    let single = || zones().single.get(geo.country.as_str()).map(|zone| (*zone).to_owned());
    geo.timezone = signs.timezone.map(str::to_owned).or(geo.timezone.take()).or_else(single);
    Some(geo)
}

/// Two letters, and none of those by which proxies say that they do not know: `XX`, and `T1` for Tor.
fn country_code(text: &str) -> Option<String> {
    let is_code = text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_alphabetic());
    Some(text.to_ascii_uppercase()).filter(|code| is_code && code != "XX")
}

#[derive(Default)]
struct Zones {
    countries: HashMap<&'static str, &'static str>,
    /// Countries with one zone.
    single: HashMap<&'static str, &'static str>,
}

fn zones() -> &'static Zones {
    static TABLE: OnceLock<Zones> = OnceLock::new();
    TABLE.get_or_init(|| {
        let mut table = Zones::default();
        for line in ZONES.lines() {
            let Some((country, all)) = line.split_once(' ') else { continue };
            let (own, _) = all.split_once(" |").unwrap_or((all, ""));
            if !own.contains(' ') {
                table.single.insert(country, own);
            }
            table.countries.extend(all.split(' ').filter(|zone| *zone != "|").map(|zone| (zone, country)));
        }
        table
    })
}

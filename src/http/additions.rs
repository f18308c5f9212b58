//! The tables behind what the door adds to events: made when they are first needed, and read again when their file changes.
//!
//! Compiling the rules for devices takes half a second and some tens of megabytes, so that it is done on another thread, once,
//! and by the first request that needs it; that one waits, since an event is stored only once. A request with more new texts than
//! a worker may read at once has them read there too. Never adds anything itself.

use std::borrow::Cow;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use actix_web::HttpRequest;
use actix_web::http::header::{HeaderName, HeaderValue, USER_AGENT};
use arc_swap::{ArcSwap, ArcSwapOption};
use tokio::sync::OnceCell;

use crate::config::settings::Additions;
use crate::enrich::additions as adds;
use crate::enrich::additions::reads::{Reads, Unread};
use crate::enrich::device::Reader;
use crate::enrich::geo::Database;
use crate::spec::{Arrival, Envelope, Intake, Limits};
use crate::telemetry::events::{PlacesOpened, PlacesUnreadable};

/// How the member that names a program is written in an event.
const USER_AGENT_MEMBER: &[u8] = b"\"userAgent\"";
/// How often the file of places is looked at; a change counts when two looks in a row have found it.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// Client hints, <https://wicg.github.io/ua-client-hints/>.
const HINTS: [HeaderName; 6] = [
    HeaderName::from_static("sec-ch-ua"),
    HeaderName::from_static("sec-ch-ua-mobile"),
    HeaderName::from_static("sec-ch-ua-platform"),
    HeaderName::from_static("sec-ch-ua-platform-version"),
    HeaderName::from_static("sec-ch-ua-model"),
    HeaderName::from_static("sec-ch-ua-full-version-list"),
];
/// In which proxies say where their client is: Cloudflare's and Vercel's.
const COUNTRIES: [HeaderName; 2] =
    [HeaderName::from_static("cf-ipcountry"), HeaderName::from_static("x-vercel-ip-country")];

/// What all workers share.
#[derive(Default)]
pub(super) struct Tables {
    reader: OnceCell<Option<Arc<Reader>>>,
    /// The file as it was when it was opened for the first time.
    first: OnceCell<Stamp>,
    places: ArcSwapOption<Database>,
    settings: ArcSwap<Additions>,
}

/// A state of the file: which it is, when it was written, and how long it is.
type Stamp = Option<(PathBuf, Option<(SystemTime, u64)>)>;

impl Tables {
    /// Opens nothing yet.
    pub(super) fn new(settings: &Additions) -> Tables {
        Tables { settings: ArcSwap::from_pointee(settings.clone()), ..Tables::default() }
    }

    /// Goes on with other settings.
    pub(super) fn change(&self, settings: &Additions) {
        self.settings.store(Arc::new(settings.clone()));
    }

    /// Opens the file of places again whenever it, or its name, has changed. Never ends.
    pub(super) async fn follow(&self) {
        let mut known = self.opened().await.clone();
        let mut seen = known.clone();
        loop {
            tokio::time::sleep(LOOK_EVERY).await;
            let found = self.stamp().await;
            let rests = found == seen;
            seen.clone_from(&found);
            if rests && found != known {
                self.open(found.as_ref().map(|(path, _)| path.clone())).await;
                known = found;
            }
        }
    }

    /// Opens the file of places if nobody has yet; whoever comes at the same time waits. Returns which one it was: looked at before,
    /// so that a change in between is a change.
    async fn opened(&self) -> &Stamp {
        let open = || async {
            let stamp = self.stamp().await;
            self.open(stamp.as_ref().map(|(path, _)| path.clone())).await;
            stamp
        };
        self.first.get_or_init(open).await
    }

    async fn stamp(&self) -> Stamp {
        let path = self.settings.load().geo_database.clone()?;
        let look = {
            let path = path.clone();
            move || std::fs::metadata(path).and_then(|data| Ok((data.modified()?, data.len()))).ok()
        };
        let found = tokio::task::spawn_blocking(look).await.ok().flatten();
        Some((path, found))
    }

    /// What cannot be read leaves what was opened before.
    async fn open(&self, path: Option<PathBuf>) {
        let Some(path) = path else { return self.places.store(None) };
        let read = {
            let path = path.clone();
            move || std::fs::read(path).map_err(|error| error.to_string()).and_then(Database::open)
        };
        let opened = tokio::task::spawn_blocking(read).await.unwrap_or_else(|error| Err(error.to_string()));
        match opened {
            Ok(database) => {
                self.places.store(Some(Arc::new(database)));
                PlacesOpened { path: &path }.emit();
            }
            Err(problem) => PlacesUnreadable { path: &path, problem: &problem }.emit(),
        }
    }

    /// Returns what is at hand for the calls of one request, whose unpacked body is `text`.
    pub(super) async fn at_hand(&self, sender: &Sender<'_>, text: &[u8]) -> AtHand {
        let of_request = sender.is_client && sender.user_agent.is_some();
        let needs = of_request || memchr::memmem::find(text, USER_AGENT_MEMBER).is_some();
        let reader = if needs { self.reader.get_or_init(compiled).await.clone() } else { None };
        self.opened().await;
        AtHand { reader, places: self.places.load_full(), bots: self.settings.load().bots }
    }
}

async fn compiled() -> Option<Arc<Reader>> {
    // The rules are shipped and were tried.
    tokio::task::spawn_blocking(|| Reader::new().ok().map(Arc::new)).await.ok().flatten()
}

/// The tables for one request.
pub(super) struct AtHand {
    reader: Option<Arc<Reader>>,
    places: Option<Arc<Database>>,
    bots: crate::spec::additions::Bots,
}

impl AtHand {
    /// Checks the calls of this sender and adds what is to be added. Texts that are new and too many for this worker are read
    /// elsewhere, and then it is done once more: an event is stored only once, so that what it says of its sender must be known.
    pub(super) async fn believe(
        &self,
        envelope: Envelope,
        (arrival, limits): (&Arrival, &Limits),
        sender: &Sender<'_>,
    ) -> Intake {
        // A single text is never too much.
        let again = (envelope.len() > 1 && self.reader.is_some()).then(|| envelope.clone());
        let reads = Reads::default();
        let intake = envelope.believe_and_add(arrival, limits, &self.adds(sender, &reads));
        let unread = reads.unread();
        match again {
            Some(again) if !unread.is_empty() => {
                self.read(unread).await;
                again.believe_and_add(arrival, limits, &self.adds(sender, &Reads::over()))
            }
            _ => intake,
        }
    }

    async fn read(&self, unread: Unread) {
        let Some(reader) = self.reader.clone() else { return };
        let answers = tokio::task::spawn_blocking(move || unread.read(&reader)).await;
        // A panic of the rules leaves the texts unknown.
        answers.into_iter().for_each(adds::reads::Answers::keep);
    }

    fn adds<'a>(&'a self, sender: &'a Sender<'a>, reads: &'a Reads) -> adds::Additions<'a> {
        let request = adds::Request {
            user_agent: sender.user_agent.as_deref(),
            hints: &sender.hints,
            country: sender.country,
            is_client: sender.is_client,
        };
        adds::Additions {
            reader: self.reader.as_deref(),
            reads: Some(reads),
            places: self.places.as_deref(),
            bots: self.bots,
            request,
        }
    }
}

/// What a request says of its sender.
pub(super) struct Sender<'r> {
    user_agent: Option<Cow<'r, str>>,
    hints: String,
    country: Option<&'r str>,
    is_client: bool,
}

impl<'r> Sender<'r> {
    /// Looks at a request. A country counts when its peer is a trusted proxy.
    pub(super) fn of(request: &'r HttpRequest, is_client: bool, by_proxy: bool) -> Sender<'r> {
        let headers = request.headers();
        let user_agent = headers.get(USER_AGENT).map(|value| String::from_utf8_lossy(value.as_bytes()));
        let country = || COUNTRIES.iter().find_map(|name| headers.get(name)?.to_str().ok());
        Sender {
            user_agent: user_agent.filter(|_| is_client),
            hints: if is_client { hints(request) } else { String::new() },
            country: if by_proxy { country() } else { None },
            is_client,
        }
    }
}

/// Returns the hints as an object of their headers; empty when there is none.
fn hints(request: &HttpRequest) -> String {
    let mut sent = serde_json::Map::new();
    for name in &HINTS {
        if let Some(value) = request.headers().get(name).map(HeaderValue::as_bytes) {
            sent.insert(name.to_string(), String::from_utf8_lossy(value).into());
        }
    }
    if sent.is_empty() { String::new() } else { serde_json::Value::Object(sent).to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CITY: &[u8] = include_bytes!("../enrich/geo/city.mmdb");
    const COUNTRY: &[u8] = include_bytes!("../enrich/geo/country.mmdb");

    fn country(tables: &Tables) -> Option<String> {
        let places = tables.places.load();
        Some(places.as_ref()?.find("203.0.113.1".parse().unwrap())?.country)
    }

    /// Follows until the place is said to be in this country.
    async fn until(tables: &Tables, expected: Option<&str>) {
        let come = async {
            while country(tables).as_deref() != expected {
                tokio::time::sleep(LOOK_EVERY).await;
            }
        };
        tokio::select! {
            () = tables.follow() => {}
            () = come => {}
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_file_is_read_again_when_it_changes_and_a_damaged_one_leaves_the_one_before() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("places.mmdb");
        std::fs::write(&path, CITY).unwrap();
        let mut settings = Additions { geo_database: Some(path.clone()), ..Additions::default() };
        let tables = Tables::new(&settings);
        tables.opened().await;
        assert_eq!(country(&tables).as_deref(), Some("DE"));
        let change = async {
            tokio::time::sleep(LOOK_EVERY * 3).await;
            std::fs::write(&path, b"damaged").unwrap();
            tokio::time::sleep(LOOK_EVERY * 5).await;
            assert_eq!(country(&tables).as_deref(), Some("DE"), "what was opened before stays");
            std::fs::write(&path, COUNTRY).unwrap();
        };
        tokio::join!(until(&tables, Some("KR")), change);
        settings.geo_database = None;
        let change = async {
            tokio::time::sleep(LOOK_EVERY).await;
            tables.change(&settings);
        };
        tokio::join!(until(&tables, None), change);
    }
}

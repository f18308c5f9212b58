//! What a newly read configuration changes about the running one, and what of it has to wait for the next start.
//!
//! Pure, so that a reload is decided in one place and carried out in another.

use secrecy::{ExposeSecret, SecretString};

use super::load::Loaded;
use super::settings::{
    Additions, Console, Destination, Journal, Limits, Privacy, Realtime, Server, Settings, Source, Telemetry,
    Tracker,
};
use crate::policy::consent::Rules;

/// The differences between what runs and what was read, by the names of the configuration.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Changes {
    /// Tables that are new: `destinations.crm`, `sources.web`.
    pub added: Vec<String>,
    /// Tables that are there no more.
    pub removed: Vec<String>,
    /// Tables and keys with another content.
    pub changed: Vec<String>,
    /// Keys and variables that take effect at the next start.
    pub waiting: Vec<&'static str>,
    /// Names of destinations that are new or have another content.
    pub destinations: Vec<String>,
    /// Names of destinations that are there no more.
    pub gone: Vec<String>,
}

impl Changes {
    /// Compares; `read` was made whole by [`keep_what_cannot_change`].
    pub fn between(running: &Settings, read: &Settings) -> Changes {
        // A new section does not compile before it is compared below.
        let Settings {
            server: _,
            journal: _,
            limits: Limits { per_ip: _, per_source: _ },
            additions: Additions { geo_database: _, bots: _ },
            privacy: Privacy { ip: _, encrypt: _, keyring: _, tell_deletions: _ },
            tracker:
                Tracker {
                    script_path: _,
                    collect_path: _,
                    cookie_domain: _,
                    cookie_http_only: _,
                    exclude_automatic: _,
                    storage: _,
                },
            // They wait for the next start.
            realtime: _,
            telemetry: Telemetry { otlp_endpoint: _ },
            console: Console { enabled: _, password: _ },
            consent: Rules { mode: _, honour_gpc: _, honour_dnt: _ },
            sources,
            destinations,
        } = read;
        let mut changes = Changes::default();
        changes.compare("destinations", (&running.destinations, destinations), &DESTINATION);
        changes.compare("sources", (&running.sources, sources), &SOURCE);
        let names = |tables: &[String]| -> Vec<String> {
            tables.iter().filter_map(|name| Some(name.strip_prefix("destinations.")?.to_owned())).collect()
        };
        changes.destinations = [names(&changes.added), names(&changes.changed)].concat();
        changes.gone = names(&changes.removed);
        changes.changed.extend(other_keys(running, read).map(str::to_owned));
        changes
    }

    /// Returns whether there is nothing to carry out now.
    pub fn is_empty(&self) -> bool {
        self.added.is_empty() && self.removed.is_empty() && self.changed.is_empty()
    }

    fn compare<T>(&mut self, section: &str, (old, new): (&[T], &[T]), how: &Comparison<T>) {
        let find = |all: &'_ [T], name: &str| all.iter().position(|one| (how.name)(one) == name);
        let path = |one: &T| format!("{section}.{}", (how.name)(one));
        for one in new {
            match find(old, (how.name)(one)).and_then(|index| old.get(index)) {
                None => self.added.push(path(one)),
                Some(before) if !(how.same)(before, one) => self.changed.push(path(one)),
                Some(_) => {}
            }
        }
        self.removed.extend(old.iter().filter(|one| find(new, (how.name)(one)).is_none()).map(path));
    }
}

/// How the tables of one section are compared.
struct Comparison<T> {
    name: fn(&T) -> &str,
    same: fn(&T, &T) -> bool,
}

const DESTINATION: Comparison<Destination> = Comparison {
    name: |one| &one.name,
    // What other sections say to a destination is in its discretion.
    same: |old, new| {
        let same = old.enabled == new.enabled && old.fingerprint == new.fingerprint;
        same && old.discretion == new.discretion && old.events == new.events
    },
};

const SOURCE: Comparison<Source> = Comparison { name: |one| &one.name, same: same_source };

fn same_source(old: &Source, new: &Source) -> bool {
    let texts = |secrets: &[SecretString]| -> Vec<String> {
        secrets.iter().map(|secret| secret.expose_secret().to_owned()).collect()
    };
    let same_rules =
        old.enforce_origin == new.enforce_origin && old.require_signature == new.require_signature;
    same_rules
        && old.origins == new.origins
        && texts(&old.write_keys) == texts(&new.write_keys)
        && texts(&old.signing_secrets) == texts(&new.signing_secrets)
}

/// Returns the keys outside of named tables that differ and can change while the router runs.
fn other_keys(running: &Settings, read: &Settings) -> impl Iterator<Item = &'static str> {
    let (old, new) = (&running.server, &read.server);
    let pairs = [
        ("limits.per_ip", running.limits.per_ip != read.limits.per_ip),
        ("limits.per_source", running.limits.per_source != read.limits.per_source),
        ("geo.database", running.additions.geo_database != read.additions.geo_database),
        ("bots.mode", running.additions.bots != read.additions.bots),
        ("privacy.ip", running.privacy.ip != read.privacy.ip),
        ("privacy.encrypt", running.privacy.encrypt != read.privacy.encrypt),
        ("privacy.encryption_keys", running.privacy.keyring != read.privacy.keyring),
        ("tracker.script_path", running.tracker.script_path != read.tracker.script_path),
        ("tracker.collect_path", running.tracker.collect_path != read.tracker.collect_path),
        ("tracker.cookie_domain", running.tracker.cookie_domain != read.tracker.cookie_domain),
        ("tracker.cookie_http_only", running.tracker.cookie_http_only != read.tracker.cookie_http_only),
        ("tracker.exclude_automatic", running.tracker.exclude_automatic != read.tracker.exclude_automatic),
        ("consent.mode", running.consent.mode != read.consent.mode),
        ("consent.honour_gpc", running.consent.honour_gpc != read.consent.honour_gpc),
        ("consent.honour_dnt", running.consent.honour_dnt != read.consent.honour_dnt),
        ("console.enabled", running.console.enabled != read.console.enabled),
        ("console.password", differs(&running.console.password, &read.console.password)),
        ("server.max_body_bytes", old.max_body_bytes != new.max_body_bytes),
        ("server.max_event_bytes", old.max_event_bytes != new.max_event_bytes),
        ("server.body_timeout", old.body_timeout != new.body_timeout),
        ("server.trusted_proxies", old.trusted_proxies != new.trusted_proxies),
        ("JWT_SECRET", differs(&old.jwt_secret, &new.jwt_secret)),
        ("JWT_SECRET_OLD", differs(&old.jwt_secret_old, &new.jwt_secret_old)),
        ("HMAC_SECRET", differs(&old.hmac_secret, &new.hmac_secret)),
    ];
    pairs.into_iter().filter(|(_, differs)| *differs).map(|(key, _)| key)
}

fn differs(old: &SecretString, new: &SecretString) -> bool {
    old.expose_secret() != new.expose_secret()
}

/// Puts what cannot change while the router runs back to what it was at the start, and returns the names of what would have
/// changed. Secrets that development generated stay.
pub fn keep_what_cannot_change(start: &Loaded, read: &mut Loaded) -> Vec<&'static str> {
    let mut waiting = server_keys(&start.settings.server, &read.settings.server);
    waiting.extend(journal_keys(&start.settings.journal, &read.settings.journal));
    waiting.extend(realtime_keys(&start.settings.realtime, &read.settings.realtime));
    if start.settings.privacy.tell_deletions != read.settings.privacy.tell_deletions {
        waiting.push("privacy.tell_deletions");
    }
    if start.settings.telemetry != read.settings.telemetry {
        waiting.push("telemetry.otlp_endpoint");
    }
    let (old, new) = (&start.settings.server.site_salt, &read.settings.server.site_salt);
    if is_set(new) && differs(old, new) {
        waiting.push("SITE_SALT");
    }
    read.settings.journal = start.settings.journal.clone();
    read.settings.realtime = start.settings.realtime.clone();
    read.settings.privacy.tell_deletions = start.settings.privacy.tell_deletions.clone();
    read.settings.telemetry = start.settings.telemetry.clone();
    let new = std::mem::replace(&mut read.settings.server, start.settings.server.clone());
    let kept = &mut read.settings.server;
    (kept.max_body_bytes, kept.max_event_bytes) = (new.max_body_bytes, new.max_event_bytes);
    (kept.body_timeout, kept.trusted_proxies) = (new.body_timeout, new.trusted_proxies);
    kept.jwt_secret_old = new.jwt_secret_old;
    for (kept, new) in [(&mut kept.jwt_secret, new.jwt_secret), (&mut kept.hmac_secret, new.hmac_secret)] {
        if is_set(&new) {
            *kept = new;
        }
    }
    waiting
}

fn is_set(secret: &SecretString) -> bool {
    !secret.expose_secret().is_empty()
}

/// Names every field, so that a new one does not compile before somebody has said whether it has to wait.
fn server_keys(old: &Server, new: &Server) -> Vec<&'static str> {
    let Server {
        listen,
        production,
        data_dir,
        log,
        header_timeout,
        max_connections,
        max_connections_per_ip,
        shutdown_timeout,
        site_salt: _,
        // These change while the router runs.
        jwt_secret: _,
        jwt_secret_old: _,
        hmac_secret: _,
        max_body_bytes: _,
        max_event_bytes: _,
        body_timeout: _,
        trusted_proxies: _,
    } = old;
    differing([
        ("server.listen", *listen != new.listen),
        ("server.environment", *production != new.production),
        ("server.data_dir", *data_dir != new.data_dir),
        ("server.log", *log != new.log),
        ("server.header_timeout", *header_timeout != new.header_timeout),
        ("server.max_connections", *max_connections != new.max_connections),
        ("server.max_connections_per_ip", *max_connections_per_ip != new.max_connections_per_ip),
        ("server.shutdown_timeout", *shutdown_timeout != new.shutdown_timeout),
    ])
}

/// Names every field for the same reason.
fn journal_keys(old: &Journal, new: &Journal) -> Vec<&'static str> {
    let Journal {
        shared,
        durability,
        max_bytes,
        retention,
        dead_letter_retention,
        on_full,
        dedupe_window,
        dedupe_max_ids,
    } = old;
    differing([
        ("journal.engine", shared.is_some() != new.shared.is_some()),
        ("journal.kafka", shared.is_some() && new.shared.is_some() && *shared != new.shared),
        ("journal.durability", *durability != new.durability),
        ("journal.max_bytes", *max_bytes != new.max_bytes),
        ("journal.retention", *retention != new.retention),
        ("journal.dead_letter_retention", *dead_letter_retention != new.dead_letter_retention),
        ("journal.on_full", *on_full != new.on_full),
        ("journal.dedupe_window", *dedupe_window != new.dedupe_window),
        ("journal.dedupe_max_ids", *dedupe_max_ids != new.dedupe_max_ids),
    ])
}

/// Names every field for the same reason.
fn realtime_keys(old: &Realtime, new: &Realtime) -> Vec<&'static str> {
    let Realtime {
        enabled,
        time_zone,
        currency,
        session_timeout,
        new_session_on_campaign,
        cart_abandoned_after,
        strip_trailing_slash,
        keep_query,
    } = old;
    differing([
        ("realtime.enabled", *enabled != new.enabled),
        ("realtime.time_zone", *time_zone != new.time_zone),
        ("realtime.currency", *currency != new.currency),
        ("realtime.session_timeout", *session_timeout != new.session_timeout),
        ("realtime.new_session_on_campaign", *new_session_on_campaign != new.new_session_on_campaign),
        ("realtime.cart_abandoned_after", *cart_abandoned_after != new.cart_abandoned_after),
        ("realtime.strip_trailing_slash", *strip_trailing_slash != new.strip_trailing_slash),
        ("realtime.keep_query", *keep_query != new.keep_query),
    ])
}

fn differing<const N: usize>(keys: [(&'static str, bool); N]) -> Vec<&'static str> {
    keys.into_iter().filter(|(_, differs)| *differs).map(|(key, _)| key).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::tests::accepted as loaded;

    const START: &str = "[sources.web]\nwrite_keys = [\"one\"]\n\
        [destinations.a]\ntype = \"webhook\"\nurl = \"http://127.0.0.1:1/a\"\n\
        [destinations.b]\ntype = \"webhook\"\nurl = \"http://127.0.0.1:1/b\"\nsecret = \"${TOKEN}\"\n";

    fn changes(text: &str, token: &str) -> Changes {
        let start = loaded(START, &[("TOKEN", "hunter2")]);
        let mut read = loaded(text, &[("TOKEN", token)]);
        let waiting = keep_what_cannot_change(&start, &mut read);
        Changes { waiting, ..Changes::between(&start.settings, &read.settings) }
    }

    #[test]
    fn another_place_or_another_spelling_is_no_change() {
        let moved = "# a comment\n[destinations]\nb = { type = \"webhook\", secret = \"hunter2\", url = \"http://127.0.0.1:1/b\" }\n\
            a = { url = \"http://127.0.0.1:1/a\", type = \"webhook\" }\n[sources]\nweb.write_keys = ['one']\n";
        assert_eq!(changes(moved, "hunter2"), Changes::default());
    }

    #[test]
    fn a_secret_of_the_environment_is_a_change_of_its_destination_alone() {
        let found = changes(START, "another");
        assert_eq!((found.changed, found.destinations), (vec!["destinations.b".into()], vec!["b".into()]));
        assert!(found.added.is_empty() && found.removed.is_empty());
    }

    #[test]
    fn other_sections_change_the_destinations_that_follow_them() {
        let changed = |more: &str| {
            let own =
                START.replace("/b\"", "/b\"\nconsent = [\"ads\"]\nprivacy = { \"/context/ip\" = \"drop\" }");
            let start = loaded(&own, &[("TOKEN", "t")]);
            let mut read = loaded(&format!("{more}\n{own}"), &[("TOKEN", "t")]);
            keep_what_cannot_change(&start, &mut read);
            let found = Changes::between(&start.settings, &read.settings);
            (found.destinations.concat(), found.changed.last().cloned().unwrap_or_default())
        };
        assert_eq!(changed("[privacy]\nip = \"keep\""), ("a".into(), "privacy.ip".into()));
        assert_eq!(changed("[consent]\nmode = \"opt-in\""), ("b".into(), "consent.mode".into()));
        assert_eq!(changed("[consent]\nhonour_dnt = true"), ("b".into(), "consent.honour_dnt".into()));
        assert_eq!(changed("[privacy]\nip = \"truncate\""), (String::new(), String::new()));
        let keys = format!("[privacy]\nencryption_keys = [\"{}\"]", "ab".repeat(32));
        assert_eq!(
            changed(&keys),
            (String::new(), "privacy.encryption_keys".into()),
            "nothing uses them yet"
        );
    }

    #[test]
    fn what_comes_goes_and_changes_is_named() {
        let text = "[sources.web]\nwrite_keys = [\"two\"]\n[sources.app]\nwrite_keys = [\"three\"]\n\
            [limits]\nper_ip = { events_per_second = 1, burst = 1 }\n[server]\nmax_event_bytes = \"2KiB\"\n\
            [destinations.a]\ntype = \"webhook\"\nurl = \"http://127.0.0.1:1/a\"\nenabled = false\n\
            [destinations.c]\ntype = \"webhook\"\n";
        let found = changes(text, "hunter2");
        assert_eq!(found.added, ["destinations.c", "sources.app"]);
        assert_eq!(found.removed, ["destinations.b"]);
        let changed = ["destinations.a", "sources.web", "limits.per_ip", "server.max_event_bytes"];
        assert_eq!(found.changed, changed);
        assert_eq!((found.destinations, found.gone), (vec!["c".into(), "a".into()], vec!["b".into()]));
        assert!(found.waiting.is_empty());
    }

    #[test]
    fn what_has_to_wait_is_named_and_stays_as_it_is() {
        let start = loaded(START, &[("TOKEN", "x"), ("SITE_SALT", "old")]);
        let text = format!(
            "{START}[server]\nlisten = [\"127.0.0.1:1\"]\nlog = \"debug\"\ndata_dir = \"d\"\nmax_body_bytes = \"8MiB\"\n\
             header_timeout = \"1s\"\nmax_connections = 1\nmax_connections_per_ip = 1\nshutdown_timeout = \"1s\"\n[journal]\n\
             durability = \"os\"\nmax_bytes = \"1GiB\"\nretention = \"1d\"\ndead_letter_retention = \"1d\"\n\
             on_full = \"drop_oldest\"\ndedupe_window = \"1h\"\ndedupe_max_ids = 1\n\
             [privacy]\ntell_deletions = [\"a\"]\n"
        );
        let mut read = loaded(&text, &[("TOKEN", "x"), ("SITE_SALT", "new")]);
        let waiting = keep_what_cannot_change(&start, &mut read);
        let expected = [
            "server.listen",
            "server.data_dir",
            "server.log",
            "server.header_timeout",
            "server.max_connections",
            "server.max_connections_per_ip",
            "server.shutdown_timeout",
            "journal.durability",
            "journal.max_bytes",
            "journal.retention",
            "journal.dead_letter_retention",
            "journal.on_full",
            "journal.dedupe_window",
            "journal.dedupe_max_ids",
            "privacy.tell_deletions",
            "SITE_SALT",
        ];
        assert_eq!(waiting, expected);
        assert_eq!(read.settings.server.listen, start.settings.server.listen);
        assert_eq!(read.settings.journal.max_bytes, start.settings.journal.max_bytes);
        assert_eq!(read.settings.server.site_salt.expose_secret(), "old");
        assert_eq!(read.settings.server.max_body_bytes, 8 << 20);
    }

    #[test]
    fn a_secret_that_was_generated_stays_without_a_word() {
        let mut start = loaded(START, &[("TOKEN", "x")]);
        start.settings.server.jwt_secret = "generated".to_owned().into();
        let mut read = loaded(START, &[("TOKEN", "x")]);
        assert!(keep_what_cannot_change(&start, &mut read).is_empty());
        assert_eq!(read.settings.server.jwt_secret.expose_secret(), "generated");
    }

    #[test]
    fn the_keys_of_tokens_and_of_signed_requests_change_while_it_runs() {
        let keys = [("JWT_SECRET", "one"), ("HMAC_SECRET", "three")];
        let start = loaded(START, &[("TOKEN", "x"), keys[0], keys[1]]);
        let next = [("JWT_SECRET", "two"), ("JWT_SECRET_OLD", "one"), ("HMAC_SECRET", "four")];
        let mut read = loaded(START, &[("TOKEN", "x"), next[0], next[1], next[2]]);
        assert_eq!(keep_what_cannot_change(&start, &mut read), [""; 0]);
        let changed = Changes::between(&start.settings, &read.settings).changed;
        assert_eq!(changed, ["JWT_SECRET", "JWT_SECRET_OLD", "HMAC_SECRET"]);
        let server = &read.settings.server;
        let kept = [&server.jwt_secret, &server.jwt_secret_old, &server.hmac_secret];
        assert_eq!(kept.map(|secret| secret.expose_secret()), ["two", "one", "four"]);
        // The old one is left out.
        let mut last = loaded(START, &[("TOKEN", "x"), next[0], next[2]]);
        keep_what_cannot_change(&read, &mut last);
        assert_eq!(Changes::between(&read.settings, &last.settings).changed, ["JWT_SECRET_OLD"]);
        assert_eq!(last.settings.server.jwt_secret_old.expose_secret(), "");
    }

    #[test]
    fn a_fingerprint_is_not_shown() {
        let shown = format!("{:?}", loaded(START, &[("TOKEN", "x")]).settings.destinations);
        assert!(shown.contains("Fingerprint(…)"), "{shown}");
    }
}

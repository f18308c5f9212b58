//! The units of systemd: taken by systemd itself where it is there, closed in, and in step with the router's own times.

use std::fs;
use std::process::Command;

use super::{program, text};

fn value<'a>(unit: &'a str, key: &str) -> Option<&'a str> {
    unit.lines().rev().find_map(|line| line.strip_prefix(key)?.strip_prefix('='))
}

#[test]
fn the_service_is_closed_in_waits_for_a_drain_and_does_not_repeat_what_cannot_work() {
    let service = text("deploy/systemd/opentrack.service");
    for (key, wanted) in [
        ("User", "opentrack"),
        ("NoNewPrivileges", "true"),
        ("CapabilityBoundingSet", ""),
        ("ProtectSystem", "strict"),
        ("ProtectHome", "true"),
        ("PrivateDevices", "true"),
        ("PrivateTmp", "true"),
        ("MemoryDenyWriteExecute", "true"),
        ("RestrictAddressFamilies", "AF_INET AF_INET6 AF_UNIX"),
        ("SystemCallArchitectures", "native"),
        ("StateDirectory", "opentrack"),
        ("Restart", "always"),
        ("RestartPreventExitStatus", "64 78"),
    ] {
        assert_eq!(value(&service, key), Some(wanted), "{key}");
    }
    let seconds = value(&service, "TimeoutStopSec").unwrap().trim_end_matches('s').parse::<u32>().unwrap();
    assert!(seconds > 30, "above `server.shutdown_timeout`");
    let socket = text("deploy/systemd/opentrack.socket");
    assert!(value(&socket, "ListenStream").is_some() && service.contains("Requires=opentrack.socket"));
}

/// Asks systemd itself. The binary and the user of the unit are not on this machine.
#[test]
fn systemd_takes_the_units_and_finds_them_closed() {
    let Some(analyze) = program("systemd-analyze", "target/systemd/usr/bin/systemd-analyze") else { return };
    let dir = tempfile::tempdir().unwrap();
    let here = |name: &str| dir.path().join(name);
    let service = text("deploy/systemd/opentrack.service").replace("/usr/local/bin/opentrack", "/bin/true");
    fs::write(here("opentrack.service"), service).unwrap();
    fs::write(here("opentrack.socket"), text("deploy/systemd/opentrack.socket")).unwrap();
    let mut verify = Command::new(&analyze);
    verify.args(["verify", "--man=no"]).args([here("opentrack.service"), here("opentrack.socket")]);
    let mut security = Command::new(&analyze);
    security
        .args(["security", "--offline=true", "--threshold=20", "--no-pager"])
        .arg(here("opentrack.service"));
    for mut command in [verify, security] {
        let output = command.output().unwrap();
        let words = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{command:?}\n{words}");
    }
}

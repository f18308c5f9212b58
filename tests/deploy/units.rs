//! The units of systemd: taken by systemd itself where it is there, closed in, and in step with the router's own times.

use std::fs;
use std::process::Command;

use super::{program, text};

/// Returns the first block of commands of a page that has this line.
fn block<'a>(page: &'a str, line: &str) -> &'a str {
    let mut blocks = page.split("```sh\n").skip(1).map(|rest| rest.split("\n```").next().unwrap());
    blocks.find(|block| block.contains(line)).unwrap_or_else(|| panic!("no block has `{line}`"))
}

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

#[test]
fn a_backup_stops_the_socket_too_which_would_start_the_router_again() {
    let runbook = text("docs/runbook.md");
    let lines = |verb: &str| {
        let start = format!("systemctl {verb} opentrack");
        runbook.lines().filter(|line| line.starts_with(&start)).collect::<Vec<_>>()
    };
    for verb in ["stop", "start"] {
        let both = format!("systemctl {verb} opentrack.socket opentrack.service");
        assert_eq!(lines(verb), [both.as_str(); 2], "for the backup, and for the restore");
    }
}

/// The commands of the runbook as they stand there, in other directories: what they install is a router in production that its
/// operator's commands reach.
#[test]
fn the_commands_of_an_install_leave_a_configuration_that_commands_and_router_share() {
    let runbook = text("docs/runbook.md");
    let dir = tempfile::tempdir().unwrap();
    let at = |path: &str| dir.path().join(path).display().to_string();
    let placed = |script: &str| {
        script
            .replace("/etc/opentrack", &at("etc"))
            .replace("/var/lib/opentrack", &at("data"))
            .replace("/usr/local/bin/opentrack", env!("CARGO_BIN_EXE_opentrack"))
            .replacen("$(openssl rand -hex 32)", &"a".repeat(64), 1)
            .replacen("$(openssl rand -hex 32)", &"b".repeat(64), 1)
    };
    let run = |script: &str| {
        let mut shell = Command::new("sh");
        let output = shell.env_clear().env("PATH", "/usr/bin:/bin").args(["-euc", script]).output().unwrap();
        let words = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
        (output.status.code(), words.into_owned())
    };
    // A user, a group and the units are not to be made on this machine.
    let install: Vec<&str> = block(&runbook, "useradd")
        .lines()
        .filter(|line| !["useradd", "chgrp", "systemctl"].iter().any(|word| line.starts_with(word)))
        .filter(|line| !line.contains("target/release") && !line.contains("/etc/systemd"))
        .collect();
    let (code, words) = run(&placed(&install.join("\n")));
    assert_eq!(code, Some(0), "{words}");
    let config = fs::read_to_string(at("etc/config.toml")).unwrap();
    assert!(
        config.contains(&format!("\ndata_dir = {:?}", at("data"))),
        "commands look where the router writes"
    );
    let wrapper = block(&runbook, "# systemd, as root").lines().nth(1).unwrap();
    let (code, words) = run(&placed(&format!("{wrapper}\nopentrack check\nopentrack token")));
    assert_eq!(code, Some(0), "{words}");
    assert!(words.contains("production") && words.lines().any(|line| line.starts_with("eyJ")), "{words}");
    let alone = placed("/usr/local/bin/opentrack --config /etc/opentrack/config.toml token");
    let (code, words) = run(&alone);
    assert_eq!(code, Some(78), "without the environment of the router there is none: {words}");
    assert!(words.contains("JWT_SECRET"), "{words}");
    let left: Vec<_> = fs::read_dir(dir.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left, ["etc"], "no command makes a directory of data");
    assert!(!fs::exists(at("etc/data")).unwrap());
}

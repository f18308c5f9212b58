//! `opentrack check`: what a configuration without problems switches on, and whether its destinations answer.

use super::Exit;
use super::out::Out;
use super::probe::{self, Probed};
use super::progress::Progress;
use super::table::columns;
use crate::config::{Loaded, Switch};

/// Prints the summary; with `probe` asks every destination that is on.
pub(super) fn check(loaded: &Loaded, probe: bool, out: &mut Out) -> Exit {
    let probed = if probe { probed(loaded, out.json) } else { Vec::new() };
    if out.json {
        out.value(&summary(loaded, probe.then_some(&probed)));
    } else {
        print(loaded, &probed, out);
    }
    if probed.iter().all(Probed::is_fine) { Exit::Fine } else { Exit::Unavailable }
}

fn probed(loaded: &Loaded, json: bool) -> Vec<Probed> {
    let _going_on = Progress::sign(json, "the destinations are asked");
    probe::all(&loaded.settings)
}

fn summary(loaded: &Loaded, probed: Option<&Vec<Probed>>) -> serde_json::Value {
    let mut summary = serde_json::json!({
        "ok": probed.is_none_or(|probed| probed.iter().all(Probed::is_fine)),
        "file": loaded.path,
        "warnings": loaded.warnings,
        "destinations": loaded.switches,
    });
    if let (Some(probed), Some(object)) = (probed, summary.as_object_mut()) {
        object.insert("probes".to_owned(), probed.iter().map(Probed::to_json).collect());
    }
    summary
}

fn print(loaded: &Loaded, probed: &[Probed], out: &mut Out) {
    for warning in &loaded.warnings {
        out.error(&format!("warning: {warning}"));
    }
    let file =
        loaded.path.as_ref().map_or("the built-in defaults".to_owned(), |path| path.display().to_string());
    let kind = if loaded.settings.server.production { "production" } else { "development" };
    let sources = match loaded.settings.sources.len() {
        0 => "no source".to_owned(),
        1 => "1 source".to_owned(),
        many => format!("{many} sources"),
    };
    out.line(&format!("{file}: fine ({kind}, {sources})"));
    let row = |switch: &Switch| {
        let state = if switch.enabled { "on" } else { "off" };
        [switch.name.clone(), switch.kind.to_owned(), state.to_owned(), switch.why.clone()].to_vec()
    };
    let header = ["destination", "type", "state", "why"].map(str::to_owned).to_vec();
    out.text(&columns(&header, &loaded.switches.iter().map(row).collect::<Vec<_>>()));
    for probe in probed {
        out.line(&probe.to_string());
    }
}

//! `opentrack eval`: the functions behind sessions, active users, channels, funnels, hashes and devices, on cases from outside.
//!
//! The same functions as in the running router, without a clock and without a configuration, so that anybody can check what a
//! number means. `{"cases":[{"id","input"}]}` goes in and `[{"id","output"}]` comes out, in the same order; a case that
//! cannot be read has an `error` in the place of its output. Never reads or writes anything else.

mod hashing;
#[cfg(test)]
mod tests;

use std::io::Read;
use std::path::PathBuf;

use clap::{Args, ValueEnum};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::value::{RawValue, to_raw_value};
use serde_json::{Value, json};

use super::Exit;
use super::out::Out;
use crate::enrich::channel;
use crate::enrich::device::{Hints, Reader};
use crate::projections::{active_average, commerce, session};

/// What was asked.
#[derive(Debug, Args)]
pub(super) struct Asked {
    /// Whose function
    module: Module,
    /// The cases, `{"cases":[{"id","input"}]}`; `-` or nothing: standard input
    file: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Module {
    /// Events into sessions
    Session,
    /// Active users and their moving average
    Ema,
    /// Source, medium and channel of a page view
    Channel,
    /// Funnel, revenue and abandoned carts
    Funnel,
    /// Hashes, signatures and web vitals
    Hashing,
    /// Browser, system, device and bot of a User-Agent
    Device,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Document<'d> {
    #[serde(borrow)]
    cases: Vec<Case<'d>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case<'d> {
    id: Value,
    #[serde(borrow)]
    input: &'d RawValue,
}

/// What came of one case.
#[derive(Serialize)]
struct Answer {
    id: Value,
    #[serde(skip_serializing_if = "Option::is_none")]
    output: Option<Box<RawValue>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

/// Evaluates every case. Fails when one of them could not be read; is bad usage when none could.
pub(super) fn eval(asked: &Asked, out: &mut Out) -> Exit {
    let text = match text(asked) {
        Ok(text) => text,
        Err(message) => return refuse(&message, out),
    };
    let document: Document<'_> = match serde_json::from_str(&text) {
        Ok(document) => document,
        Err(error) => {
            return refuse(
                &format!("{}: not `{{\"cases\":[{{\"id\",\"input\"}}]}}`: {error}", name(asked)),
                out,
            );
        }
    };
    match answers(document, asked.module) {
        Ok(answers) => print(&answers, out),
        Err(message) => refuse(&message, out),
    }
}

fn refuse(message: &str, out: &mut Out) -> Exit {
    out.error(message);
    Exit::Usage
}

fn print(answers: &[Answer], out: &mut Out) -> Exit {
    out.value(&json!(answers));
    let faults = answers.iter().filter_map(|answer| Some((&answer.id, answer.error.as_ref()?)));
    faults.clone().for_each(|(id, error)| out.error(&format!("case {id}: {error}")));
    if faults.count() == 0 { Exit::Fine } else { Exit::Failed }
}

fn name(asked: &Asked) -> String {
    super::input::file_name(asked.file.as_deref())
}

fn text(asked: &Asked) -> Result<String, String> {
    let mut text = String::new();
    let read = match asked.file.as_deref().filter(|file| file.as_os_str() != "-") {
        Some(file) => std::fs::read_to_string(file).map(|read| text = read),
        None => std::io::stdin().lock().read_to_string(&mut text).map(drop),
    };
    read.map_err(|error| format!("could not read `{}`: {error}", name(asked)))?;
    Ok(text)
}

fn answers(document: Document<'_>, module: Module) -> Result<Vec<Answer>, String> {
    // Its rules take a while to compile, and nobody else needs them.
    let reader = matches!(module, Module::Device).then(Reader::new).transpose()?;
    let answer = |case: Case<'_>| match output(module, reader.as_ref(), case.input) {
        Ok(output) => Answer { id: case.id, output: Some(output), error: None },
        Err(error) => Answer { id: case.id, output: None, error: Some(error) },
    };
    Ok(document.cases.into_iter().map(answer).collect())
}

fn output(module: Module, reader: Option<&Reader>, input: &RawValue) -> Result<Box<RawValue>, String> {
    match module {
        Module::Session => written(&session::eval(&read(input)?)),
        Module::Ema => written(&active_average::eval(&read(input)?)?),
        Module::Channel => written(&channel::attribute(&read(input)?)),
        Module::Funnel => written(&commerce::eval(&read(input)?)),
        Module::Hashing => written(&hashing::eval(read(input)?)?),
        Module::Device => {
            let asked: Device = read(input)?;
            let hints = asked.hints.as_ref().map(Hints::of).unwrap_or_default();
            written(&reader.map(|reader| reader.read(&asked.user_agent, &hints)))
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Device {
    user_agent: String,
    #[serde(default)]
    hints: Option<Value>,
}

fn read<T: DeserializeOwned>(input: &RawValue) -> Result<T, String> {
    serde_json::from_str(input.get()).map_err(|error| format!("input: {error}"))
}

fn written<T: Serialize>(output: &T) -> Result<Box<RawValue>, String> {
    to_raw_value(output).map_err(|error| format!("output: {error}"))
}

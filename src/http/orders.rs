//! `POST /api/destinations/NAME/{pause,resume,retry,replay,drop}`: what an operator orders for one destination.
//!
//! Parameters come in the query, as in every other path that changes something.

use std::collections::BTreeMap;
use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};

use crate::actors::messages::{Command, NotOrdered, Order, Ordered, ReplayRange};

use super::access::{self, ADMIN};
use super::answer::{self, Refusal};
use super::state::State;
use super::{body, ops, query};

/// Dropping reads everything that waits once.
const ANSWER_WITHIN: Duration = Duration::from_secs(55);

/// Carries out one order.
pub(super) async fn order(
    request: HttpRequest,
    payload: web::Payload,
    path: web::Path<(String, String)>,
    state: web::Data<State>,
) -> HttpResponse {
    body::drain(&request, payload, state.shared.terms().server.body_timeout).await;
    let (destination, action) = path.into_inner();
    match carry_out(&request, destination, &action, &state).await {
        Ok(ordered) => answer::json(StatusCode::OK, &ordered),
        Err(refusal) => answer::refuse(&refusal),
    }
}

async fn carry_out(
    request: &HttpRequest,
    destination: String,
    action: &str,
    state: &State,
) -> Result<Ordered, Refusal> {
    access::check(request, &state.terms().server, ADMIN)?;
    query::expect_no_body(request)?;
    let query = query::pairs(request, &["filter", "from_offset", "until_offset"])?;
    let command = command(action, &destination, &query)?;
    let order = Order { destination, command };
    ops::ask_within(&state.door.orders, order, ANSWER_WITHIN).await?.map_err(refusal)
}

fn command(action: &str, destination: &str, query: &[(String, String)]) -> Result<Command, Refusal> {
    let value = |wanted: &str| query.iter().find(|(name, _)| name == wanted).map(|(_, value)| value.as_str());
    let stop = value("stop");
    let allowed: &[&str] = match action {
        "drop" => &["confirm"],
        "replay" if stop.is_some() => &["stop"],
        "replay" => &["from", "until", "from_offset", "until_offset", "filter", "rate"],
        _ => &[],
    };
    if let Some((name, _)) = query.iter().find(|(name, _)| !allowed.contains(&name.as_str())) {
        return Err(query::unknown(name));
    }
    match action {
        "pause" => Ok(Command::Pause),
        "resume" => Ok(Command::Resume),
        "retry" => Ok(Command::Retry),
        "drop" if value("confirm") == Some(destination) => Ok(Command::Drop),
        "drop" => {
            let message = format!("must be `{destination}`: what waits is given up for good");
            Err(Refusal::bad_parameter("confirm", &message))
        }
        "replay" => match stop {
            Some("true") => Ok(Command::StopReplay),
            Some(_) => Err(Refusal::bad_parameter("stop", "must be `true`")),
            None => range(query).map(Command::Replay),
        },
        _ => Err(Refusal::NotFound),
    }
}

fn range(query: &[(String, String)]) -> Result<ReplayRange, Refusal> {
    let mut range = ReplayRange::default();
    for (name, value) in query {
        match name.as_str() {
            "from" => range.from = Some(query::instant("from", value)?),
            "until" => range.until = Some(query::instant("until", value)?),
            "from_offset" => put_offset(&mut range.from_offset, ("from_offset", value))?,
            "until_offset" => put_offset(&mut range.until_offset, ("until_offset", value))?,
            "filter" => range.filter.push(value.clone()),
            _ => {
                let rate = value.parse::<u32>().ok().filter(|rate| *rate > 0);
                let message = format!("must be events per second, at least 1, not \"{value}\"");
                range.events_per_second = rate.ok_or_else(|| Refusal::bad_parameter("rate", &message))?;
            }
        }
    }
    Ok(range)
}

/// Takes note of an offset of a partition, like `3:1200`; of each partition there is one.
fn put_offset(offsets: &mut BTreeMap<i32, u64>, (name, text): (&str, &str)) -> Result<(), Refusal> {
    let pair = text.split_once(':');
    let numbers = pair.and_then(|(partition, offset)| Some((partition.parse().ok()?, offset.parse().ok()?)));
    let Some((partition, offset)) = numbers.filter(|(partition, _)| *partition >= 0) else {
        let message = format!("must be a partition and an offset like 3:1200, not \"{text}\"");
        return Err(Refusal::bad_parameter(name, &message));
    };
    match offsets.insert(partition, offset) {
        None => Ok(()),
        Some(_) => Err(Refusal::bad_parameter(name, &format!("names partition {partition} twice"))),
    }
}

fn refusal(why: NotOrdered) -> Refusal {
    match why {
        NotOrdered::Unknown => Refusal::NoSuch("there is no destination of this name".to_owned()),
        NotOrdered::Conflict(message) => Refusal::Conflict(message),
        NotOrdered::Invalid { parameter, message } => Refusal::bad_parameter(parameter, &message),
        NotOrdered::Failed(_) => {
            Refusal::Overloaded("the order could not be carried out; nothing has changed")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(action: &str, query: &[(&str, &str)]) -> Result<Command, Refusal> {
        let query: Vec<_> = query.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect();
        command(action, "crm", &query)
    }

    #[test]
    fn dropping_needs_the_name_again() {
        assert_eq!(parsed("drop", &[("confirm", "crm")]), Ok(Command::Drop));
        for query in [&[][..], &[("confirm", "CRM")], &[("confirm", "")]] {
            assert!(matches!(parsed("drop", query), Err(Refusal::BadParameter { .. })), "{query:?}");
        }
    }

    #[test]
    fn a_wrong_parameter_is_named() {
        for (action, name, value) in [
            ("pause", "for", "1h"),
            ("replay", "from", "yesterday"),
            ("replay", "until", "5"),
            ("replay", "rate", "0"),
            ("replay", "rate", "fast"),
            ("replay", "to", "x"),
            ("replay", "from_offset", "1200"),
            ("replay", "from_offset", "-1:1200"),
            ("replay", "until_offset", "3:late"),
            ("replay", "stop", "false"),
        ] {
            let Err(Refusal::BadParameter { name: parameter, .. }) = parsed(action, &[(name, value)]) else {
                panic!("{action} {name}={value} was taken");
            };
            assert_eq!(parameter, name);
        }
        assert_eq!(parsed("explode", &[]), Err(Refusal::NotFound));
        let beside = parsed("replay", &[("stop", "true"), ("rate", "5")]);
        assert_eq!(beside, Err(query::unknown("rate")), "what is stopped has no rate");
    }

    #[test]
    fn offsets_are_told_by_partition_and_one_for_each() {
        let two = [("from_offset", "3:1200"), ("from_offset", "0:0"), ("until_offset", "3:1300")];
        let Ok(Command::Replay(range)) = parsed("replay", &two) else { panic!("not read") };
        assert_eq!(range.from_offset, BTreeMap::from([(0, 0), (3, 1200)]));
        assert_eq!(range.until_offset, BTreeMap::from([(3, 1300)]));
        let twice = parsed("replay", &[("from_offset", "3:1"), ("from_offset", "3:2")]);
        assert_eq!(twice, Err(Refusal::bad_parameter("from_offset", "names partition 3 twice")));
    }

    #[test]
    fn a_replay_is_read_whole() {
        let query = [
            ("from", "2030-01-01T00:00:00Z"),
            ("filter", "track:Order *"),
            ("filter", "page"),
            ("rate", "50"),
        ];
        let Ok(Command::Replay(range)) = parsed("replay", &query) else { panic!("not read") };
        assert_eq!((range.filter.len(), range.events_per_second, range.until), (2, 50, None));
        assert_eq!(parsed("replay", &[("stop", "true")]), Ok(Command::StopReplay));
    }
}

//! A merge never shares a request with another item of either of its two people.

use proptest::prelude::*;

use super::*;

fn track(user: &str) -> String {
    format!(r#"{{"type":"track","messageId":"m","userId":"{user}","event":"X"}}"#)
}

fn visit(visitor: &str) -> String {
    format!(r#"{{"type":"track","messageId":"m","anonymousId":"{visitor}","event":"X"}}"#)
}

fn merge(user: &str, previous: &str) -> String {
    format!(r#"{{"type":"alias","messageId":"m","userId":"{user}","previousId":"{previous}"}}"#)
}

/// The events of each request.
fn requests(events: &[String]) -> Vec<Vec<usize>> {
    let events: Vec<&str> = events.iter().map(String::as_str).collect();
    planned("", &events).requests.into_iter().map(|planned| planned.events).collect()
}

#[test]
fn a_merge_stands_between_what_its_people_did_before_and_after() {
    let events = [visit("a"), track("u"), merge("u", "a"), track("u"), track("other")];
    assert_eq!(requests(&events), [vec![0, 1], vec![2], vec![3, 4]]);
}

#[test]
fn others_may_share_a_request_with_a_merge() {
    let events = [track("x"), merge("u", "a"), track("y"), merge("v", "b")];
    assert_eq!(requests(&events), [vec![0, 1, 2, 3]]);
}

#[test]
fn two_merges_of_one_person_are_two_requests() {
    assert_eq!(requests(&[merge("u", "a"), merge("u", "b")]), [vec![0], vec![1]]);
    assert_eq!(requests(&[merge("b", "a"), merge("c", "b")]), [vec![0], vec![1]]);
}

#[test]
fn what_the_second_person_does_later_waits_too() {
    assert_eq!(requests(&[merge("u", "a"), visit("a")]), [vec![0], vec![1]]);
}

/// The people of an event, as letters.
fn people(event: &(bool, u8, u8)) -> Vec<u8> {
    if event.0 { vec![event.1, event.2] } else { vec![event.1] }
}

proptest! {
    #[test]
    fn whatever_comes_order_is_kept_and_no_merge_meets_its_people(
        events in prop::collection::vec((prop::bool::weighted(0.3), 0..4_u8, 4..6_u8), 0..24)
    ) {
        let name = |n: u8| format!("p{n}");
        let text = |event: &(bool, u8, u8)| match event {
            (true, user, previous) => merge(&name(*user), &name(*previous)),
            (false, user, _) => track(&name(*user)),
        };
        let requests = requests(&events.iter().map(text).collect::<Vec<_>>());
        prop_assert_eq!(requests.concat(), (0..events.len()).collect::<Vec<_>>());
        for request in requests {
            for (place, index) in request.iter().enumerate().filter(|(_, index)| events[**index].0) {
                let mine = people(&events[*index]);
                let meets = |other: &usize| people(&events[*other]).iter().any(|one| mine.contains(one));
                let others = request.iter().enumerate().filter(|(other, _)| *other != place);
                prop_assert!(!others.map(|(_, index)| index).any(meets), "{:?}", request);
            }
        }
    }
}

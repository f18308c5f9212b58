use super::*;

const CALLER: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

#[test]
fn nothing_is_begun_while_nobody_wants_it() {
    let traces = Traces::default();
    assert_eq!(traces.begin(Some(CALLER), at(1)), None);
    traces.remember(Context::fresh(), ["a"].into_iter());
    assert!(traces.requests_of(["a"].into_iter()).is_empty());
}

#[test]
fn a_caller_decides_and_all_are_bounded_by_the_second() {
    let traces = Traces::default();
    let _spans = traces.switch_on();
    for _ in 0..BEGUN_PER_SECOND {
        assert!(traces.begin(None, at(1)).is_some());
    }
    assert_eq!(traces.begin(None, at(1)), None);
    assert_eq!(traces.begin(Some("nonsense"), at(1)), None, "a wrong header is as good as none");
    assert_eq!(traces.begin(Some(CALLER), at(1)), None, "any stranger can say that a trace is to be kept");
    let (context, parent) = traces.begin(Some(CALLER), at(2)).unwrap();
    assert_eq!(
        (context.trace, parent),
        (Context::read(CALLER).unwrap().trace, Some(Context::read(CALLER).unwrap().span))
    );
    assert_eq!(traces.begin(Some(&CALLER.replace("-01", "-00")), at(2)), None);
    assert!(traces.begin(None, at(2)).is_some());
}

#[test]
fn an_attempt_finds_the_requests_of_its_events_each_once() {
    let traces = Traces::default();
    let _spans = traces.switch_on();
    let (one, other) = (Context::fresh(), Context::fresh());
    traces.remember(one, ["a", "b"].into_iter());
    traces.remember(other, ["c"].into_iter());
    assert_eq!(traces.requests_of(["b", "a", "nobody", "c"].into_iter()), [one, other]);
    let ids: Vec<String> = (0..9000).map(|n| n.to_string()).collect();
    ids.chunks(10).for_each(|chunk| traces.remember(other, chunk.iter().map(String::as_str)));
    assert!(traces.requests_of(["a"].into_iter()).is_empty(), "the oldest are forgotten");
}

#[test]
fn what_finds_no_room_is_counted_and_holds_nobody_up() {
    let traces = Traces::default();
    let mut spans = traces.switch_on();
    let span = Span {
        context: Context::fresh(),
        parent: None,
        name: "x".into(),
        role: Role::Inside,
        from: at(1),
        until: at(2),
        attributes: Vec::new(),
        links: Vec::new(),
        error: None,
    };
    (0..QUEUE + 3).for_each(|_| traces.tell(span.clone()));
    assert_eq!((traces.take_lost(), traces.take_lost()), (3, 0));
    assert_eq!(spans.try_recv().unwrap(), span);
}

//! The stand-in receiver: which requests it lets in, and which events it finds in them.

use std::io::Write;

use super::*;

fn request(headers: &[(&str, &str)], body: impl AsRef<[u8]>) -> Incoming {
    Incoming {
        method: "POST".to_owned(),
        path: "/in".to_owned(),
        query: String::new(),
        headers: headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
        body: Bytes::copy_from_slice(body.as_ref()),
        at: "2026-01-02T03:04:05Z".parse().unwrap(),
    }
}

fn receiver(secret: &str) -> Box<dyn Mock> {
    new(&MockSettings { secret: secret.to_owned(), set: Vec::new() }).unwrap()
}

/// The ids of the events, or the status of the refusal.
fn read(mock: &dyn Mock, request: &Incoming) -> Result<String, u16> {
    let events = mock.read(request).map_err(|said| said.status)?;
    Ok(events.into_iter().map(|event| event.id).collect::<Vec<_>>().join(" "))
}

#[test]
fn all_four_formats_are_understood() {
    let (a, b) = (r#"{"messageId":"a","event":"X"}"#, r#"{"messageId":"b","type":"page"}"#);
    let lines = [("content-type", "application/x-ndjson")];
    for (headers, body, ids) in [
        (&[][..], format!(r#"{{"batch":[{a},{b}],"sentAt":"2026-01-02T03:04:05Z"}}"#), Ok("a b")),
        (&[], format!("[{a},{b}]"), Ok("a b")),
        (&lines, format!("{a}\n{b}\n"), Ok("a b")),
        (&[], a.to_owned(), Ok("a")),
        (&[], "[]".to_owned(), Ok("")),
        (&[], "{".to_owned(), Err(400)),
        (&[], "7".to_owned(), Err(400)),
        (&[], r#"{"event":"no id"}"#.to_owned(), Err(400)),
        (&lines, format!("{a}\n{{\n"), Err(400)),
    ] {
        let found = read(&*receiver(""), &request(headers, &body));
        assert_eq!(found, ids.map(str::to_owned), "{body}");
    }
    let events = receiver("").read(&request(&[], format!("[{a},{b}]"))).unwrap();
    assert_eq!((events[0].name.as_str(), events[1].name.as_str()), ("X", "page"));
}

#[test]
fn gzip_is_unpacked_and_other_encodings_are_refused() {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(br#"{"messageId":"a"}"#).unwrap();
    let packed = encoder.finish().unwrap();
    assert_eq!(read(&*receiver(""), &request(&[("content-encoding", "gzip")], &packed)), Ok("a".to_owned()));
    assert_eq!(read(&*receiver(""), &request(&[("content-encoding", "gzip")], "{}")), Err(400));
    assert_eq!(read(&*receiver(""), &request(&[("content-encoding", "br")], &packed)), Err(415));
}

#[test]
fn a_probe_is_let_in_and_other_methods_are_not() {
    let with = |method: &str| Incoming { method: method.to_owned(), ..request(&[], "") };
    assert_eq!(read(&*receiver("geheim"), &with("HEAD")), Ok(String::new()));
    assert_eq!(read(&*receiver(""), &with("GET")), Err(405));
}

#[test]
fn only_a_right_and_fresh_signature_is_let_in() {
    const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    let body = br#"{"messageId":"a"}"#;
    let now = 1_767_323_045;
    let sign = |secret: &str, at: i64| Signer::new(secret).unwrap().unwrap().sign("msg_1", at, body);
    let asked = |at: i64, signature: &str| {
        let at = at.to_string();
        let headers =
            [("webhook-id", "msg_1"), ("webhook-timestamp", at.as_str()), ("webhook-signature", signature)];
        read(&*receiver(SECRET), &request(&headers, body))
    };
    let right = sign(SECRET, now);
    assert_eq!(asked(now, &right), Ok("a".to_owned()));
    assert_eq!(asked(now, &format!("v1,bm8= {right}")), Ok("a".to_owned()), "one of several");
    assert_eq!(asked(now - 299, &sign(SECRET, now - 299)), Ok("a".to_owned()));
    assert_eq!(asked(now - 301, &sign(SECRET, now - 301)), Err(401), "too old");
    assert_eq!(asked(now + 301, &sign(SECRET, now + 301)), Err(401), "from the future");
    assert_eq!(asked(now, &sign("another", now)), Err(401));
    assert_eq!(asked(now + 1, &right), Err(401), "signed at another time");
    assert_eq!(asked(now, ""), Err(401));
    assert_eq!(read(&*receiver(SECRET), &request(&[], body)), Err(401), "not signed at all");
}

#[test]
fn refusals_are_in_the_form_that_the_router_reads() {
    let event = |id: &str| MockEvent { id: id.to_owned(), name: "X".to_owned() };
    let events = [event("a"), event("b")];
    let some = receiver("").refuse_some(&request(&[], ""), &events, &[1]).0;
    assert_eq!((some.status, some.body.as_str()), (207, r#"{"errors":[{"index":1,"message_id":"b","message":"\"X\" is refused"}]}"#));
    let all = receiver("").refuse_all(&events, 0);
    assert_eq!((all.status, all.body.as_str()), (422, r#"{"error":"the request holds \"X\""}"#));
    assert!(new(&MockSettings { secret: "whsec_geheim!".to_owned(), ..MockSettings::default() }).is_err_and(|message| !message.contains("geheim")));
}

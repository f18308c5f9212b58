//! Tables that were deleted and made again: noticed by every way of reading, and by the next process.

use std::path::{Path, PathBuf};

use super::*;

/// A dataset with a table `t` that was made then, and a file in which it is known.
struct Kept {
    case: Case,
    made_ms: Arc<Mutex<Option<i64>>>,
    file: PathBuf,
    _folder: tempfile::TempDir,
}

impl Case {
    /// A store that starts on the same dataset and file.
    pub(super) fn again(&self, file: &Path) -> Handle {
        let mut target = target(self.peer.url.clone());
        target.cache_file = Some(file.to_owned());
        Handle(Arc::new(Store::new(Arc::new(Api::new(target).unwrap()), Arc::new(SchemaCell::default()))))
    }
}

/// A dataset whose only table was made then.
fn table_made(made_ms: i64, seen: &Seen) -> Said {
    let time = made_ms.to_string();
    match seen.line().as_str() {
        LIST => {
            Said::json(json!({ "tables": [{ "tableReference": { "tableId": "t" }, "creationTime": time }] }))
        }
        "POST /queries" => columns_answer(),
        "POST /datasets/analytics/tables" => Said::error(409, "duplicate", "Already Exists"),
        _ => {
            let fields = [json!({ "name": "id", "type": "STRING" })];
            Said::json(json!({ "creationTime": time, "schema": { "fields": fields } }))
        }
    }
}

impl Kept {
    async fn new() -> Kept {
        let (made_ms, folder) = (Arc::new(Mutex::new(Some(1_700_000_000_000))), tempfile::tempdir().unwrap());
        let file = folder.path().join("bq.json");
        let (there, kept) = (Arc::clone(&made_ms), file.clone());
        let answer = move |seen: &Seen| match *there.lock().unwrap() {
            Some(made_ms) => table_made(made_ms, seen),
            None => no_table(),
        };
        let case = with(|target| target.cache_file = Some(kept), answer);
        case.store.0.open().await.unwrap();
        let kept = Kept { case, made_ms, file, _folder: folder };
        assert!(!kept.is_held(&kept.case.store), "it is the first that was seen");
        kept
    }

    /// Somebody deletes the table and makes another.
    fn replace(&self) {
        *self.made_ms.lock().unwrap() = Some(1_700_000_000_001);
    }

    fn is_held(&self, store: &Handle) -> bool {
        store.0.api.target.made_again.load().contains_key("t")
    }

    /// Whether it is held in a process that starts now.
    async fn is_held_after_a_start(&self) -> bool {
        let started = self.case.again(&self.file);
        started.0.open().await.unwrap();
        let was_told = self.is_held(&started);
        let is_held = started.0.expect_streamable("t").await.is_err();
        assert_eq!(is_held, self.is_held(&started));
        assert!(is_held || !was_told);
        is_held
    }
}

#[tokio::test]
async fn a_table_that_its_owner_made_again_is_told_by_every_reading_and_by_a_start() {
    for table in [None, Some("t".to_owned())] {
        let kept = Kept::new().await;
        kept.replace();
        assert!(!kept.is_held(&kept.case.store), "nobody has looked");
        kept.case.store.refresh(table).await.unwrap();
        assert!(kept.is_held(&kept.case.store));
        assert!(kept.is_held_after_a_start().await, "the hold goes on");
    }
    let kept = Kept::new().await;
    kept.replace();
    assert!(kept.is_held_after_a_start().await, "it was made again while no process ran");
    assert!(kept.is_held_after_a_start().await, "and another start goes on with that");
    let kept = Kept::new().await;
    kept.replace();
    kept.case.store.apply(add()).await.unwrap();
    assert!(kept.is_held(&kept.case.store), "it was read after a change");
}

#[tokio::test]
async fn a_table_that_is_gone_is_held_once_it_is_there_again_whatever_was_between() {
    let kept = Kept::new().await;
    *kept.made_ms.lock().unwrap() = None;
    kept.case.store.refresh(Some("t".to_owned())).await.unwrap();
    assert_eq!(kept.case.t(), None);
    let started = kept.case.again(&kept.file);
    kept.replace();
    started.0.open().await.unwrap();
    // We make it, and somebody else was faster.
    started.apply(create()).await.unwrap();
    assert!(kept.is_held(&started));
}

#[tokio::test]
async fn what_we_make_is_held_when_it_was_known_and_not_when_it_was_not() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("bq.json");
    let case = with(|target| target.cache_file = Some(file.clone()), |seen| {
        if seen.line() == LIST { Said::json(json!({})) } else { made(seen) }
    });
    case.store.apply(create()).await.unwrap();
    assert!(case.store.0.api.target.made_again.load().is_empty());
    case.store.0.publish("t", None).await;
    let started = case.again(&file);
    started.0.open().await.unwrap();
    started.apply(create()).await.unwrap();
    assert_eq!(started.0.api.target.made_again.load().len(), 1);
}

#[tokio::test]
async fn a_file_of_before_knows_its_tables_and_holds_those_that_are_younger_than_the_hold() {
    let kept = Kept::new().await;
    let mut file: serde_json::Value = serde_json::from_slice(&std::fs::read(&kept.file).unwrap()).unwrap();
    assert!(file.as_object_mut().unwrap().remove("creations").is_some());
    for name in ["plain", "merged"] {
        // Those came later than the first files, too.
        assert!(file.as_object_mut().unwrap().remove(name).is_some());
    }
    let old = file.to_string();
    std::fs::write(&kept.file, &old).unwrap();
    assert!(!kept.is_held_after_a_start().await, "it has been there for long");
    std::fs::write(&kept.file, &old).unwrap();
    *kept.made_ms.lock().unwrap() = Some(clock::now().as_millisecond() - 1_000);
    assert!(kept.is_held_after_a_start().await);
}

#[tokio::test]
async fn rows_are_streamed_after_a_start_where_tables_may_not_be_listed_and_not_where_nobody_answers() {
    for (said, is_streamed) in [
        (Said::error(403, "accessDenied", "Access Denied: Dataset acme:analytics"), true),
        (Said::error(404, "notFound", "Not found: Dataset acme:analytics"), true),
        (Said::error(503, "backendError", ""), false),
    ] {
        let kept = Kept::new().await;
        let peer = Peer::new(move |_| said.clone());
        let text = std::fs::read_to_string(&kept.file).unwrap();
        std::fs::write(&kept.file, text.replace(kept.case.peer.url.as_str(), peer.url.as_str())).unwrap();
        let mut target = target(peer.url.clone());
        target.cache_file = Some(kept.file.clone());
        let store = Store::new(Arc::new(Api::new(target).unwrap()), Arc::new(SchemaCell::default()));
        store.open().await.unwrap();
        for _ in 0..2 {
            assert_eq!(store.expect_streamable("t").await.is_ok(), is_streamed);
        }
        let asked = if is_streamed { 1 } else { 2 };
        assert_eq!(peer.lines(), vec![LIST; asked]);
    }
}

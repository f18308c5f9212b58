//! Destinations that are told whom to erase.

use super::*;

/// It is in the journal for those that asked for it and are on, until they have it, and then it is nowhere.
#[actix::test]
async fn whoever_asked_for_it_is_told_and_what_it_was_told_is_overwritten() {
    let mut scene = Scene::new();
    scene.tell = vec!["hook".to_owned(), "old".to_owned()];
    let registrar = scene.start(scene.stores());
    let taken = registrar.send(Regulate(wish(Kind::SuppressWithDelete))).await.unwrap().unwrap();
    let waits = until(&registrar, &taken.id, |shown| is_waited_for(shown, "hook")).await;
    assert_eq!(waits.status, Status::Running);
    let limit = ReadLimit { records: 99, bytes: 1 << 20 };
    let told: Vec<_> = scene.journal.read(Position(3), limit).unwrap();
    let told = told.iter().map(|record| &record.event).map(|event| {
        (event.head.name.as_deref(), event.head.user_id.as_deref(), event.receipt.is_for("hook"))
    });
    assert_eq!(told.collect::<Vec<_>>(), [(Some("User Deleted"), Some("anna-1"), true)]);
    assert!(!scene.journal.read(Position(3), limit).unwrap()[0].event.receipt.is_for("old"));
    // The hook has it.
    scene.mark.store(4, Ordering::SeqCst);
    let done = until_done(&registrar, &taken.id).await;
    assert_eq!(done.stores["hook"].state, StoreState::NotErasable);
    assert!(done.stores["hook"].reason.as_deref().unwrap().contains("was told"));
    assert_eq!(scene.users(), ["ben"]);
    assert!(!scene.has(b"anna-1"));
}

#[actix::test]
async fn a_journal_that_takes_nothing_keeps_no_store_from_being_erased() {
    let mut scene = Scene::new();
    scene.tell = vec!["hook".to_owned()];
    scene.is_full.store(true, Ordering::SeqCst);
    let registrar = scene.start(scene.stores());
    let taken = registrar.send(Regulate(wish(Kind::DeleteOnly))).await.unwrap().unwrap();
    let is_erased = |shown: &Shown| {
        ["shelf", "data_dir/reports"]
            .iter()
            .all(|name| shown.stores.get(*name).is_some_and(|one| one.state == StoreState::Done))
    };
    let waits = until(&registrar, &taken.id, is_erased).await;
    assert_eq!(waits.status, Status::Running, "nobody is told yet");
    scene.is_full.store(false, Ordering::SeqCst);
    scene.mark.store(4, Ordering::SeqCst);
    let done = until_done(&registrar, &taken.id).await;
    assert!(done.stores["hook"].reason.as_deref().unwrap().contains("was told"));
    assert_eq!(done.stores["shelf"].state, StoreState::Done, "one note does not overwrite the other");
    assert!(!scene.has(b"anna-1"));
}

/// A start finds one destination that has it and one that was to get it: the first one gets nothing.
#[actix::test]
async fn a_start_tells_nobody_again_who_has_it() {
    let mut scene = Scene::new();
    scene.tell = vec!["hook".to_owned(), "late".to_owned()];
    let reason = "it was told by an event `User Deleted`, and sees to it itself".to_owned();
    let had = StoreStatus { state: StoreState::NotErasable, erased: 0, reason: Some(reason) };
    let mut begun = Regulation::begin(wish(Kind::DeleteOnly), "r".to_owned(), "salt", clock::now());
    begun.status = Status::Running;
    begun.stores.insert("hook".to_owned(), had.clone());
    let register = Register::open(&scene.dir.path().join("privacy")).unwrap();
    register.put(begun).unwrap();
    drop(register);
    let one = |name: &str| Erasable { name: name.to_owned(), is_on: true, mark: Position(0), eraser: None };
    let registrar = scene.start(vec![one("hook"), one("late")]);
    let waits = until(&registrar, "r", |shown| is_waited_for(shown, "late")).await;
    assert_eq!(waits.stores["hook"], had, "nothing less is said of it");
    let limit = ReadLimit { records: 99, bytes: 1 << 20 };
    let told = scene.journal.read(Position(3), limit).unwrap();
    let told = told.iter().map(|record| ["hook", "late"].map(|name| record.event.receipt.is_for(name)));
    assert_eq!(told.collect::<Vec<_>>(), [[false, true]]);
    scene.mark.store(4, Ordering::SeqCst);
    assert_eq!(until_done(&registrar, "r").await.stores["hook"], had);
}

/// A destination is told, and a store is erased, at the same time.
#[actix::test]
async fn what_is_noted_at_the_same_time_is_kept_whole() {
    let scene = Scene::new();
    let parts = scene.parts(Vec::new());
    let begun = Regulation::begin(wish(Kind::DeleteOnly), "r".to_owned(), "salt", clock::now());
    parts.register.put(begun).unwrap();
    let erasing = Erasing::new(Arc::clone(&parts));
    let note = |store: &'static str| {
        let done = StoreStatus { state: StoreState::Done, erased: 1, reason: None };
        erasing.change("r", move |one| drop(one.stores.insert(store.to_owned(), done)))
    };
    let (one, other) = tokio::join!(note("one"), note("other"));
    assert!(one.is_some() && other.is_some());
    let kept = parts.register.get("r").unwrap().stores;
    assert_eq!(kept.keys().collect::<Vec<_>>(), ["one", "other"]);
}

//! Whether who is suppressed and what is wished agree, whatever fails and whenever the process ends.

use super::*;

/// Either the disk of the register fails, or that of the list.
#[actix::test]
async fn a_wish_that_is_refused_holds_in_no_part() {
    for kind in [Kind::Suppress, Kind::SuppressWithDelete] {
        let scene = Scene::new();
        let registrar = scene.start(Vec::new());
        std::fs::remove_dir_all(scene.dir.path().join("privacy")).unwrap();
        let refused = registrar.send(Regulate(wish(kind))).await.unwrap();
        assert!(matches!(refused, Err(NotRegulated::Failed(_))), "{refused:?}");
        assert!(scene.suppression().is_empty(), "the register knows nothing of {kind:?}");

        let scene = Scene::new();
        let registrar = scene.start(Vec::new());
        std::fs::remove_dir_all(scene.dir.path().join("suppressed")).unwrap();
        let refused = registrar.send(Regulate(wish(kind))).await.unwrap();
        assert!(matches!(refused, Err(NotRegulated::Failed(_))), "{refused:?}");
        let known = registrar.send(LookUp { id: None, limit: 9 }).await.unwrap();
        assert_eq!(known, [], "nobody is suppressed of {kind:?}");
        let again = Register::open(&scene.dir.path().join("privacy")).unwrap();
        assert_eq!(again.newest(9), []);
    }
}

/// The list can be written, and that it holds cannot be noted.
#[actix::test]
async fn a_wish_that_cannot_be_noted_holds_in_no_part() {
    for (kind, suppressed) in [(Kind::Suppress, 0), (Kind::SuppressWithDelete, 0), (Kind::Unsuppress, 1)] {
        let scene = Scene::new();
        let parts = scene.parts(Vec::new());
        let begun = Regulation::begin(wish(kind), "r".to_owned(), "salt", clock::now());
        let prints: Vec<_> = begun.hashes.iter().filter_map(|hash| unhex(hash)).collect();
        parts.suppression.change(&prints, suppressed == 1).unwrap();
        parts.register.put(begun.clone()).unwrap();
        let dir = scene.dir.path().join("privacy");
        std::fs::create_dir(dir.join("r.tmp")).unwrap();
        assert!(settle(&parts, begun).is_err());
        assert_eq!(parts.suppression.len(), suppressed, "{kind:?}");
        assert_eq!(scene.suppression().len(), suppressed, "{kind:?} after a start");
        assert_eq!(parts.register.newest(9), []);
        std::fs::remove_dir(dir.join("r.tmp")).unwrap();
        assert_eq!(Register::open(&dir).unwrap().newest(9), []);
    }
}

/// What an earlier start could not note is done when something else was wished already.
#[actix::test]
async fn what_was_wished_later_stays_when_an_earlier_wish_is_gone_on_with() {
    let scene = Scene::new();
    let two = ["anna-1".to_owned(), "ben".to_owned()].to_vec();
    let wish = |kind, ids| Wish { kind, id_kind: IdKind::UserId, ids };
    let begin = |kind, id: &str, ids| Regulation::begin(wish(kind, ids), id.to_owned(), "salt", clock::now());
    let mut later = begin(Kind::Unsuppress, "b", vec!["anna-1".to_owned()]);
    later.enforced(clock::now());
    let register = Register::open(&scene.dir.path().join("privacy")).unwrap();
    register.put(begin(Kind::Suppress, "a", two)).unwrap();
    register.put(later).unwrap();
    drop(register);
    let registrar = scene.start(Vec::new());
    until_done(&registrar, "a").await;
    assert_eq!(scene.suppression().len(), 1, "ben alone");
}

/// The process ends when a wish is in the register and before the list has it.
#[actix::test]
async fn what_was_wished_before_a_kill_holds_after_the_next_start() {
    for (kind, suppressed) in [(Kind::Suppress, 1), (Kind::SuppressWithDelete, 1), (Kind::Unsuppress, 0)] {
        let scene = Scene::new();
        let begun = Regulation::begin(wish(kind), "r".to_owned(), "salt", clock::now());
        if kind == Kind::Unsuppress {
            let prints: Vec<_> = begun.hashes.iter().filter_map(|hash| unhex(hash)).collect();
            scene.suppression().change(&prints, true).unwrap();
        }
        Register::open(&scene.dir.path().join("privacy")).unwrap().put(begun).unwrap();
        let registrar = scene.start(Vec::new());
        until_done(&registrar, "r").await;
        assert_eq!(scene.suppression().len(), suppressed, "{kind:?}");
    }
}

/// It is still being erased, and was heard again meanwhile.
#[actix::test]
async fn a_start_does_not_undo_what_was_wished_later() {
    let scene = Scene::new();
    let away = || {
        vec![Erasable {
            name: "away".to_owned(),
            is_on: true,
            mark: Position(0),
            eraser: Some(Arc::new(Away)),
        }]
    };
    let held = || scene.held.lock().unwrap().iter().filter(|word| **word == "hold").count();
    {
        let registrar = scene.start(away());
        let taken = registrar.send(Regulate(wish(Kind::SuppressWithDelete))).await.unwrap().unwrap();
        assert_eq!(scene.suppression().len(), 1);
        registrar.send(Regulate(wish(Kind::Unsuppress))).await.unwrap().unwrap();
        // From then on it waits, and writes nothing.
        until(&registrar, &taken.id, |shown| is_waited_for(shown, "away")).await;
    }
    let begun = held();
    let _registrar = scene.start(away());
    let is_begun = async {
        while held() == begun {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), is_begun).await.expect("it is gone on with");
    assert!(scene.suppression().is_empty());
}

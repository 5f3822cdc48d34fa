use std::path::Path;

use rustix::io::Errno;

use super::super::deletion::Deletion;
use super::super::folder::breaking::{break_after, flushes_of};
use super::super::new_name::lacking::{LINK_TO_NEW, RENAME_TO_NEW};
use super::super::{contents, sweep};
use super::*;
use crate::SaveOptions;
use crate::blocking::Caller;
use crate::clock::Clock;

fn open(directory: &Path) -> Arc<Root> {
    Arc::new(Root::open(directory).unwrap())
}

fn made<C: Change>(attempt: Attempt<C>) -> C::Outcome {
    match attempt {
        Attempt::Made(outcome) => outcome,
        Attempt::Locked(_) => panic!("nobody else holds the lock"),
    }
}

fn new_save(root: &Arc<Root>, name: &str, options: SaveOptions, caller: &Caller) -> Save {
    let destination = Destination {
        root: Arc::clone(root),
        durability: Durability::Full,
        name: FileName::new(name).unwrap(),
        options,
    };
    let stamps = Arc::new(Stamps::new(Clock::system()));
    Save::new(destination, stamps, caller.presence())
}

fn save(root: &Arc<Root>, name: &str, options: SaveOptions) -> Result<FileInfo> {
    let caller = Caller::default();
    let mut save = new_save(root, name, options, &caller);
    save.begin()?;
    save.finish(b"x").map(made)
}

fn delete(root: &Arc<Root>, name: &str) -> Result<()> {
    delete_as(root, name, Durability::Full)
}

fn delete_as(root: &Arc<Root>, name: &str, durability: Durability) -> Result<()> {
    let caller = Caller::default();
    let deletion = Deletion {
        root: Arc::clone(root),
        durability,
        name: FileName::new(name).unwrap(),
        caller: caller.presence(),
    };
    Attempt::of(deletion).map(made)
}

fn told(told: &str) -> SaveOptions {
    SaveOptions::default().with_metadata("told", told)
}

fn facts(directory: &Path) -> usize {
    let facts = std::fs::read_dir(directory.join(".store/facts"));
    facts.unwrap().count()
}

#[test]
fn each_version_that_a_crash_may_bring_back_keeps_its_metadata() {
    let directory = tempfile::tempdir().unwrap();
    let root = open(directory.path());
    let name = FileName::new("a").unwrap();
    let shown = || contents::info(&root, &name).unwrap().metadata["told"].clone();
    save(&root, "a", told("old")).unwrap();
    // The first flush is that of the facts, the second that of the name.
    let cases = [
        (0, ErrorKind::Other, "old", 1),
        // It can be seen, so it has not plainly failed.
        (1, ErrorKind::Unavailable, "new", 2),
    ];
    for (flushes, kind, now, kept) in cases {
        break_after(flushes);
        let error = save(&root, "a", told("new")).unwrap_err();
        assert_eq!(error.kind(), kind, "{error:?}");
        assert_eq!((shown().as_str(), facts(directory.path())), (now, kept));
    }
    break_after(u32::MAX);
    sweep::sweep(&root).unwrap();
    assert_eq!((shown().as_str(), facts(directory.path())), ("new", 1));
    break_after(0);
    let error = delete(&root, "a").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error:?}");
    assert_eq!(facts(directory.path()), 1);
    break_after(u32::MAX);
    sweep::sweep(&root).unwrap();
    assert_eq!(facts(directory.path()), 0);
}

#[test]
fn a_save_that_nobody_waits_for_is_not_made_under_the_lock() {
    let directory = tempfile::tempdir().unwrap();
    let root = open(directory.path());
    let caller = Caller::default();
    let mut save = new_save(&root, "a", told("new"), &caller);
    save.begin().unwrap();
    let settled = save.settle(b"x").unwrap();
    let lock = Lock::wait(&root, "save file", settled.name()).unwrap();
    drop(caller);
    let error = settled.make(lock).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Interrupted);
    assert!(!directory.path().join("a").exists());
    assert_eq!(facts(directory.path()), 0);
}

#[test]
fn a_refusal_rests_on_what_is_on_the_disk() {
    let directory = tempfile::tempdir().unwrap();
    let root = open(directory.path());
    let etag = save(&root, "a", SaveOptions::default()).unwrap().etag;
    save(&root, "a", SaveOptions::default()).unwrap();
    let mode = |mode| SaveOptions::default().with_mode(mode);
    let create = || save(&root, "a", mode(SaveMode::Create)).err();
    let update = || save(&root, "a", mode(SaveMode::Update(etag.clone()))).err();
    let update_none = || save(&root, "b", mode(SaveMode::Update(etag.clone()))).err();
    let delete_none = || delete(&root, "b").err();
    let refused: [(&dyn Fn() -> Option<Error>, _); 4] = [
        (&create, ErrorKind::AlreadyExists),
        (&update, ErrorKind::Conflict),
        (&update_none, ErrorKind::Conflict),
        (&delete_none, ErrorKind::NotFound),
    ];
    for (refused, kind) in refused {
        let (flushes, error) = flushes_of(refused);
        assert_eq!((flushes, error.unwrap().kind()), (1, kind));
        break_after(0);
        assert_eq!(refused().unwrap().kind(), ErrorKind::Other, "{kind:?}");
    }
}

#[test]
fn a_refusal_rests_on_the_deepest_folder_that_is_left() {
    let directory = tempfile::tempdir().unwrap();
    let root = open(directory.path());
    let etag = save(&root, "b/c", SaveOptions::default()).unwrap().etag;
    // Another store, which flushes nothing, removes the folder, too.
    delete_as(&root, "b/c", Durability::Process).unwrap();
    assert!(!directory.path().join("b").exists());
    std::fs::create_dir(directory.path().join("d")).unwrap();
    std::fs::write(directory.path().join("f"), "x").unwrap();
    let update = |name| {
        let options = SaveOptions::default().with_mode(SaveMode::Update(etag.clone()));
        save(&root, name, options).err()
    };
    let delete = |name| delete(&root, name).err();
    let refused: [(&dyn Fn(&'static str) -> Option<Error>, _, _, _); 5] = [
        (&delete, "b/c", 1, ErrorKind::NotFound),
        (&update, "b/c", 1, ErrorKind::Conflict),
        (&delete, "f/c", 1, ErrorKind::NotFound),
        (&delete, "d/e/c", 2, ErrorKind::NotFound),
        (&update, "d/e/c", 2, ErrorKind::Conflict),
    ];
    for (refused, name, needed, kind) in refused {
        let (flushes, error) = flushes_of(|| refused(name));
        assert_eq!((flushes, error.unwrap().kind()), (needed, kind), "{name}");
        break_after(needed - 1);
        assert_eq!(refused(name).unwrap().kind(), ErrorKind::Other, "{name}");
    }
}

#[test]
fn an_overlap_rests_on_the_file_that_is_in_the_way() {
    let directory = tempfile::tempdir().unwrap();
    let root = open(directory.path());
    save(&root, "a", SaveOptions::default()).unwrap();
    // What another store made and did not flush yet.
    std::fs::create_dir_all(directory.path().join("g/h")).unwrap();
    std::fs::write(directory.path().join("g/h/i"), "x").unwrap();
    for (name, needed) in [("a/b", 1), ("a/b/c", 1), ("g", 3), ("g/h/i/j", 3)] {
        let refused = || save(&root, name, SaveOptions::default()).unwrap_err();
        let (flushes, error) = flushes_of(refused);
        assert_eq!(
            (flushes, error.kind()),
            (needed, ErrorKind::NameOverlap),
            "{name}"
        );
        break_after(needed - 1);
        assert_eq!(refused().kind(), ErrorKind::Other, "{name}");
    }
}

#[test]
fn a_folder_that_another_save_made_is_flushed_into_its_parents() {
    let directory = tempfile::tempdir().unwrap();
    let root = open(directory.path());
    let folder = directory.path().join("a/b");
    // What another store made and did not flush yet.
    std::fs::create_dir_all(&folder).unwrap();
    let saved = || save(&root, "a/b/c", SaveOptions::default());
    for flushes in 0..2 {
        break_after(flushes);
        saved().unwrap_err();
        assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 0);
    }
    let (flushes, info) = flushes_of(saved);
    info.unwrap();
    assert_eq!(flushes, 3);
    if std::fs::metadata(&folder).unwrap().created().is_err() {
        return;
    }
    // It is known from a save on that began when it was there for a tick of the system's clock.
    let is_known = || flushes_of(saved).0 == 1;
    assert!((0..100_000).any(|_| is_known()));
    assert!(is_known());
    std::fs::remove_dir_all(&folder).unwrap();
    std::fs::create_dir(&folder).unwrap();
    assert_eq!(flushes_of(saved).0, 2);
}

#[test]
fn a_new_folder_costs_the_flush_of_its_parent_alone() {
    let directory = tempfile::tempdir().unwrap();
    let root = open(directory.path());
    let flushes = |name| flushes_of(|| save(&root, name, SaveOptions::default()).unwrap()).0;
    assert_eq!(flushes("a/b/c"), 3);
    let folder = std::fs::metadata(directory.path().join("a/b"));
    if folder.unwrap().created().is_err() {
        return;
    }
    assert!((0..100_000).any(|_| flushes("a/b/c") == 1));
    // What a folder lies in is known with it.
    for sibling in ["a/b/d/e", "a/f/g", "h/i"] {
        assert_eq!(flushes(sibling), 2, "{sibling}");
    }
}

#[test]
fn a_sweep_removes_no_metadata_that_a_crash_may_want_back() {
    let directory = tempfile::tempdir().unwrap();
    let root = open(directory.path());
    save(&root, "a", told("old")).unwrap();
    // What somebody did who did not flush it.
    std::fs::remove_file(directory.path().join("a")).unwrap();
    break_after(0);
    sweep::sweep(&root).unwrap_err();
    assert_eq!(facts(directory.path()), 1);
    break_after(u32::MAX);
    sweep::sweep(&root).unwrap();
    assert_eq!(facts(directory.path()), 0);
}

#[test]
fn a_deletion_takes_the_metadata_along() {
    let directory = tempfile::tempdir().unwrap();
    let root = open(directory.path());
    save(&root, "a", told("old")).unwrap();
    delete(&root, "a").unwrap();
    assert_eq!(facts(directory.path()), 0);
}

#[test]
fn a_new_file_takes_the_place_of_empty_folders() {
    for mode in [SaveMode::Create, SaveMode::Overwrite] {
        let directory = tempfile::tempdir().unwrap();
        let root = open(directory.path());
        std::fs::create_dir_all(directory.path().join("a/b")).unwrap();
        save(&root, "a", SaveOptions::default().with_mode(mode)).unwrap();
        assert!(directory.path().join("a").is_file());
    }
}

#[test]
fn a_refused_update_makes_no_folder() {
    let directory = tempfile::tempdir().unwrap();
    let root = open(directory.path());
    let etag = save(&root, "a", SaveOptions::default()).unwrap().etag;
    let update = SaveOptions::default().with_mode(SaveMode::Update(etag));
    let caller = Caller::default();
    let mut save = new_save(&root, "b/c", update, &caller);
    // Another save came between its beginning and its end.
    save.temporary = Some(Temporary::new(&root).unwrap());
    let error = save.finish(b"x").map(made).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict);
    assert!(!directory.path().join("b").exists());
}

/// What is left in the store's folder for files that are being written.
fn left(directory: &Path) -> usize {
    let left = std::fs::read_dir(directory.join(".store/temporary"));
    left.unwrap().count()
}

#[test]
fn what_a_file_system_lacks_for_new_names_is_done_in_another_way() {
    let renames = [Errno::INVAL, Errno::NOSYS, Errno::NOTSUP, Errno::PERM];
    for rename in renames {
        for link in [None, Some(Errno::PERM), Some(Errno::NOTSUP)] {
            RENAME_TO_NEW.set(Some(rename));
            LINK_TO_NEW.set(link);
            let directory = tempfile::tempdir().unwrap();
            let root = open(directory.path());
            let saved = |name, mode| save(&root, name, told("x").with_mode(mode));
            let info = saved("a", SaveMode::Create).unwrap();
            let error = saved("a", SaveMode::Create).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::AlreadyExists, "{rename} {link:?}");
            let error = saved("a/b", SaveMode::Create).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::NameOverlap, "{rename} {link:?}");
            assert_eq!(contents::info(&root, &info.name).unwrap(), info);
            for name in ["a", "c"] {
                let info = saved(name, SaveMode::Overwrite).unwrap();
                assert_eq!(contents::info(&root, &info.name).unwrap(), info);
            }
            assert_eq!((facts(directory.path()), left(directory.path())), (2, 0));
        }
    }
}

#[test]
fn a_link_that_was_made_but_not_told_is_no_other_version() {
    RENAME_TO_NEW.set(Some(Errno::INVAL));
    for mode in [SaveMode::Overwrite, SaveMode::Create] {
        let directory = tempfile::tempdir().unwrap();
        let root = open(directory.path());
        let caller = Caller::default();
        let mut save = new_save(&root, "a", told("new").with_mode(mode), &caller);
        save.begin().unwrap();
        let settled = save.settle(b"x").unwrap();
        let own = directory.path().join(".store/temporary");
        let own = own.join(settled.temporary.name());
        std::fs::hard_link(own, directory.path().join("a")).unwrap();
        let saved = made(Attempt::of(settled).unwrap());
        assert_eq!(contents::info(&root, &saved.name).unwrap(), saved);
        assert_eq!((facts(directory.path()), left(directory.path())), (1, 0));
    }
}

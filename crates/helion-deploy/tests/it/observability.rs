//! What `RUST_LOG` has the program tell.

use crate::world::{Finished, SUCCESS, World, finish, statuses};

fn with_log(mut command: std::process::Command, filter: &str) -> Finished {
    command.env("RUST_LOG", filter);
    finish(command).code(0)
}

/// How many spans of that name with that field were told when they were over.
fn closed(finished: &Finished, span: &str, field: &str) -> usize {
    let lines = finished.stderr.lines();
    let begins = format!("{span}{{");
    lines
        .filter(|line| line.contains(" close time.busy="))
        .filter(|line| {
            let inner = line.rsplit_once(&begins).map(|(_, fields)| fields);
            inner.is_some_and(|fields| fields.split_once('}').unwrap().0.contains(field))
        })
        .count()
}

#[test]
fn every_store_of_the_program_has_spans() {
    let world = World::with_package();
    let list = with_log(world.command(&["packages", "list"]), "store=debug");
    assert_eq!(
        closed(&list, "store_call", "operation=\"list files\""),
        1,
        "{list:?}"
    );
    let deploy = with_log(world.deploy(&[]), "store=debug,deployment=info");
    assert_eq!(closed(&deploy, "deployment", "phase=\"SUCCESS\""), 1);
    assert_eq!(closed(&deploy, "step", "status=\"DEPLOYED\""), 1);
    let reads = closed(&deploy, "store_call", "operation=\"read file\"");
    assert!(reads > 0, "{deploy:?}");
    let inside = ":store_call{operation=\"read file\" name=\"foo.tar.gz\"";
    assert!(deploy.stderr.contains(inside), "{deploy:?}");
    let demo = with_log(world.command(&["demo"]), "store=debug");
    assert!(closed(&demo, "store_call", "operation=\"save file\"") > 0);
    let quiet = finish(world.command(&["packages", "list"])).code(0);
    assert_eq!(quiet.stderr, "");
}

#[test]
fn a_filter_that_is_none_is_told_once_and_not_heeded() {
    let world = World::new();
    for wrong in ["store=loud", "store=debug,["] {
        let list = with_log(world.command(&["list"]), wrong).stderr;
        let told = format!("warning: RUST_LOG is not heeded: `{wrong}`: ");
        assert!(list.starts_with(&told), "{list}");
        assert_eq!(list.lines().count(), 1, "{list}");
    }
    for right in ["", "off", "deployment=info,store=debug"] {
        let list = with_log(world.command(&["config", "path"]), right).stderr;
        assert_eq!(list, "", "{right}");
    }
}

#[test]
fn that_nobody_reads_the_log_is_no_failure() {
    let world = World::with_package();
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let mut deploy = world.deploy(&[]);
    deploy.env("RUST_LOG", "info").stderr(writer);
    let record = finish(deploy).code(0).json();
    assert_eq!(statuses(&record), SUCCESS);
}

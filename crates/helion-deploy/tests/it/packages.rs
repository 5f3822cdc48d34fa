//! `packages`.

use crate::world::World;

#[test]
fn they_are_added_listed_shown_and_removed() {
    let world = World::new();
    let added = world
        .run(&["--output", "json", "packages", "add", &world.archive("foo")])
        .code(0);
    assert_eq!(added.json()["package"], "foo");
    assert_eq!(added.json()["manifest"]["package"], "foo.tar.gz");
    world
        .run(&["packages", "add", &world.archive("bar.baz")])
        .code(0);

    let list = world
        .run(&["--output", "json", "packages", "list"])
        .code(0)
        .json();
    let names: Vec<_> = list["packages"]
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| &entry["package"])
        .collect();
    assert_eq!(names, ["bar.baz", "foo"]);
    let found = world
        .run(&["--output", "json", "packages", "list", "BAR"])
        .code(0)
        .json();
    assert_eq!(found["packages"].as_array().unwrap().len(), 1);
    let text = world.run(&["packages", "list"]).code(0).stdout;
    assert!(text.contains("PACKAGE") && text.contains("1.0"), "{text}");

    let shown = world
        .run(&["--output", "json", "packages", "show", "foo"])
        .code(0)
        .json();
    assert_eq!(shown["manifest"]["version"], "1.0");
    world.run(&["packages", "remove", "foo"]).code(0);
    world.run(&["packages", "show", "foo"]).code(3);
    world.run(&["packages", "remove", "foo"]).code(3);
    let list = world
        .run(&["--output", "json", "packages", "list"])
        .code(0)
        .json();
    assert_eq!(list["packages"].as_array().unwrap().len(), 1);
}

#[test]
fn what_is_no_package_is_refused_and_the_old_one_stays() {
    let world = World::with_package();
    let path = world.path("foo.tar.gz");
    let before = world
        .run(&["--output", "json", "packages", "show", "foo"])
        .code(0)
        .json();
    let whole = std::fs::read(&path).unwrap();
    for bad in [
        &b"not gzip"[..],
        &[],
        &whole[..whole.len() - 4],
        &whole[..40],
    ] {
        std::fs::write(&path, bad).unwrap();
        let refused = world.run(&[
            "--output",
            "json",
            "packages",
            "add",
            path.to_str().unwrap(),
        ]);
        let refused = refused.code(2);
        assert_eq!(refused.json()["error"]["exit_code"], 2);
        assert!(refused.stderr.starts_with("error: "), "{}", refused.stderr);
    }
    let after = world
        .run(&["--output", "json", "packages", "show", "foo"])
        .code(0)
        .json();
    assert_eq!(before, after);
    world
        .run(&["packages", "add", "/nowhere/foo.tar.gz"])
        .code(3);
    std::fs::rename(&path, world.path("deployment_x.tar.gz")).unwrap();
    let reserved = world.path("deployment_x.tar.gz");
    world
        .run(&["packages", "add", reserved.to_str().unwrap()])
        .code(2);
}

#[test]
fn a_store_that_cannot_be_used_is_exit_code_5() {
    let world = World::new();
    let list = |url: &str| world.run(&["--store", url, "packages", "list"]).code;
    let file = world.path("file");
    std::fs::write(
        &file,
        "this is no database, but long enough to be mistaken for one".repeat(99),
    )
    .unwrap();
    assert_eq!(list(&format!("sqlite:{}", file.display())), 5);
    assert_eq!(list(&format!("fs:{}/inside", file.display())), 5);
    assert_eq!(list("sqlit:/x"), 2);
    assert_eq!(list("nothing"), 2);
}

//! The platform folder, as a test or a demonstration sees it.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;

use standin::{Error, Platform};

use crate::world::{URL, World, mode};

#[test]
fn a_push_copies_the_tree_with_modes_and_links() {
    let world = World::with_helion();
    world.write("app/bin/run", "#!/bin/sh\n");
    fs::set_permissions(world.path("app/bin/run"), fs::Permissions::from_mode(0o755))
        .expect("a mode");
    fs::set_permissions(
        world.path("app/index.html"),
        fs::Permissions::from_mode(0o640),
    )
    .expect("a mode");
    fs::set_permissions(world.path("app/bin"), fs::Permissions::from_mode(0o555)).expect("a mode");
    symlink("index.html", world.path("app/home")).expect("a link");
    symlink("/nowhere/at/all", world.path("app/broken")).expect("a link");
    world.push_by_helion("foo").succeeded();
    fs::set_permissions(world.path("app/bin"), fs::Permissions::from_mode(0o755)).expect("a mode");

    let tree = world
        .platform
        .application_dir("foo")
        .expect("a list")
        .expect("an application");
    assert_eq!(
        fs::read_to_string(tree.join("index.html")).expect("a file"),
        "hello"
    );
    assert_eq!(
        (mode(&tree.join("bin/run")), mode(&tree.join("index.html"))),
        (0o755, 0o640)
    );
    assert_eq!(
        fs::read_link(tree.join("home")).expect("a link"),
        Path::new("index.html")
    );
    assert_eq!(
        fs::read_link(tree.join("broken")).expect("a link"),
        Path::new("/nowhere/at/all")
    );
    world
        .helion(&["delete", "--target", URL, "-n", "foo"])
        .succeeded();
    assert!(!tree.exists());
    assert_eq!(world.platform.application_dir("foo").expect("a list"), None);
}

#[test]
fn an_application_is_listed_with_where_it_runs() {
    let world = World::with_cf();
    world
        .cf(&["push", "foo", "-p", "app", "-i", "3"])
        .succeeded();
    let applications = world.platform.applications().expect("a list");
    let [application] = applications.as_slice() else {
        panic!("{applications:?}")
    };
    assert_eq!(application.endpoint, "api.example.com");
    assert_eq!(
        (
            application.organization.as_str(),
            application.space.as_str()
        ),
        ("acme", "dev")
    );
    assert_eq!(
        (application.name.as_str(), application.url.as_str()),
        ("foo", "http://foo.example.com")
    );
    assert_eq!(application.instances, 3);
}

#[test]
fn a_push_leaves_one_version_and_nothing_half_copied() {
    let world = World::with_cf();
    for text in ["one", "two", "three"] {
        world.write("app/index.html", text);
        world.push_by_cf("foo").succeeded();
    }
    let space = world
        .platform
        .root()
        .join("targets/api.example.com/acme/dev");
    assert_eq!(
        fs::read_dir(space.join("versions"))
            .expect("a folder")
            .count(),
        1
    );
    assert_eq!(
        fs::read_dir(space.join("apps")).expect("a folder").count(),
        1
    );
    let text = fs::read_to_string(space.join("apps/foo/tree/index.html")).expect("a file");
    assert_eq!(text, "three");

    let socket =
        std::os::unix::net::UnixListener::bind(world.path("app/socket")).expect("a socket");
    let ended = world.push_by_cf("foo").failed();
    drop(socket);
    assert!(
        ended
            .stderr
            .ends_with("app/socket` is neither a file, a folder nor a link\n"),
        "{ended:?}"
    );
    assert_eq!(
        fs::read_dir(space.join("versions"))
            .expect("a folder")
            .count(),
        1
    );
    assert!(space.join("apps/foo/tree/index.html").exists());
}

#[test]
fn a_name_that_would_leave_its_folder_is_refused() {
    let world = World::with_cf();
    for name in ["../evil", "a/b", ".hidden", ".."] {
        let ended = world.push_by_cf(name).failed();
        assert_eq!(
            ended.stderr,
            format!("Error: application `{name}` is not a plain name\n")
        );
    }
    assert!(matches!(
        world.platform.add_space("..", "dev"),
        Err(Error::InvalidName {
            what: "organization",
            ..
        })
    ));
}

#[test]
fn users_are_kept_without_their_passwords() {
    let world = World::new();
    let users = world.platform.root().join("users");
    for entry in fs::read_dir(users).expect("a folder") {
        let path = entry.expect("an entry").path();
        assert!(
            !fs::read_to_string(&path)
                .expect("a file")
                .contains("s3cret")
        );
        assert_eq!(mode(&path), 0o600);
    }
    world.platform.add_user("ann", "changed").expect("a user");
    world
        .helion(&["login", "ann", "--password", "s3cret", "--target", URL])
        .failed();
    world
        .helion(&["login", "ann", "--password", "changed", "--target", URL])
        .succeeded();
}

#[test]
fn without_users_any_password_but_an_empty_one_is_accepted() {
    let world = World::new();
    fs::remove_dir_all(world.platform.root().join("users")).expect("a folder");
    world
        .helion(&["login", "anyone", "--password", "x", "--target", URL])
        .succeeded();
    world
        .helion(&["login", "anyone", "--password", "", "--target", URL])
        .failed();
}

#[test]
fn a_folder_that_is_no_platform_is_refused() {
    let scratch = tempfile::tempdir().expect("a folder");
    assert!(matches!(
        Platform::open(scratch.path()),
        Err(Error::NotAPlatform { .. })
    ));
    let made = Platform::create(scratch.path()).expect("a platform");
    made.add_user("ann", "x").expect("a user");
    let again = Platform::create(scratch.path()).expect("the same platform");
    assert_eq!(again.root(), made.root());
    fs::write(scratch.path().join("platform.json"), "{").expect("a file");
    let error = Platform::open(scratch.path()).expect_err("a broken platform");
    assert!(matches!(error, Error::Corrupt { .. }));
    assert!(
        !error.to_string().contains("EOF"),
        "the source is not part of the message: {error}"
    );
}

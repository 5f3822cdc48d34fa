//! The program under its own name.

use std::io::Write as _;
use std::process::{Command, Stdio};

use standin::{Behaviour, Platform};

use crate::world::{Ended, URL, World, end};

#[expect(
    clippy::disallowed_methods,
    reason = "these tests are about the program itself, run as a child"
)]
fn standin(world: &World, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_standin"));
    command
        .args(arguments)
        .env_clear()
        .current_dir(world.scratch.path())
        .stdin(Stdio::null());
    command
}

fn run(world: &World, arguments: &[&str]) -> Ended {
    end(standin(world, arguments))
}

#[test]
fn a_platform_is_made_with_a_user_whose_password_comes_on_stdin() {
    let world = World::new();
    let mut command = standin(
        &world,
        &[
            "init",
            "new",
            "--user",
            "bob",
            "--password-stdin",
            "--space",
            "acme/dev",
        ],
    );
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .expect("the program starts");
    child
        .stdin
        .take()
        .expect("a pipe")
        .write_all(b"hunter2\n")
        .expect("written");
    assert!(child.wait().expect("ended").success());

    let mut login = world.command(
        "helion",
        &["login", "bob", "--password", "hunter2", "--target", URL],
    );
    login.env("STANDIN_PLATFORM", world.path("new"));
    let ended = end(login).succeeded();
    assert!(
        ended
            .stdout
            .ends_with("Organization: acme\nSpace:        dev\n"),
        "{ended:?}"
    );
}

#[test]
fn behaviours_are_set_and_taken_back() {
    let world = World::with_helion();
    run(
        &world,
        &["behave", "platform", "list", "refuse", "closed for today"],
    )
    .succeeded();
    world.helion(&["list"]).refused("", "closed for today\n");
    run(&world, &["behave", "platform", "list", "none"]).succeeded();
    world.helion(&["list"]).succeeded();
    for behaviour in [&["hang"][..], &["delay", "5"], &["output", "9"], &["echo"]] {
        run(
            &world,
            &[&["behave", "platform", "push"], behaviour].concat(),
        )
        .succeeded();
    }
    let text = std::fs::read_to_string(world.path("platform/behaviours.json")).expect("a file");
    assert_eq!(
        text.split_whitespace().collect::<String>(),
        r#"{"push":"echo_arguments"}"#
    );
    world
        .platform
        .set_behaviour("push", Behaviour::Hang)
        .expect("set");
}

#[test]
fn links_make_the_clients_and_applications_are_listed() {
    let world = World::with_helion();
    let bin = run(&world, &["link", "platform"]).succeeded().stdout;
    run(&world, &["link", "platform"]).succeeded();
    std::fs::remove_file(world.path("helion")).expect("a link");
    std::fs::rename(format!("{}/helion", bin.trim_end()), world.path("helion")).expect("a link");
    world.push_by_helion("foo").succeeded();
    let list = run(&world, &["apps", "platform"]).succeeded().stdout;
    assert!(
        list.lines()
            .nth(1)
            .is_some_and(|line| line.starts_with("foo    api.example.com   demo/main ")),
        "{list}"
    );
}

#[test]
fn a_wrong_command_line_ends_with_2_and_shows_the_help() {
    let world = World::new();
    for arguments in [
        &[][..],
        &["dance"],
        &["init"],
        &["init", "x", "--user", "bob"],
        &["init", "x", "--password-stdin"],
        &["init", "x", "--space", "acme"],
        &["behave", "platform", "push", "dance"],
        &["behave", "platform", "push", "delay", "long"],
    ] {
        let ended = run(&world, arguments);
        assert_eq!(ended.code, Some(2), "{arguments:?}: {ended:?}");
        assert!(
            ended.stderr.contains("Usage: standin COMMAND"),
            "{arguments:?}: {ended:?}"
        );
    }
    assert!(
        Platform::open(world.path("x")).is_err(),
        "a refused command makes nothing"
    );
    run(&world, &["help"]).succeeded();
    run(&world, &["apps", "nowhere"]).refused(
        "",
        &format!(
            "Error: `{}` is not a platform folder\n",
            world.path("nowhere").display()
        ),
    );
}

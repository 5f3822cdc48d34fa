//! What a test can want of a command.

use std::io::{BufRead as _, BufReader};
use std::os::unix::process::ExitStatusExt as _;
use std::process::Stdio;

use standin::Behaviour;

use crate::world::{URL, World};

const NO_APP: &str =
    "NoAppDetectedError - An app was not successfully detected by any available buildpack\n";

#[test]
fn a_refused_push_leaves_its_logs_and_no_application() {
    let world = World::with_helion();
    world
        .platform
        .set_behaviour("push", Behaviour::staging_failure())
        .expect("set");
    world.push_by_helion("foo").refused(
        "Creating Application [foo] as [https://api.example.com -> demo -> main -> foo] ... OK\n\
         Uploading Application [foo] ...\n",
        NO_APP,
    );
    assert_eq!(world.platform.applications().expect("a list"), []);
    let logs = world
        .helion(&["logs", "--target", URL, "foo"])
        .succeeded()
        .stdout;
    assert!(logs.ends_with(&format!("foo[stager]: {NO_APP}")), "{logs}");

    world.platform.clear_behaviour("push").expect("cleared");
    world.push_by_helion("foo").succeeded();
}

#[test]
fn a_refused_push_keeps_the_version_that_runs() {
    let world = World::with_cf();
    world.push_by_cf("foo").succeeded();
    world.write("app/index.html", "new");
    world
        .platform
        .set_behaviour("push", Behaviour::staging_failure())
        .expect("set");
    let ended = world.push_by_cf("foo").failed();
    assert!(
        ended.stdout.ends_with(&format!("   {NO_APP}FAILED\n")),
        "{ended:?}"
    );
    assert_eq!(ended.stderr, NO_APP);
    let tree = world
        .platform
        .application_dir("foo")
        .expect("a list")
        .expect("an application");
    assert_eq!(
        std::fs::read_to_string(tree.join("index.html")).expect("a file"),
        "hello"
    );
}

#[test]
fn a_refusal_has_the_exit_code_it_is_given() {
    let world = World::with_helion();
    let refusal = Behaviour::Refuse {
        message: "the platform is closed".into(),
        code: 7,
    };
    world.platform.set_behaviour("list", refusal).expect("set");
    let ended = world.helion(&["list"]);
    assert_eq!(
        (ended.code, ended.stderr.as_str()),
        (Some(7), "the platform is closed\n")
    );
}

#[test]
fn a_hanging_command_blocks_until_a_signal_ends_it() {
    let world = World::with_helion();
    world
        .platform
        .set_behaviour("push", Behaviour::Hang)
        .expect("set");
    let mut command = world.command(
        "helion",
        &["push", "--as", "foo", "--path", "app", "--no-prompt"],
    );
    let mut child = command
        .stdout(Stdio::piped())
        .spawn()
        .expect("the program starts");
    let mut lines = BufReader::new(child.stdout.take().expect("a pipe")).lines();
    // The last line before the upload shows that the command has come to where it hangs.
    let uploading = lines
        .by_ref()
        .map(|line| line.expect("text"))
        .find(|line| line.starts_with("Uploading"));
    assert_eq!(
        uploading.as_deref(),
        Some("Uploading Application [foo] ...")
    );
    assert!(child.try_wait().expect("a child").is_none());
    child.kill().expect("killed");
    assert_eq!(child.wait().expect("ended").signal(), Some(9));
    assert!(lines.next().is_none());
    assert_eq!(world.platform.applications().expect("a list"), []);
}

#[test]
fn a_delayed_command_still_does_its_work() {
    let world = World::with_cf();
    world
        .platform
        .set_behaviour("push", Behaviour::Delay { milliseconds: 20 })
        .expect("set");
    let started = std::time::Instant::now();
    world.push_by_cf("foo").succeeded();
    assert!(started.elapsed() >= std::time::Duration::from_millis(20));
}

#[test]
fn filler_has_exactly_the_size_asked_for() {
    let world = World::with_helion();
    for bytes in [0, 1, 64, 100_001] {
        world
            .platform
            .set_behaviour("list", Behaviour::Output { bytes })
            .expect("set");
        let stdout = world.helion(&["list"]).succeeded().stdout;
        let filler = stdout
            .strip_suffix("No Applications\n")
            .expect("the usual work");
        assert_eq!(filler.len() as u64, bytes);
    }
}

#[test]
fn arguments_are_echoed_with_their_password() {
    let world = World::new();
    world
        .platform
        .set_behaviour("login", Behaviour::EchoArguments)
        .expect("set");
    let ended = world
        .helion(&["login", "ann", "--password", "s3cret", "--target", URL])
        .succeeded();
    assert!(
        ended.stdout.starts_with(&format!(
            "login ann --password s3cret --target {URL}\nAttempting"
        )),
        "{ended:?}"
    );
}

#[test]
fn a_command_that_fails_its_own_checks_fails_as_usual() {
    let world = World::new();
    world
        .platform
        .set_behaviour("list", Behaviour::Hang)
        .expect("set");
    let ended = world.helion(&["list", "--target", URL]).failed();
    assert!(ended.stderr.starts_with("Login Required"), "{ended:?}");
}

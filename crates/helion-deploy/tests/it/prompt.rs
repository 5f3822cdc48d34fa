//! The prompt for the password.

use std::process::Command;

use crate::terminal::{Streams, Terminal};
use crate::world::{ENDPOINT, PASSWORD, World, finish};

/// The program on a terminal that controls it, without a password in its environment.
#[expect(
    clippy::disallowed_methods,
    reason = "the test runs the program as a terminal's own shell would"
)]
fn start(world: &World, arguments: &[&str]) -> Terminal {
    let mut command = Command::new("/usr/bin/setsid");
    command.args(["-c", env!("CARGO_BIN_EXE_helion-deploy")]);
    command.args(arguments);
    world.surround(&mut command);
    command.env_remove("HELION_PASSWORD");
    Terminal::start(command, Streams::All, (60, 120))
}

const USER: [&str; 2] = ["--username", "ann"];

#[test]
fn a_signal_at_the_prompt_ends_the_program_and_gives_the_echo_back() {
    let world = World::with_package();
    let record = finish(world.deploy(&[])).code(0).json();
    let id = record["deploy_id"].as_str().unwrap();
    let deploy = ["deploy", "foo", "--endpoint", ENDPOINT];
    let redeploy = ["redeploy", id];
    for (command, typed) in [
        (&deploy[..], true),
        (&deploy, false),
        (&redeploy, true),
        (&redeploy, false),
    ] {
        let mut terminal = start(&world, &[command, &USER].concat());
        terminal.until_shown("Password of ann:");
        while terminal.is_echoing() {
            std::thread::yield_now();
        }
        if typed {
            terminal.send("\u{3}");
        } else {
            terminal.terminate();
        }
        terminal.until_shown("stopped by SIG");
        assert!(terminal.is_echoing());
        let (code, screen, _) = terminal.finish();
        assert_eq!(code, if typed { 130 } else { 143 }, "{screen}");
    }
    let list = world.run(&["--output", "json", "list"]).code(0).json();
    assert_eq!(list["deployments"].as_array().unwrap().len(), 1);
}

#[test]
fn a_terminal_that_would_show_the_password_is_not_read() {
    let world = World::with_package();
    let deploy = ["deploy", "foo", "--password-stdin", "--endpoint", ENDPOINT];
    let terminal = start(&world, &[&deploy[..], &USER].concat());
    let (code, screen, _) = terminal.finish();
    assert_eq!(code, 2, "{screen}");
    assert!(screen.contains("standard input is a terminal"), "{screen}");
    assert!(
        screen.contains("hint: without --password-stdin"),
        "{screen}"
    );
}

#[test]
fn what_is_typed_is_the_password_and_is_not_shown() {
    let world = World::with_package();
    let deploy = ["deploy", "foo", "--endpoint", ENDPOINT];
    let mut terminal = start(&world, &[&deploy[..], &USER].concat());
    terminal.until_shown("Password of ann:");
    while terminal.is_echoing() {
        std::thread::yield_now();
    }
    terminal.send(&format!("{PASSWORD}\n"));
    let (code, screen, sent) = terminal.finish();
    assert_eq!(code, 0, "{screen}");
    assert!(!sent.contains(PASSWORD), "{screen}");
}

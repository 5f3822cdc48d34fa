//! Command lines that are not understood.

use std::ffi::OsStr;
use std::fs::File;
use std::os::unix::ffi::OsStrExt as _;
use std::process::Stdio;

use crate::world::{World, finish};

#[test]
fn an_argument_that_is_not_utf_8_is_a_usage_error() {
    let world = World::new();
    for arguments in [&["list"][..], &["--output", "json", "list"]] {
        let mut list = world.command(arguments);
        list.arg(OsStr::from_bytes(b"\xff"));
        let refused = finish(list).code(2);
        assert!(refused.stderr.starts_with("error: "), "{refused:?}");
        if arguments.len() > 1 {
            assert_eq!(refused.json()["error"]["exit_code"], 2);
        }
    }
}

#[test]
fn in_json_the_message_says_what_is_wrong_and_the_hint_how_it_is_written() {
    let world = World::new();
    let error = |arguments: &[&str]| {
        let arguments = [&["--output", "json"], arguments].concat();
        world.run(&arguments).code(2).json()["error"].clone()
    };
    let unknown = error(&["list", "--colour"]);
    assert_eq!(unknown["message"], "unexpected argument '--colour' found");
    let hint = unknown["hint"].as_str().unwrap();
    assert!(hint.starts_with("Usage: helion-deploy list"), "{hint}");
    let missing = error(&["status"]);
    let message = missing["message"].as_str().unwrap();
    assert!(message.ends_with("not provided: <ID>"), "{message}");
    let choice = error(&["deploy", "foo", "--client", "ssh"]);
    let message = choice["message"].as_str().unwrap();
    assert!(message.starts_with("invalid value 'ssh' for"), "{message}");
    assert!(
        message.ends_with(" [possible values: helion, cf]"),
        "{message}"
    );
    let both = error(&["status", "--config"]);
    let message = both["message"].as_str().unwrap();
    assert!(!message.contains('\n'), "{message}");
    for nothing in [&[][..], &["packages"]] {
        let mut command = world.command(nothing);
        command.env("HELION_OUTPUT", "json");
        let missing = finish(command).code(2).json()["error"].clone();
        assert_eq!(missing["message"], "a command is missing");
        let hint = missing["hint"].as_str().unwrap();
        assert!(hint.starts_with("Usage: helion-deploy"), "{hint}");
    }
    let missing = error(&[]);
    assert_eq!(missing["message"], "a command is missing");
    let hint = missing["hint"].as_str().unwrap();
    assert!(hint.starts_with("Usage: helion-deploy"), "{hint}");
}

#[test]
fn help_that_cannot_be_written_is_a_failure() {
    let world = World::new();
    for help in [
        &["--help"][..],
        &["--version"],
        &["help"],
        &["deploy", "-h"],
        &["--output", "json", "--help"],
    ] {
        let mut full = world.command(help);
        full.stdout(File::options().write(true).open("/dev/full").unwrap())
            .stderr(Stdio::piped());
        let refused = full.spawn().unwrap().wait_with_output().unwrap();
        let told = String::from_utf8(refused.stderr).unwrap();
        assert_eq!(refused.status.code(), Some(1), "{help:?}: {told}");
        let expected = "error: failed to write to standard output: ";
        assert!(told.starts_with(expected), "{told}");

        // A reader that is gone has seen enough.
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let mut unread = world.command(help);
        unread.stdout(writer);
        assert!(unread.status().unwrap().success(), "{help:?}");
    }
}

#[test]
fn a_part_of_an_id_is_answered_with_where_the_whole_one_is() {
    let world = World::new();
    let after = ["list", "--after", "01a219eb"];
    let of = |command| [command, "01a219eb"];
    for arguments in [
        &of("status")[..],
        &of("logs"),
        &of("cancel"),
        &of("redeploy"),
        &after,
    ] {
        let refused = world.run(arguments).code(2).stderr;
        let told = "invalid value '01a219eb' for '";
        assert!(refused.starts_with(&format!("error: {told}")), "{refused}");
        assert!(
            refused.contains("a whole id is needed, and `helion-deploy list`"),
            "{refused}"
        );
    }
}

//! Commands that a signal ends in the middle leave nothing half done.

use std::io::{BufRead as _, BufReader, PipeReader, PipeWriter, Read as _, Write as _};
use std::net::TcpListener;
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::{Command, Stdio};

use rustix::process::{Pid, Signal, kill_process};

use crate::world::{Backend, Running, SUCCESS, World, finish, statuses};

/// The command with a store whose server takes connections and never answers.
fn with_silent_store(world: &World, server: &TcpListener, arguments: &[&str]) -> Command {
    let url = format!("http://{}/auth/v1.0", server.local_addr().unwrap());
    let mut command = world.command(&["--output", "json", "--store", "swift:packages"]);
    command
        .args(arguments)
        .env("ST_AUTH", url)
        .env("ST_USER", "account:user")
        .env("ST_KEY", "key");
    command
}

#[test]
fn while_the_store_is_silent_a_signal_is_heard() {
    let world = World::new();
    let archive = world.archive("foo");
    let server = TcpListener::bind("127.0.0.1:0").unwrap();
    let id = "0198c0de-0000-7000-8000-000000000000";
    let endpoint = ["--endpoint", "https://x.io", "--username", "ann"];
    let commands = [
        vec!["packages", "add", archive.as_str()],
        vec!["recover"],
        vec!["prune", "--keep", "1"],
        vec!["status", id, "--watch"],
        vec!["cancel", id],
        [&["plan", "foo"], &endpoint[..]].concat(),
    ];
    let signals = [(Signal::TERM, 143), (Signal::INT, 130), (Signal::HUP, 129)];
    for (number, arguments) in commands.iter().enumerate() {
        let (signal, code) = signals[number % signals.len()];
        let running = Running::start_any(with_silent_store(&world, &server, arguments));
        // It has asked, and waits.
        let (_connection, _) = server.accept().unwrap();
        running.signal(signal);
        let stopped = running.finish().code(code);
        let error = &stopped.json()["error"];
        assert_eq!(error["exit_code"], code, "{arguments:?}");
        assert!(stopped.stderr.contains("stopped by SIG"), "{stopped:?}");
        world.assert_nothing_left();
    }
}

#[test]
fn while_the_store_is_opened_a_signal_is_heard() {
    let world = World::with_package();
    let file = world.path("store").canonicalize().unwrap();
    let mut other = rusqlite::Connection::open(&file).unwrap();
    let behaviour = rusqlite::TransactionBehavior::Exclusive;
    let locked = other.transaction_with_behavior(behaviour).unwrap();
    let id = "0198c0de-0000-7000-8000-000000000000";
    for (arguments, signal, code) in [
        (
            &["deploy", "foo", "--endpoint", "https://x.io"][..],
            Signal::TERM,
            143,
        ),
        (&["redeploy", id], Signal::INT, 130),
    ] {
        let mut command = world.command(&["--output", "json"]);
        command.args(arguments).env("HELION_USERNAME", "ann");
        let mut running = Running::start_any(command);
        running.until_open(&file);
        running.signal(signal);
        let stopped = running.finish().code(code);
        assert_eq!(stopped.json()["error"]["exit_code"], code, "{arguments:?}");
    }
    drop(locked);
}

#[test]
fn while_nobody_reads_the_output_a_signal_ends_the_program() {
    let world = World::new();
    let text = "x".repeat(120_000);
    let manifest = format!(r#"{{"package": "big.tar.gz", "version": "1", "name": "{text}"}}"#);
    let archive = world.path("big.tar.gz");
    let inner = testkit::application("big", &[("a", b"a")]);
    let package = testkit::archive(&[
        ("big/manifest.json", manifest.as_bytes()),
        ("big/big.tar.gz", &inner),
    ]);
    std::fs::write(&archive, package).unwrap();
    let add = ["packages", "add", archive.to_str().unwrap()];
    world.run(&add).code(0);
    for format in ["text", "json"] {
        let show = ["--output", format, "packages", "show", "big"];
        let (reader, writer) = std::io::pipe().unwrap();
        let mut show = world.command(&show);
        let mut child = show.stdout(writer).spawn().unwrap();
        drop(show);
        // It writes more than a pipe takes, so it does not come to the end.
        while rustix::io::ioctl_fionread(&reader).unwrap() == 0 {
            std::thread::yield_now();
        }
        kill_process(Pid::from_child(&child), Signal::TERM).unwrap();
        assert_eq!(child.wait().unwrap().code(), Some(143));
    }
}

/// A pipe that takes nothing more, and whose reader reads nothing.
fn full_pipe() -> (PipeReader, PipeWriter) {
    let (reader, mut writer) = std::io::pipe().unwrap();
    rustix::io::ioctl_fionbio(&writer, true).unwrap();
    while writer.write(b"x").is_ok() {}
    rustix::io::ioctl_fionbio(&writer, false).unwrap();
    (reader, writer)
}

#[test]
fn while_nobody_reads_the_progress_a_deployment_goes_on_and_is_cancelled() {
    let world = World::with_package();
    world.behave("push", standin::Behaviour::Hang);
    let (_reader, writer) = full_pipe();
    let mut deploy = world.deploy(&[]);
    deploy.env("RUST_LOG", "info");
    deploy.stdout(Stdio::piped()).stderr(writer);
    let child = deploy.spawn().unwrap();
    let is_pushing = || {
        let list = world.run(&["--output", "json", "list"]).code(0).json();
        list["deployments"][0]["deploy_status"] == "LIST"
    };
    while !is_pushing() {}
    kill_process(Pid::from_child(&child), Signal::TERM).unwrap();
    let ended = child.wait_with_output().unwrap();
    assert_eq!(ended.status.code(), Some(1));
    let record = serde_json::from_slice(&ended.stdout).unwrap();
    assert!(statuses(&record).ends_with("LIST CANCELLED"), "{record}");
    world.assert_nothing_left();
}

#[test]
fn a_reader_that_comes_late_misses_nothing() {
    let (reader, writer) = full_pipe();
    misses_nothing(reader, writer);
    let (reader, writer) = full_pipe();
    // Whoever shares the pipe may have made it so.
    rustix::io::ioctl_fionbio(&writer, true).unwrap();
    misses_nothing(reader, writer);
}

fn misses_nothing(mut reader: PipeReader, writer: PipeWriter) {
    let world = World::with_package();
    let mut deploy = world.deploy(&[]);
    let mut child = deploy.stdout(Stdio::null()).stderr(writer).spawn().unwrap();
    drop(deploy);
    // The deployment does not wait for the reader; the program does.
    let is_over = || {
        let list = world.run(&["--output", "json", "list"]).code(0).json();
        list["deployments"][0]["deploy_status"] == "SUCCESS"
    };
    while !is_over() {}
    let mut read = String::new();
    reader.read_to_string(&mut read).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(0));
    let read = read.trim_start_matches('x');
    let told = read.lines().filter(|line| line.starts_with("ok"));
    let told: Vec<_> = told
        .map(|line| line.split_whitespace().nth(2).unwrap())
        .collect();
    let expected = SUCCESS.replace("NEWLIST DIR", "NEWLIST LOGOUT DIR");
    assert_eq!(told.join(" "), expected, "{read}");
}

#[test]
fn while_nobody_reads_the_last_words_a_signal_ends_the_program() {
    let world = World::with_package();
    // It is more than a pipe takes.
    let archive = format!("/{}", "x".repeat(100_000));
    for format in ["text", "json"] {
        let (reader, writer) = std::io::pipe().unwrap();
        let mut add = world.command(&["--output", format, "packages", "add", &archive]);
        let mut child = add.stderr(writer).spawn().unwrap();
        drop(add);
        while rustix::io::ioctl_fionread(&reader).unwrap() == 0 {
            std::thread::yield_now();
        }
        kill_process(Pid::from_child(&child), Signal::TERM).unwrap();
        assert_eq!(child.wait().unwrap().code(), Some(143), "{format}");
    }
}

#[test]
fn while_nobody_reads_a_hint_a_signal_ends_the_program() {
    let world = World::with_package();
    for _ in 0..2 {
        finish(world.deploy(&[])).code(0);
    }
    let (_reader, writer) = full_pipe();
    let mut list = world.command(&["list", "--limit", "1"]);
    let mut child = list.stdout(Stdio::piped()).stderr(writer).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    lines.find(|line| line.as_ref().unwrap().contains("SUCCESS"));
    kill_process(Pid::from_child(&child), Signal::TERM).unwrap();
    let status = child.wait().unwrap();
    assert_eq!(status.signal(), Some(Signal::TERM.as_raw()), "{status:?}");
}

/// All files below `folder`.
fn files(folder: &Path) -> Vec<String> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            found.push(path.display().to_string());
        }
    }
    found.sort();
    found
}

/// A package that takes the program a while to save.
fn big_package() -> Vec<u8> {
    let manifest = r#"{"package": "big.tar.gz", "version": "1"}"#;
    let tree = testkit::Tar::new().file("big/zeros", vec![0; 64 << 20]);
    let application = testkit::stored_gzip(&tree.ended());
    let package = testkit::Tar::new()
        .file("big/manifest.json", manifest)
        .file("big/big.tar.gz", application);
    testkit::stored_gzip(&package.ended())
}

#[test]
fn a_package_is_added_as_a_whole_or_not_at_all() {
    let world = World::on(Backend::Fs);
    world.run(&["packages", "list"]).code(0);
    let store = world.path("store");
    let before = files(&store);
    let archive = world.path("big.tar.gz");
    std::fs::write(&archive, big_package()).unwrap();
    let add = ["packages", "add", archive.to_str().unwrap()];
    let running = Running::start_any(world.command(&add));
    // The first bytes are in the store's folder of unfinished files.
    while files(&store) == before {
        std::thread::yield_now();
    }
    // The signal finds the program in the middle, however late it comes.
    running.signal(Signal::STOP);
    running.signal(Signal::TERM);
    running.signal(Signal::CONT);
    running.finish().code(143);
    assert_eq!(files(&store), before);
    world.assert_nothing_left();
    world.run(&add).code(0);
}

#[test]
fn what_the_program_was_started_to_ignore_stays_ignored() {
    let world = World::with_package();
    world.behave("push", standin::Behaviour::Hang);
    let deploy = world.deploy(&[]);
    // As `nohup` and the `&` of a shell without job control do.
    let mut ignoring = world.shell("trap '' HUP INT; exec \"$@\"");
    ignoring
        .arg("sh")
        .arg(deploy.get_program())
        .args(deploy.get_args());
    let mut running = Running::start(ignoring);
    running.until("  LIST");
    running.signal(Signal::HUP);
    running.signal(Signal::INT);
    running.signal(Signal::TERM);
    let ended = running.finish().code(1);
    assert!(statuses(&ended.json()).ends_with("LIST CANCELLED"));
    // Nor did one of them count as the first.
    assert!(!ended.stderr.contains("stopping at once"), "{ended:?}");
}

#[test]
fn who_watches_or_cancels_can_go_and_the_deployment_ends_all_the_same() {
    let world = World::with_package();
    world.behave("push", standin::Behaviour::Hang);
    let mut running = Running::start(world.deploy(&[]));
    running.until("  LIST");
    let mut watching = Running::start_any(world.command(&["status", &running.id, "--watch"]));
    watching.until("~ LIST");
    watching.signal(Signal::INT);
    watching.finish().code(130);
    let status = world.run(&["--output", "json", "status", &running.id]);
    assert_eq!(status.code(0).json()["deploy_status"], "LIST");

    let mut cancelling = Running::start_any(world.command(&["cancel", &running.id]));
    cancelling.until("~ LIST");
    cancelling.signal(Signal::TERM);
    let stopped = cancelling.finish();
    // It may have seen the end before the signal came.
    assert!([0, 143].contains(&stopped.code), "{stopped:?}");
    let record = running.finish().code(1).json();
    assert!(statuses(&record).ends_with("LIST CANCELLED"), "{record}");
    world.assert_nothing_left();
    finish(world.command(&["recover"])).code(0);
}

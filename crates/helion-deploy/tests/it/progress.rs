//! What `deploy` and `status --watch` show on a terminal, and elsewhere.

use std::process::Command;

use standin::Behaviour;

use crate::terminal::{Streams, Terminal};
use crate::world::{ENDPOINT, Running, SUCCESS, World, finish};

/// A client whose push prints seven lines and waits for the file `go`, and then ends with `code`.
fn talk_at_the_push(world: &World, code: u8) {
    let (go, client) = (world.path("go"), world.path("client/helion"));
    let script = format!(
        "#!/bin/sh\nPATH=/usr/bin:/bin\n\
         [ \"$1\" = push ] || exec {client} \"$@\"\n\
         for number in 1 2 3 4 5 6 7; do echo \"line $number of a push\"; done\n\
         while [ ! -e {go} ]; do sleep 0.01; done\n\
         exit {code}\n",
        go = go.display(),
        client = client.display(),
    );
    world.replace_client(&script);
}

fn go_on(world: &World) {
    std::fs::write(world.path("go"), "").unwrap();
}

fn on_xterm(mut command: Command) -> Command {
    command.env("TERM", "xterm");
    command
}

/// Whether the push runs, and all that it has printed is on the screen.
fn is_pushing(screen: &str) -> bool {
    screen.contains("running") && screen.contains("line 7 of a push")
}

/// The lines of the screen from the one with `first` on.
fn from<'a>(screen: &'a str, first: &str) -> Vec<&'a str> {
    let lines = screen.lines().map(str::trim_end);
    lines.skip_while(|line| !line.contains(first)).collect()
}

#[test]
fn what_runs_stands_below_what_has_ended_and_vanishes_with_it() {
    let world = World::with_package();
    talk_at_the_push(&world, 0);
    let mut terminal = Terminal::start(on_xterm(world.deploy(&[])), Streams::Error, (40, 120));
    let screen = terminal.until(is_pushing);
    let end = from(&screen, "running");
    let [command, tail @ ..] = end.as_slice() else {
        panic!("{screen}")
    };
    assert!(command.contains("DEPLOYED     helion push"), "{command}");
    let last: Vec<_> = tail.iter().map(|line| line.trim()).collect();
    let expected: Vec<_> = (3..=7).map(|n| format!("line {n} of a push")).collect();
    assert_eq!(last, expected);

    go_on(&world);
    let (code, screen, sent) = terminal.finish();
    assert_eq!(code, 0, "{screen}");
    let marks = screen.lines().skip(1).map(|line| line.split_whitespace());
    let marks: Vec<_> = marks
        .map(|mut words| (words.next(), words.nth(1)))
        .collect();
    let expected: Vec<_> = SUCCESS
        .replace("NEWLIST DIR", "NEWLIST LOGOUT DIR")
        .split_whitespace()
        .map(|status| (Some("ok"), Some(status.to_owned())))
        .collect();
    let marks: Vec<_> = marks
        .into_iter()
        .map(|(mark, status)| (mark, status.map(str::to_owned)))
        .collect();
    assert_eq!(marks, expected, "{screen}");
    // How much was read, and how fast.
    assert!(screen.contains("unpack the package foo  ("), "{screen}");
    assert!(sent.contains("\u{1b}[32mok"), "{sent}");
}

#[test]
fn of_a_command_that_failed_the_last_lines_stay() {
    let world = World::with_package();
    talk_at_the_push(&world, 9);
    let mut terminal = Terminal::start(on_xterm(world.deploy(&[])), Streams::Error, (60, 120));
    terminal.until(is_pushing);
    go_on(&world);
    let (code, screen, _) = terminal.finish();
    assert_eq!(code, 1, "{screen}");
    let lines = from(&screen, "failed");
    assert!(lines[0].contains("DEPLOYED"), "{screen}");
    let tail: Vec<_> = lines[1..6].iter().map(|line| line.trim()).collect();
    let expected: Vec<_> = (3..=7).map(|n| format!("line {n} of a push")).collect();
    assert_eq!(tail, expected, "{screen}");
    assert!(!screen.contains("running"), "{screen}");
    assert!(screen.contains("hint: `helion-deploy logs "), "{screen}");
}

#[test]
fn the_log_stands_among_the_lines_that_stay() {
    let world = World::with_package();
    talk_at_the_push(&world, 0);
    let mut deploy = on_xterm(world.deploy(&[]));
    deploy.env("RUST_LOG", "deployment=info");
    let mut terminal = Terminal::start(deploy, Streams::Error, (120, 100));
    terminal.until(is_pushing);
    go_on(&world);
    let (code, screen, _) = terminal.finish();
    assert_eq!(code, 0, "{screen}");
    assert!(!screen.contains("running"), "{screen}");
    assert!(!screen.contains("line 7"), "{screen}");
    for status in ["TARGET", "LOGIN", "LIST", "DEPLOYED", "NEWLIST"] {
        let told = format!("status=\"{status}\"");
        assert_eq!(screen.matches(&told).count(), 1, "{status}\n{screen}");
        let lines = screen.lines().filter(|line| line.starts_with("ok"));
        let lines = lines.filter(|line| line.split_whitespace().nth(2) == Some(status));
        assert_eq!(lines.count(), 1, "{status}\n{screen}");
    }
}

#[test]
fn a_terminal_that_is_narrow_or_changes_its_size_shows_no_leftovers() {
    let world = World::with_package();
    talk_at_the_push(&world, 0);
    let mut terminal = Terminal::start(on_xterm(world.deploy(&[])), Streams::Error, (30, 34));
    let screen = terminal.until(is_pushing);
    // What stays is wrapped, what is drawn is cut.
    let drawn = from(&screen, "running");
    assert!(drawn.iter().all(|line| line.chars().count() <= 34));
    for size in [(30, 60), (8, 24), (3, 30), (30, 100)] {
        terminal.resize(size);
        // The time of what runs goes on with every drawing.
        let before = terminal.until(|screen| screen.contains("line 7"));
        terminal.until(|screen| screen != before && screen.contains("line 7"));
    }
    go_on(&world);
    let (code, screen, _) = terminal.finish();
    assert_eq!(code, 0, "{screen}");
    assert!(!screen.contains("running"), "{screen}");
    assert!(!screen.contains("line 7"), "{screen}");
    let last = screen.lines().last().unwrap();
    assert!(last.contains("SUCCESS"), "{screen}");
}

#[test]
fn colours_are_the_users_to_refuse() {
    let world = World::with_package();
    let sent = |variables: &[(&str, &str)]| {
        let mut command = on_xterm(world.deploy(&[]));
        command.envs(variables.iter().copied());
        let (code, _, sent) = Terminal::start(command, Streams::Error, (40, 120)).finish();
        assert_eq!(code, 0, "{sent}");
        sent
    };
    let green = "\u{1b}[32m";
    assert!(sent(&[]).contains(green));
    assert!(sent(&[("NO_COLOR", "")]).contains(green));
    assert!(!sent(&[("NO_COLOR", "0")]).contains("\u{1b}[32m"));
    // These cannot even move their cursors.
    for term in ["dumb", ""] {
        let dumb = sent(&[("TERM", term)]);
        assert!(!dumb.contains('\u{1b}'), "{dumb:?}");
        assert!(dumb.contains("ok"), "{dumb:?}");
    }
    let deploy = world.deploy(&[]);
    let (_, _, sent) = Terminal::start(deploy, Streams::Error, (40, 120)).finish();
    assert!(!sent.contains('\u{1b}'), "{sent:?}");
}

#[test]
fn lines_that_stay_are_not_cut() {
    let world = World::with_package();
    let deploy = on_xterm(world.deploy(&[]));
    let terminal = Terminal::start(deploy, Streams::Error, (60, 40));
    let (code, screen, sent) = terminal.finish();
    assert_eq!(code, 0, "{screen}");
    let list = world.run(&["--output", "json", "list"]).code(0).json();
    let id = list["deployments"][0]["deploy_id"].as_str().unwrap();
    assert!(sent.contains(&format!("deployment {id}\r\n")), "{screen}");
}

#[test]
fn without_a_terminal_there_are_plain_lines() {
    let world = World::with_package();
    world.behave("push", Behaviour::refuse("no space left\u{1b}[2J"));
    let stderr = finish(world.deploy(&[])).code(1).stderr;
    assert!(
        !stderr.chars().any(|c| c.is_control() && c != '\n'),
        "{stderr:?}"
    );
    // Without the id, the times, and what depends on them.
    let mut lines = stderr.lines();
    let first = lines.next().unwrap();
    assert!(first.starts_with("deployment "), "{first}");
    let id = first.trim_start_matches("deployment ");
    let temp = world.path("temp");
    let shown: Vec<_> = lines
        .map(|line| {
            let line = line
                .replace(id, "ID")
                .replace(temp.to_str().unwrap(), "TEMP");
            let has_time = line.len() > 16 && line.as_bytes()[15] == b's';
            let line = if has_time {
                format!("{}  0.00s{}", &line[..9], &line[16..])
            } else {
                line
            };
            match line.split_once("unpack the package foo") {
                Some((before, _)) => format!("{before}unpack the package foo"),
                None => line,
            }
        })
        .collect();
    assert_eq!(shown.join("\n"), PLAIN, "{stderr}");
}

/// A deployment whose push is refused, as a log keeps it.
const PLAIN: &str = "\
ok         0.00s  INIT         the deployment is recorded
ok         0.00s  DOWNLOADING  find the package in the store
ok         0.00s  STARTED      begin the work
ok         0.00s  PREVIEW      open the package foo
ok         0.00s  UNPACK       unpack the package foo
ok         0.00s  EXTRACT      unpack the application foo
ok         0.00s  DIR          list the application foo
ok         0.00s  TARGET       helion target https://api.example.com
ok         0.00s  LOGIN        helion login ann --credentials 'username: ann' --password *** --target https://api.example.com
ok         0.00s  REMOVED      helion delete --target https://api.example.com -n foo  (exit code 1, accepted)
ok         0.00s  LIST         helion list --target https://api.example.com
failed     0.00s  DEPLOYED     exit code 1: helion push --target https://api.example.com --as foo --path TEMP/helion-deploy-ID/foo --no-prompt
           Creating Application [foo] as [https://api.example.com -> demo -> main -> foo] ... OK
           Uploading Application [foo] ...
           no space left
ok         0.00s  LOGS         helion logs --target https://api.example.com --num 100 foo
ok         0.00s  LOGOUT       helion logout
failed     0.00s  FAILED       in all
error: the deployment ended FAILED at DEPLOYED: exit code 1
hint: `helion-deploy logs ID` shows what its commands printed";

#[test]
fn a_watched_deployment_is_drawn_and_ends_with_its_record() {
    let world = World::with_package();
    talk_at_the_push(&world, 0);
    let mut running = Running::start(world.deploy(&[]));
    running.until("  LIST");
    let watch = on_xterm(world.command(&["status", &running.id, "--watch"]));
    let mut terminal = Terminal::start(watch, Streams::Both, (50, 120));
    let screen = terminal.until_shown("since LIST");
    assert!(screen.contains("ok"), "{screen}");
    assert!(screen.contains("TARGET       helion target"), "{screen}");
    go_on(&world);
    let record = running.finish().code(0).json();
    let (code, screen, _) = terminal.finish();
    assert_eq!(code, 0, "{screen}");
    assert!(!screen.contains("running"), "{screen}");
    assert!(screen.contains("status       SUCCESS"), "{screen}");
    assert!(screen.starts_with("deployment   "), "{screen}");
    assert!(screen.contains(record["deploy_id"].as_str().unwrap()));
}

#[test]
fn what_did_not_run_here_is_told_with_its_history() {
    let world = World::with_package();
    let text = &["deploy", "foo", "--endpoint", ENDPOINT, "--username", "ann"];
    let deploy = [&text[..], &["--idempotency-key", "k"]].concat();
    let size = (60, 120);
    let shown = || {
        let deploy = on_xterm(world.command(&deploy));
        let (code, screen, _) = Terminal::start(deploy, Streams::Both, size).finish();
        assert_eq!(code, 0, "{screen}");
        screen
    };
    let here = shown();
    assert!(here.contains("DEPLOYED  "), "{here}");
    assert!(!here.contains("~ INIT"), "{here}");
    let elsewhere = shown();
    assert!(elsewhere.contains("history"), "{elsewhere}");
    assert!(elsewhere.contains("~ INIT"), "{elsewhere}");
}

#[test]
fn without_a_terminal_a_watch_tells_each_status_once() {
    let world = World::with_package();
    talk_at_the_push(&world, 0);
    let mut running = Running::start(world.deploy(&[]));
    running.until("  LIST");
    let watch = world.command(&["--output", "json", "status", &running.id, "--watch"]);
    let mut watching = Running::start_any(watch);
    watching.until("~ LIST");
    go_on(&world);
    let record = running.finish().code(0).json();
    let watched = watching.finish().code(0);
    assert_eq!(watched.json(), record);
    let history = record["history"].as_array().unwrap();
    let told: Vec<_> = watched.stderr.lines().collect();
    assert_eq!(
        told,
        history
            .iter()
            .map(|l| l.as_str().unwrap())
            .collect::<Vec<_>>()
    );
}

//! `demo`.

use rustix::process::Signal;

use crate::terminal::{Streams, Terminal};
use crate::world::{Running, SUCCESS, World, statuses};

#[test]
fn it_ends_in_success_and_names_the_folder_with_the_pushed_files() {
    let world = World::new();
    let demo = world.run(&["--output", "json", "demo"]).code(0);
    let record = demo.json();
    assert_eq!(statuses(&record), SUCCESS);
    assert_eq!(record["destination"], "https://hello-demo.demo.example");

    let platform = standin::Platform::open(record["platform_folder"].as_str().unwrap()).unwrap();
    let application = platform.application_dir("hello-demo").unwrap().unwrap();
    let page = std::fs::read_to_string(application.join("index.html")).unwrap();
    assert!(page.contains("Hello"), "{page}");

    // Only the folder that the demo names stays, with nothing of the deployment in it.
    let folder = std::path::Path::new(record["demo_folder"].as_str().unwrap());
    assert_eq!(std::fs::read_dir(folder.join("temp")).unwrap().count(), 0);
    assert_eq!(std::fs::read_dir(world.path("temp")).unwrap().count(), 1);
}

#[test]
fn a_signal_at_its_beginning_leaves_no_folder_that_is_not_named() {
    let world = World::new();
    let temp = world.path("temp");
    let folders = || -> Vec<_> {
        let entries = std::fs::read_dir(&temp).unwrap();
        entries.map(|entry| entry.unwrap().path()).collect()
    };
    let running = Running::start_any(world.command(&["--output", "json", "demo"]));
    while folders().is_empty() {
        std::thread::yield_now();
    }
    // The signal finds the program in the middle, however late it comes.
    running.signal(Signal::STOP);
    running.signal(Signal::TERM);
    running.signal(Signal::CONT);
    let stopped = running.finish();
    match folders().as_slice() {
        [] => {
            let stopped = stopped.code(143);
            assert_eq!(stopped.json()["error"]["exit_code"], 143);
        }
        [folder] => {
            let folder = folder.to_str().unwrap();
            assert!(stopped.stderr.contains(folder), "{stopped:?}");
            let is_over = statuses(&stopped.json()).ends_with("SUCCESS");
            let (code, end) = if is_over {
                (0, "SUCCESS")
            } else {
                (1, "CANCELLED")
            };
            assert!(statuses(&stopped.code(code).json()).ends_with(end));
        }
        more => panic!("{more:?}"),
    }
}

#[test]
fn as_text_it_shows_the_history_and_the_way_on() {
    let demo = World::new().run(&["demo"]).code(0);
    for word in SUCCESS.split_whitespace() {
        assert!(
            demo.stdout.contains(&format!("~ {word}")),
            "{word}: {}",
            demo.stdout
        );
        assert!(demo.stderr.contains(word), "{word}: {}", demo.stderr);
    }
    assert!(demo.stdout.contains("logs"), "{}", demo.stdout);
}

#[test]
fn a_terminal_that_was_shown_each_step_is_not_told_them_again() {
    let world = World::new();
    let mut demo = world.command(&["demo"]);
    demo.env("TERM", "xterm");
    let (code, screen, _) = Terminal::start(demo, Streams::Both, (60, 120)).finish();
    assert_eq!(code, 0, "{screen}");
    assert!(
        screen.contains("ok") && screen.contains("DEPLOYED  "),
        "{screen}"
    );
    assert!(!screen.contains("~ INIT"), "{screen}");
    assert!(screen.contains("Clean up:"), "{screen}");
}

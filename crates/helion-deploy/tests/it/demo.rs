//! `demo`.

use crate::terminal::{Streams, Terminal};
use crate::world::{SUCCESS, World, statuses};

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

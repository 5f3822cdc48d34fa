//! Secrets stay where they belong.

use std::sync::Arc;

use batch::{
    Batch, BatchProcess, CaptureLimits, Command, ICommandRunner as _, LiveOutput, Redactor,
    RunOptions, Secret, Status, Step, StepReport,
};
use tokio_util::sync::CancellationToken;

use crate::children::{run, runner, sh};

const SECRET: &str = "hunter2 is 'quoted'";

fn command(script: &str) -> Command {
    sh(script)
        .arg("sh")
        .secret_arg(Secret::new(SECRET))
        .secret_env("PASSWORD", Secret::new(SECRET))
}

#[track_caller]
fn check(shown: &str) {
    assert!(!shown.contains("hunter2"), "{shown}");
}

#[tokio::test]
async fn no_value_shows_a_secret() {
    let careless = command("exit 0").arg(format!("--password={SECRET}"));
    let step = Step::new(Status::STARTED, careless.clone()).describe("a step");
    let mut batch = Batch::new("/").unwrap();
    batch.add(step.clone());
    check(&format!("{careless} {careless:?} {step:?} {batch:?}"));
    check(&format!("{} {:?}", batch.plan(), batch.plan()));
    assert_eq!(batch.plan().to_string().matches("***").count(), 3);
    for argument in command("exit 0").arguments() {
        check(&format!("{argument} {argument:?}"));
    }
    let options = RunOptions::new("/").with_redactor(Arc::new(Redactor::new(batch.secrets())));
    check(&format!("{options:?}"));
    let report = run(&careless).await;
    check(&format!("{report:?}"));
    check(&format!(
        "{:?}",
        StepReport::new(Status::STARTED, "x", report.outcome)
    ));
    let runner: Arc<dyn batch::ICommandRunner> = Arc::new(runner());
    check(&format!("{:?}", BatchProcess::new(batch, runner)));
}

/// A secret of one step stands in the plain text of others, and in the directory.
#[test]
fn no_step_shows_the_secret_of_another() {
    let mut batch = Batch::new("/srv/hunter2").unwrap();
    let login = Command::new("login").secret_env("PASSWORD", Secret::new("hunter2"));
    let show = Command::new("show-hunter2")
        .arg("--password=hunter2")
        .env("OF_hunter2", "is hunter2")
        .current_dir("of/hunter2");
    batch
        .add(Step::new(Status::STARTED, login.clone()).describe("log in with hunter2"))
        .add(Step::new(Status::SUCCESS, show).describe("show hunter2"));
    check(&format!("{batch:?} {batch:#?} {:?}", batch.plan()));
    let step = Step::new(Status::STARTED, login).describe("log in with hunter2");
    check(&format!("{step:?} {step:#?}"));
    assert!(format!("{step:?}").contains("log in with ***"), "{step:?}");
    assert!(format!("{batch:?}").contains("/srv/***"), "{batch:?}");
    let runner: Arc<dyn batch::ICommandRunner> = Arc::new(runner());
    check(&format!("{:?}", BatchProcess::new(batch, runner)));
}

#[tokio::test]
async fn failures_to_start_show_no_secret() {
    for command in [
        Command::new(format!("/{SECRET}/program")),
        Command::new(SECRET),
        Command::new("sh").current_dir(format!("/{SECRET}")),
        Command::new("sh").arg(Secret::new(format!("{SECRET}\0"))),
        Command::new("sh").secret_env(format!("A=\n{SECRET}"), Secret::new("x")),
    ] {
        let command = command.secret_env("PASSWORD", Secret::new(SECRET));
        let report = run(&command).await;
        check(&format!(
            "{report:?} {} {command} {command:?}",
            report.outcome
        ));
    }
}

#[tokio::test]
async fn output_shows_no_secret() {
    let script = r#"
        echo "$1"; printf '%s' "$PASSWORD" >&2; echo
        printf 'hunter2 is '; sleep 0.1; printf "'quoted'\n"
        printf 'user:%s' "$PASSWORD" | base64
        printf 'hunter2'
    "#;
    let (live, mut receiver) = LiveOutput::channel(100);
    let (options, cancel) = (RunOptions::new("/"), CancellationToken::new());
    let report = runner()
        .run(&command(script), &options, &live, &cancel)
        .await;
    drop(live);
    let mut seen = Vec::new();
    while let Some(bytes) = receiver.recv().await {
        seen.extend_from_slice(&bytes);
    }
    let text = report.output.to_text();
    assert_eq!(String::from_utf8(seen).unwrap(), text);
    // The last is only the beginning of the secret.
    assert_eq!(text, "***\n***\n***\ndXNlcjp***\nhunter2");
}

#[tokio::test]
async fn no_part_of_a_secret_is_left_where_output_is_cut() {
    let options = RunOptions::new("/").with_capture(CaptureLimits::new(5, 5));
    let (live, cancel) = (LiveOutput::none(), CancellationToken::new());
    let script = r#"printf 'abc%s%sxyz' "$1" "$(printf '%0100d' 0)$1""#;
    let report = runner()
        .run(&command(script), &options, &live, &cancel)
        .await;
    assert_eq!(&report.output.head[..], b"abc**");
    assert_eq!(&report.output.tail[..], b"**xyz");
    assert_eq!(report.output.total, 112);
}

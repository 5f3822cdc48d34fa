//! Ending what a program that died left running.

use batch::{ICommandRunner as _, LiveOutput, RunOptions, StepOutcome};
use tokio_util::sync::CancellationToken;

use crate::children::{Marked, runner, until_up};

/// A child, one in its group, and one in a session of its own; each says that it is up.
const SCRIPT: &str = "sh -c 'echo up; sleep 1000; :' & setsid sh -c 'echo up; sleep 1000; :' & \
                      echo up; wait";

#[tokio::test]
async fn all_that_inherited_the_variable_are_killed_and_no_others() {
    let (marked, other) = (Marked::new(), Marked::new());
    let (runner, options) = (runner(), RunOptions::new("/"));
    let (one, two) = (marked.sh(SCRIPT), other.sh(SCRIPT));
    let cancel = CancellationToken::new();
    let (live_one, mut up_one) = LiveOutput::channel(64);
    let (live_two, mut up_two) = LiveOutput::channel(64);
    let run_one = runner.run(&one, &options, &live_one, &cancel);
    let run_two = runner.run(&two, &options, &live_two, &cancel);
    let kill = async {
        until_up(&mut up_one, 3).await;
        until_up(&mut up_two, 3).await;
        let (name, value) = &one.environment()[0];
        assert!(batch::kill_processes_with(name, value.expose()));
        assert_eq!(marked.survivors(), []);
        assert!(other.survivors().len() >= 3);
        let (name, value) = &two.environment()[0];
        assert!(batch::kill_processes_with(name, value.expose()));
        assert_eq!(other.survivors(), []);
    };
    let (one, two, ()) = tokio::join!(run_one, run_two, kill);
    for report in [one, two] {
        let killed = matches!(report.outcome, StepOutcome::Signaled { signal: 9, .. });
        assert!(killed, "{:?}", report.outcome);
    }
}

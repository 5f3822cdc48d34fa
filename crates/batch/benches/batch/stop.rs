//! How soon commands are gone.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use batch::{
    Command, ICommandRunner as _, LiveOutput, LocalRunner, LocalRunnerOptions, RunOptions,
    StepOutcome,
};
use tokio_util::sync::CancellationToken;

use crate::row::{Row, median, quantile};
use crate::{Size, runtime};

const TIMEOUT: Duration = Duration::from_millis(500);

/// Three processes, each of which prints its number once it is there.
const TREE: &str = r#"echo $$; sh -c 'echo $$; sh -c "echo \$\$; exec sleep 1000" & wait' & wait"#;

pub(crate) fn rows(size: &Size) -> Result<Vec<Row>> {
    let runtime = runtime()?;
    let mut overshoots = Vec::new();
    for _ in 0..size.rounds {
        overshoots.push(runtime.block_on(overshoot(size.late))?);
    }
    let mut kills = Vec::new();
    for _ in 0..size.trees {
        kills.push(runtime.block_on(runtime.spawn(kill_tree()))??);
    }
    Ok(vec![
        Row::absolute(
            "p99 overshoot of a timeout, 200 at once",
            "ms",
            50.0,
            &overshoots,
        ),
        Row::absolute(
            "p50 until a killed tree of three is gone",
            "ms",
            10.0,
            &[median(kills.into_iter())],
        ),
    ])
}

/// The 99th percentile of how much longer than they may commands take, in milliseconds.
async fn overshoot(commands: usize) -> Result<f64> {
    let runner = Arc::new(LocalRunner::new(LocalRunnerOptions::default()));
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..commands {
        let runner = Arc::clone(&runner);
        tasks.spawn(async move {
            let options = RunOptions::new("/").with_timeout(Some(TIMEOUT));
            let command = Command::new("sleep").arg("1000");
            let cancel = CancellationToken::new();
            runner
                .run(&command, &options, &LiveOutput::none(), &cancel)
                .await
        });
    }
    let mut overshoots = Vec::new();
    while let Some(report) = tasks.join_next().await {
        let report = report?;
        let is_late = matches!(report.outcome, StepOutcome::TimedOut { .. });
        ensure!(is_late, "{:?}", report.outcome);
        overshoots.push(report.took.saturating_sub(TIMEOUT).as_secs_f64() * 1e3);
    }
    Ok(quantile(overshoots.into_iter(), 0.99))
}

/// How long it takes from a forced cancel until the run is over, in milliseconds; nothing of the
/// tree is there then.
async fn kill_tree() -> Result<f64> {
    let runner = LocalRunner::new(LocalRunnerOptions::default());
    let command = Command::new("sh").args(["-c", TREE]);
    let (cancel, force) = (CancellationToken::new(), CancellationToken::new());
    let options = RunOptions::new("/").with_force(force.clone());
    let (live, mut receiver) = LiveOutput::channel(10);
    let kill = async {
        let mut printed = String::new();
        while printed.lines().count() < 3 || !printed.ends_with('\n') {
            let piece = receiver.recv().await.context("the tree ended")?;
            printed.push_str(&String::from_utf8_lossy(&piece));
        }
        force.cancel();
        let pids = printed
            .lines()
            .map(str::parse)
            .collect::<Result<Vec<i32>, _>>()?;
        anyhow::Ok((Instant::now(), pids))
    };
    let run = async {
        let report = runner.run(&command, &options, &live, &cancel).await;
        (Instant::now(), report)
    };
    let ((over, report), killed) = tokio::join!(run, kill);
    let (killed, pids) = killed?;
    ensure!(report.outcome == StepOutcome::Cancelled, "{report:?}");
    for pid in pids {
        ensure!(!runs(pid), "{pid} still runs");
    }
    Ok((over - killed).as_secs_f64() * 1e3)
}

/// Whether a process runs; one that only waits to be reaped by the system does not.
fn runs(pid: i32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat"));
    stat.is_ok_and(|stat| {
        !stat
            .rsplit(')')
            .next()
            .is_some_and(|fields| fields.starts_with(" Z"))
    })
}

//! A thousand batches at once.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use async_trait::async_trait;
use batch::{
    Batch, BatchProcess, Command, ICommandRunner, IProcess as _, IProgress, LiveEvent, LocalRunner,
    Milestone, ReportError, Status, Step,
};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use crate::row::{Row, quantile};
use crate::{Size, floor, runtime, scenario, usage};

const PROGRAM: &str = "/bin/true";
const STEPS: usize = 10;
const BARE_THREADS: usize = 4;
const BEAT: Duration = Duration::from_millis(5);

pub(crate) fn rows(size: &Size) -> Result<Vec<Row>> {
    let (mut times, mut stalls, mut memory) = (Vec::new(), Vec::new(), Vec::new());
    // They take seconds each.
    for _ in 0..size.rounds.div_ceil(2) {
        let bare = bare(size.batches * STEPS)?;
        let measured = scenario::stage("many", size.batches, &[])?;
        times.push((scenario::number(&measured, "seconds")?, bare));
        stalls.push(scenario::number(&measured, "stall_ms")?);
        memory.push(scenario::number(&measured, "memory_mb")?);
    }
    Ok(vec![
        Row::ratio("1,000 x 10 of /bin/true to 4 bare threads", 1.45, &times),
        Row::absolute("  p99 stall of a 5 ms timer meanwhile", "ms", 30.0, &stalls),
        Row::absolute("  memory over base", "MB", 16.0, &memory),
    ])
}

/// How long bare threads take for so many children with a pipe, in seconds.
fn bare(children: usize) -> Result<f64> {
    let started = Instant::now();
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..BARE_THREADS)
            .map(|thread| {
                let share = (children + thread) / BARE_THREADS;
                scope.spawn(move || {
                    let mut buffer = [0; 1_024];
                    (0..share).try_for_each(|_| {
                        floor::spawn_and_read(PROGRAM, &[], &mut buffer).map(drop)
                    })
                })
            })
            .collect();
        threads.into_iter().try_for_each(|thread| {
            thread
                .join()
                .unwrap_or_else(|_| Err(anyhow::anyhow!("a bare thread panicked")))
        })
    })?;
    Ok(started.elapsed().as_secs_f64())
}

/// Records nothing.
struct Unrecorded;

#[async_trait]
impl IProgress for Unrecorded {
    async fn report(&self, _: &Milestone) -> Result<(), ReportError> {
        Ok(())
    }

    fn observe(&self, _: &LiveEvent) {}
}

/// Runs so many batches at once, and a timer beside them.
pub(crate) fn play(batches: usize) -> Result<Value> {
    runtime()?.block_on(async {
        let heart = tokio::spawn(async {
            let mut stalls = Vec::new();
            loop {
                let begun = Instant::now();
                tokio::time::sleep(BEAT).await;
                stalls.push((begun.elapsed().saturating_sub(BEAT)).as_secs_f64() * 1e3);
                if DONE.load(std::sync::atomic::Ordering::Relaxed) {
                    return stalls;
                }
            }
        });
        let base = usage::resident()?;
        usage::forget_peak()?;
        let started = Instant::now();
        run_all(batches).await?;
        let seconds = started.elapsed().as_secs_f64();
        let memory = usage::peak()?.saturating_sub(base);
        DONE.store(true, std::sync::atomic::Ordering::Relaxed);
        let stalls = heart.await?;
        #[expect(clippy::cast_precision_loss, reason = "some thousand KiB")]
        let memory_mb = memory as f64 * 1_024.0 / 1e6;
        Ok(json!({
            "seconds": seconds,
            "stall_ms": quantile(stalls.iter().copied(), 0.99),
            "memory_mb": memory_mb,
        }))
    })
}

/// Tells the timer to stop.
static DONE: std::sync::atomic::AtomicBool = std::sync::atomic::AtomicBool::new(false);

async fn run_all(batches: usize) -> Result<()> {
    let runner: Arc<dyn ICommandRunner> = Arc::new(LocalRunner::new(floor::options()));
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..batches {
        let runner = Arc::clone(&runner);
        tasks.spawn(async move {
            let mut batch = Batch::new("/")?;
            for _ in 0..STEPS {
                batch.add(Step::new(
                    Status::from_static("DONE"),
                    Command::new(PROGRAM),
                ));
            }
            let process = BatchProcess::new(batch, runner);
            process
                .execute(&Unrecorded, &CancellationToken::new())
                .await
        });
    }
    while let Some(outcome) = tasks.join_next().await {
        let outcome = outcome??;
        ensure!(outcome.is_success(), "{outcome}");
    }
    Ok(())
}

//! What one step costs, and whether a large heap makes it dearer.

use std::path::Path;
use std::time::Instant;

use anyhow::{Context as _, Result, ensure};
use batch::{Command, ICommandRunner as _, LiveOutput, LocalRunner, RunOptions, StepOutcome};
use serde_json::{Value, json};
use tokio::runtime::Runtime;
use tokio_util::sync::CancellationToken;

use crate::row::{Row, median};
use crate::{Size, floor, runtime, scenario, usage};

/// Names the program that the scenario runs.
const PROGRAM: &str = "BENCH_PROGRAM";

/// Where children are started.
#[derive(Clone, Copy)]
enum Start {
    Inline,
    Gated,
}

impl Start {
    fn runner(self) -> LocalRunner {
        let limit = match self {
            Self::Inline => 1_000,
            Self::Gated => 0,
        };
        LocalRunner::new(floor::options().with_inline_limit(limit))
    }
}

/// Processor time of a step against that of a bare child, both with their children's.
pub(crate) fn cpu(size: &Size, program: &Path) -> Result<Vec<Row>> {
    let runtime = runtime()?;
    let (mut inline, mut gated) = (Vec::new(), Vec::new());
    for round in 0..=size.rounds {
        let bare = cpu_of(|| (0..size.steps).try_for_each(|_| floor::spawn_and_wait(program)))?;
        let ours = |start| cpu_of(|| run(&runtime, start, program, size.steps));
        let (first, second) = (ours(Start::Inline)?, ours(Start::Gated)?);
        // The first round warms caches and is not counted.
        if round > 0 {
            inline.push((first, bare));
            gated.push((second, bare));
        }
    }
    Ok(vec![
        Row::ratio("CPU of a step to bare spawn + wait, inline", 1.3, &inline),
        Row::ratio("CPU of a step to bare spawn + wait, gated", 1.6, &gated),
    ])
}

fn cpu_of(work: impl FnOnce() -> Result<()>) -> Result<f64> {
    let before = usage::processor_time()?;
    work()?;
    // A short form may take less than a tick.
    let used = usage::processor_time()?.saturating_sub(before);
    Ok(used.as_secs_f64().max(0.01))
}

/// Runs a program so many times, one after the other, in a task as applications have it.
fn run(runtime: &Runtime, start: Start, program: &Path, times: usize) -> Result<()> {
    let program = program.to_str().context("a path that is no text")?;
    let (runner, command) = (start.runner(), Command::new(program));
    let steps = async move {
        let (options, cancel) = (RunOptions::new("/"), CancellationToken::new());
        for _ in 0..times {
            let live = LiveOutput::none();
            let report = runner.run(&command, &options, &live, &cancel).await;
            ensure!(
                report.outcome == StepOutcome::Exited { code: 0 },
                "{report:?}"
            );
        }
        Ok(())
    };
    runtime.block_on(runtime.spawn(steps))?
}

/// Wall time of a step in a process with a large heap against one without.
pub(crate) fn heap(size: &Size, program: &Path) -> Result<Vec<Row>> {
    let program = program.to_str().context("a path that is no text")?;
    let mut pairs = Vec::new();
    for _ in 0..size.rounds {
        let took = |heap| {
            let measured = scenario::stage("heap", heap, &[(PROGRAM, program)])?;
            scenario::number(&measured, "step_us")
        };
        pairs.push((took(size.heap_bytes)?, took(0)?));
    }
    Ok(vec![Row::ratio(
        "a step with 2 GiB of touched heap to one with none",
        2.0,
        &pairs,
    )])
}

/// The median time of a step beside a heap of so many bytes.
pub(crate) fn play(heap_bytes: usize) -> Result<Value> {
    // Every page is written, else it would not be there.
    let heap = vec![1_u8; heap_bytes];
    let program = std::env::var(PROGRAM)?;
    let runtime = runtime()?;
    let mut times = Vec::new();
    for _ in 0..200 {
        let started = Instant::now();
        run(&runtime, Start::Gated, Path::new(&program), 1)?;
        times.push(started.elapsed().as_secs_f64() * 1e6);
    }
    drop(std::hint::black_box(heap));
    Ok(json!({ "step_us": median(times.into_iter()) }))
}

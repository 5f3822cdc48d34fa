//! A command that prints a lot.

use std::time::Instant;

use anyhow::{Result, ensure};
use batch::{Command, ICommandRunner as _, LiveOutput, LocalRunner, RunOptions};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use crate::row::Row;
use crate::{Size, floor, runtime, scenario, usage};

pub(crate) fn rows(size: &Size) -> Result<Vec<Row>> {
    let (mut times, mut memory) = (Vec::new(), Vec::new());
    for _ in 0..size.rounds {
        let bare = bare(size.output_bytes)?;
        let measured = scenario::stage("output", usize::try_from(size.output_bytes)?, &[])?;
        times.push((scenario::number(&measured, "seconds")?, bare));
        memory.push(scenario::number(&measured, "memory_mib")?);
    }
    Ok(vec![
        Row::ratio("1 GiB of output to a bare read loop", 1.5, &times),
        Row::absolute("  memory over base", "MiB", 8.0, &memory),
    ])
}

fn arguments(bytes: u64) -> [String; 3] {
    ["-c".to_owned(), bytes.to_string(), "/dev/zero".to_owned()]
}

fn bare(bytes: u64) -> Result<f64> {
    let mut buffer = vec![0; 64 * 1_024];
    let started = Instant::now();
    let arguments = arguments(bytes);
    let arguments = arguments.each_ref().map(String::as_str);
    let read = floor::spawn_and_read("head", &arguments, &mut buffer)?;
    ensure!(read == bytes, "{read} bytes were read");
    Ok(started.elapsed().as_secs_f64())
}

/// Captures so many bytes.
pub(crate) fn play(bytes: u64) -> Result<Value> {
    let runtime = runtime()?;
    let run = async move {
        let runner = LocalRunner::new(floor::options());
        let command = Command::new("head").args(arguments(bytes));
        let (options, cancel) = (RunOptions::new("/"), CancellationToken::new());
        runner
            .run(&command, &options, &LiveOutput::none(), &cancel)
            .await
    };
    let base = usage::resident()?;
    usage::forget_peak()?;
    let started = Instant::now();
    let report = runtime.block_on(runtime.spawn(run))?;
    let seconds = started.elapsed().as_secs_f64();
    ensure!(report.output.total == bytes, "{:?}", report.outcome);
    #[expect(clippy::cast_precision_loss, reason = "some thousand KiB")]
    let memory_mib = usage::peak()?.saturating_sub(base) as f64 / 1_024.0;
    Ok(json!({ "seconds": seconds, "memory_mib": memory_mib }))
}

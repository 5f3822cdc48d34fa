//! Programs that are killed at any moment lose nothing and leave nothing.
//!
//! `cargo xtask crash` kills 1,000 of them; this short form fewer.

mod plan;
mod scene;
mod told;
mod victim;

use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::crash::plan::{Death, Plan, Points, most_calls, points};
use crate::crash::scene::Scene;
use crate::crash::victim::{Task, Work};
use crate::world::Backend;

/// How many programs are killed; `CRASH_RUNS` says otherwise.
const RUNS: u64 = 60;

/// The name of the test, by which the program of the test's own is started.
const TEST: &str = "crash::killed_programs_lose_nothing_and_leave_nothing";

/// What came of all runs.
#[derive(Default)]
struct Tally {
    killed: u64,
    points: BTreeSet<(Backend, Death)>,
    failed: Vec<u64>,
}

fn number(variable: &str) -> Option<u64> {
    let text = std::env::var(variable).ok()?;
    Some(text.parse().unwrap())
}

#[expect(clippy::print_stdout, reason = "what is known of a run that fails")]
fn say(line: &str) {
    println!("{line}");
}

#[test]
fn killed_programs_lose_nothing_and_leave_nothing() {
    if let Some(task) = Task::of_this_program() {
        task.act();
    }
    let points = points();
    if let Some(seed) = number("CRASH_SEED") {
        let killed = run(seed, &points);
        say(&format!("seed {seed}: {killed:?}"));
        return;
    }
    for backend in [Backend::Sqlite, Backend::Fs] {
        for work in [Work::Deploy, Work::Recover] {
            let calls = Scene::count_calls(backend, work);
            assert!(calls <= most_calls(work), "{work:?} makes {calls} calls");
        }
    }
    let runs = number("CRASH_RUNS").unwrap_or(RUNS);
    let tally = run_all(runs, &points);
    say(&format!(
        "{runs} runs, {} killed, at {} of {} calls and commands",
        tally.killed,
        tally.points.len(),
        points.len()
    ));
    assert!(tally.failed.is_empty(), "failed seeds: {:?}", tally.failed);
    // Those that got through before their moment came are few.
    assert!(tally.killed * 5 >= runs * 4, "{} killed", tally.killed);
}

fn run_all(runs: u64, points: &Points) -> Tally {
    let (next, tally) = (AtomicU64::new(0), Mutex::new(Tally::default()));
    let work = || {
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= runs {
                return;
            }
            let result = catch_unwind(AssertUnwindSafe(|| run(seed, points)));
            let mut tally = tally.lock().unwrap();
            match result {
                Ok(Some((backend, death))) => {
                    tally.killed += 1;
                    if points.contains(&(backend, death)) {
                        tally.points.insert((backend, death));
                    }
                }
                Ok(None) => {}
                Err(_) => {
                    say(&format!(
                        "seed {seed} failed: `cargo xtask crash {seed}` runs it alone"
                    ));
                    tally.failed.push(seed);
                }
            }
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(work);
        }
    });
    tally.into_inner().unwrap()
}

/// One program's death and what comes after it; where it died.
fn run(seed: u64, points: &Points) -> Option<(Backend, Death)> {
    let plan = Plan::of(seed, points);
    say(&format!("seed {seed}: {plan:?}"));
    let scene = Scene::new(plan.backend);
    let told = scene.kill(&plan);
    scene.check_aftermath(&plan, &told);
    told.was_killed.then_some((plan.backend, plan.death))
}

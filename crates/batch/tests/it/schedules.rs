//! Random batches of real children that end in random ways.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use batch::{
    Accept, Batch, BatchProcess, IProcess as _, IProgress, LiveEvent, LocalRunner,
    LocalRunnerOptions, Milestone, ProcessOutcome, ReportError, Status, Step, Sweep, When,
};
use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::TestRunner;
use tokio_util::sync::CancellationToken;

use crate::alone::alone;
use crate::children::{Marked, assert_reaped};

const SCHEDULES: usize = 500;

/// So many run at the same time.
const AT_ONCE: usize = 32;

/// How many commands may be started inline, and whether those who left their group are looked for.
const RUNNERS: [(usize, Sweep); 4] = [
    (0, Sweep::Off),
    (0, Sweep::On),
    (64, Sweep::Off),
    (64, Sweep::On),
];

/// A batch, and what happens to it.
#[derive(Clone, Debug)]
struct Schedule {
    steps: Vec<Plan>,
    limit: Option<Duration>,
    end: End,
    runner: usize,
}

#[derive(Clone, Debug)]
struct Plan {
    script: Script,
    accept: Accept,
    timeout: Option<Duration>,
}

#[derive(Clone, Copy, Debug)]
enum Script {
    Exit(i32),
    /// Leaves one behind that holds the output.
    Leave,
    /// Leaves one behind that left the group, too, and that only a sweep finds.
    Escape,
    /// Three generations that run until they are stopped.
    Hang,
    /// One that does not end when it is asked to.
    Ignore,
}

impl Script {
    fn text(self) -> String {
        match self {
            Self::Exit(code) => format!("echo up; exit {code}"),
            Self::Leave => "sleep 1000 & exit 0".to_owned(),
            Self::Escape => "setsid sleep 1000 >/dev/null 2>&1 & exit 0".to_owned(),
            Self::Hang => crate::children::THREE_GENERATIONS.to_owned(),
            Self::Ignore => "trap '' TERM; while :; do sleep 1000; done".to_owned(),
        }
    }

    const fn code(self) -> Option<i32> {
        match self {
            Self::Exit(code) => Some(code),
            Self::Leave | Self::Escape => Some(0),
            Self::Hang | Self::Ignore => None,
        }
    }
}

impl Plan {
    /// Whether it is accepted, where its script ends by itself.
    fn is_accepted(&self) -> Option<bool> {
        let code = self.script.code()?;
        Some(match &self.accept {
            Accept::AnyExit => true,
            Accept::Codes(codes) => codes.contains(&code),
            _ => code == 0,
        })
    }
}

/// What comes from outside, and after what time.
#[derive(Clone, Copy, Debug)]
enum End {
    None,
    Cancel(Duration),
    Force(Duration),
    Both(Duration, Duration),
    Drop(Duration),
}

fn schedules() -> impl Strategy<Value = Schedule> {
    let soon = || (0_u64..60).prop_map(Duration::from_millis);
    let script = prop_oneof![
        4 => Just(Script::Exit(0)),
        2 => (0..4).prop_map(Script::Exit),
        1 => Just(Script::Leave),
        1 => Just(Script::Escape),
        1 => Just(Script::Hang),
        1 => Just(Script::Ignore),
    ];
    let accept = prop_oneof![
        Just(Accept::Success),
        Just(Accept::AnyExit),
        Just(Accept::Codes(vec![1, 2])),
    ];
    let plan = (script, accept, prop::option::of(soon())).prop_map(|(script, accept, timeout)| {
        Plan {
            script,
            accept,
            // One that hangs has to be stopped by something.
            timeout: timeout.or(script.code().is_none().then_some(Duration::from_millis(80))),
        }
    });
    let end = prop_oneof![
        2 => Just(End::None),
        1 => soon().prop_map(End::Cancel),
        1 => soon().prop_map(End::Force),
        1 => (soon(), soon()).prop_map(|(cancel, force)| End::Both(cancel, force)),
        1 => soon().prop_map(End::Drop),
    ];
    let plans = prop::collection::vec(plan, 0..5);
    let runner = 0..RUNNERS.len();
    (plans, prop::option::of(soon()), end, runner).prop_map(|(mut steps, limit, end, runner)| {
        let (_, sweep) = RUNNERS[runner];
        for Plan { script, .. } in &mut steps {
            if let (Script::Escape, Sweep::Off) = (*script, sweep) {
                *script = Script::Leave;
            }
        }
        Schedule {
            steps,
            limit,
            end,
            runner,
        }
    })
}

fn runners() -> Vec<Arc<LocalRunner>> {
    let runner = |(inline_limit, sweep)| {
        let options = LocalRunnerOptions::default()
            .with_grace(Duration::from_millis(20))
            .with_inline_limit(inline_limit)
            .with_sweep(sweep);
        Arc::new(LocalRunner::new(options))
    };
    RUNNERS.map(runner).to_vec()
}

/// Keeps the statuses, and the steps that ended without one.
#[derive(Default)]
struct History {
    statuses: Mutex<Vec<String>>,
    cleaned: Mutex<usize>,
}

#[async_trait]
impl IProgress for History {
    async fn report(&self, milestone: &Milestone) -> Result<(), ReportError> {
        let status = milestone.status().map(|status| status.to_string());
        self.statuses.lock().unwrap().extend(status);
        if let Milestone::Step(step) = milestone
            && step.when == When::Always
        {
            *self.cleaned.lock().unwrap() += 1;
        }
        Ok(())
    }

    fn observe(&self, _: &LiveEvent) {}
}

impl Schedule {
    fn process(&self, marked: &Marked, runner: Arc<LocalRunner>) -> BatchProcess {
        let mut batch = Batch::new("/").unwrap();
        if let Some(limit) = self.limit {
            batch.timeout(limit);
        }
        for (index, plan) in self.steps.iter().enumerate() {
            let status = Status::new(format!("STEP{index}")).unwrap();
            let step = Step::new(status, marked.sh(&plan.script.text()));
            let step = step.accept(plan.accept.clone());
            batch.add(match plan.timeout {
                Some(timeout) => step.timeout(timeout),
                None => step,
            });
        }
        batch.add(Step::new(Status::from_static("LOGOUT"), marked.sh("exit 1")).when(When::Always));
        BatchProcess::new(batch, runner)
    }

    /// Plays it, and returns the mark of its processes.
    async fn play(&self, runner: Arc<LocalRunner>) -> Marked {
        let marked = Marked::new();
        let (cancel, force) = (CancellationToken::new(), CancellationToken::new());
        let process = self.process(&marked, runner).with_force(force.clone());
        let history = History::default();
        let execution = process.execute(&history, &cancel);
        let disturbance = async {
            match self.end {
                End::None => {}
                End::Cancel(after) => {
                    tokio::time::sleep(after).await;
                    cancel.cancel();
                }
                End::Force(after) => {
                    tokio::time::sleep(after).await;
                    force.cancel();
                }
                End::Both(first, second) => {
                    tokio::time::sleep(first).await;
                    cancel.cancel();
                    tokio::time::sleep(second).await;
                    force.cancel();
                }
                End::Drop(after) => {
                    tokio::time::sleep(after).await;
                    return;
                }
            }
            std::future::pending::<()>().await;
        };
        tokio::select! {
            outcome = execution => self.check(&outcome.unwrap(), &history),
            () = disturbance => {
                self.check_prefix(&history.statuses.lock().unwrap());
            }
        }
        marked.assert_ended();
        marked
    }

    /// The statuses are those of the first steps, in their order; returns how many.
    fn check_prefix(&self, statuses: &[String]) -> usize {
        let Some((first, reached)) = statuses.split_first() else {
            return 0;
        };
        assert_eq!(first, "STARTED", "{self:?}");
        for (index, status) in reached.iter().enumerate() {
            assert_eq!(*status, format!("STEP{index}"), "{statuses:?} {self:?}");
            let is_accepted = self.steps[index].is_accepted();
            assert_eq!(is_accepted, Some(true), "{statuses:?} {self:?}");
        }
        reached.len()
    }

    /// The outcome is one that can come of the schedule, and the statuses tell the same.
    fn check(&self, outcome: &ProcessOutcome, history: &History) {
        let mut statuses = history.statuses.lock().unwrap().clone();
        let context = format!("{outcome} {statuses:?} {self:?}");
        let last = statuses.pop().unwrap();
        let reached = self.check_prefix(&statuses);
        assert_eq!(last == "SUCCESS", outcome.is_success(), "{context}");
        assert!(["SUCCESS", "FAILED"].contains(&&*last), "{context}");
        let next = self.steps.get(reached);
        let is_next = |status: &Option<Status>| {
            let name = format!("STEP{reached}");
            status
                .as_ref()
                .is_some_and(|status| status.as_str() == name)
        };
        match outcome {
            ProcessOutcome::Success => assert_eq!(reached, self.steps.len(), "{context}"),
            ProcessOutcome::Failed { status, .. } => {
                assert!(is_next(status), "{context}");
                assert_eq!(next.unwrap().is_accepted(), Some(false), "{context}");
            }
            ProcessOutcome::TimedOut { status } => {
                assert!(is_next(status), "{context}");
                let limit = next.unwrap().timeout.or(self.limit);
                assert!(limit.is_some(), "{context}");
            }
            ProcessOutcome::Cancelled => {
                assert!(!matches!(self.end, End::None | End::Drop(_)), "{context}");
            }
            _ => panic!("{context}"),
        }
        let cleaned = *history.cleaned.lock().unwrap();
        match self.end {
            End::None | End::Cancel(_) | End::Drop(_) => assert_eq!(cleaned, 1, "{context}"),
            End::Force(_) | End::Both(..) => assert!(cleaned <= 1, "{context}"),
        }
    }
}

#[test]
fn every_schedule_ends_as_it_may_and_leaves_nothing() {
    let name = "schedules::every_schedule_ends_as_it_may_and_leaves_nothing";
    alone(name, play_all);
}

fn play_all() {
    let mut random = TestRunner::default();
    let strategy = schedules();
    let runners = runners();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let mut marks = Vec::new();
    runtime.block_on(async {
        let mut playing = tokio::task::JoinSet::new();
        for _ in 0..SCHEDULES {
            if playing.len() == AT_ONCE {
                marks.push(playing.join_next().await.unwrap().unwrap());
            }
            let schedule = strategy.new_tree(&mut random).unwrap().current();
            let runner = Arc::clone(&runners[schedule.runner]);
            playing.spawn(async move { schedule.play(runner).await });
        }
        while let Some(played) = playing.join_next().await {
            marks.push(played.unwrap());
        }
    });
    assert_none_is_left(runtime, &marks);
}

/// Looks again when no thread can be starting a child any more.
fn assert_none_is_left(runtime: tokio::runtime::Runtime, marks: &[Marked]) {
    drop(runtime);
    for marked in marks {
        marked.assert_ended();
    }
    assert_reaped();
}

/// Polls a future so many times; tells whether it is done.
async fn poll_times(future: impl Future<Output = ()>, times: usize) -> bool {
    let mut future = std::pin::pin!(future);
    let mut polls = 0;
    std::future::poll_fn(|context| {
        if polls == times {
            return std::task::Poll::Ready(false);
        }
        polls += 1;
        future.as_mut().poll(context).map(|()| true)
    })
    .await
}

/// Dropped after its first poll, its second, and so on until it is done: nothing is left.
#[test]
fn a_process_that_is_dropped_anywhere_leaves_nothing() {
    let name = "schedules::a_process_that_is_dropped_anywhere_leaves_nothing";
    alone(name, drop_everywhere);
}

fn drop_everywhere() {
    let plan = |script| Plan {
        script,
        accept: Accept::Success,
        timeout: None,
    };
    let schedule = Schedule {
        steps: [Script::Exit(0), Script::Leave, Script::Exit(3)]
            .map(plan)
            .to_vec(),
        limit: None,
        end: End::None,
        runner: 0,
    };
    for runner in runners() {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        let mut marks = Vec::new();
        let mut is_done = false;
        while !is_done {
            let marked = Marked::new();
            let process = schedule.process(&marked, Arc::clone(&runner));
            let (history, cancel) = (History::default(), CancellationToken::new());
            let execution = async {
                process.execute(&history, &cancel).await.unwrap();
            };
            is_done = runtime.block_on(poll_times(execution, marks.len()));
            marked.assert_ended();
            marks.push(marked);
        }
        // It waits for each of its commands at least once.
        assert!(marks.len() > 4, "{} polls", marks.len());
        assert_none_is_left(runtime, &marks);
    }
}

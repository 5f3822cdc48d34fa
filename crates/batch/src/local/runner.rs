//! The runner.

use std::fmt;
use std::sync::Arc;
use std::thread::available_parallelism;
use std::time::SystemTime;

use async_trait::async_trait;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::clock;
use crate::command::Command;
use crate::deadline::Deadline;
use crate::live::LiveOutput;
use crate::local::attend::{Care, Ended, attend};
use crate::local::environment::{self, BaseEnvironment};
use crate::local::group::Custody;
use crate::local::launch::{Launch, LaunchError, Launched};
use crate::local::options::{LocalRunnerOptions, live_limit};
use crate::local::reaper::Reaper;
use crate::local::retry::Retry;
use crate::local::sink::Sink;
use crate::local::starters::Starters;
use crate::local::stop::Stop;
use crate::outcome::{SpawnFailure, StepOutcome};
use crate::redactor::Redactor;
use crate::runner::{ICommandRunner, RunOptions, RunReport};

/// Runs commands as children of this process.
///
/// # Semantics
///
/// *Start.* A bare program name is looked up in the `PATH` that the child gets, a relative path is
/// taken from the child's directory.
/// The child gets the variables that [`LocalRunnerOptions`] lets through, those of the command,
/// and `BATCH_RUN`, which is new for every run; its standard input is empty.
/// A start that fails for a passing reason (the program is still open for writing somewhere, or
/// processes, threads, files or memory are short) is tried again for about a second within the timeout.
/// While few commands run, the next one is started on the calling thread, which takes some
/// hundred microseconds; otherwise a bounded number of threads of the runner's own do it.
///
/// *Stop.* Every child leads a process group of its own.
/// On a timeout or a cancel the whole group gets `SIGTERM` (and `SIGCONT`), then the grace, then
/// `SIGKILL`, always; the options' `force` token leaves out the grace.
/// A start that has begun when its time is over is waited for, and its child stopped so.
/// When the future is dropped the group is killed at once, and a thread of the runner's reaps it.
/// What is left of the group after a command has exited is killed too
/// ([`LeakPolicy`](crate::LeakPolicy)).
/// Processes that made a group or session of their own are found with
/// [`Sweep`](crate::Sweep) only.
///
/// *Output.* Standard output and standard error are one pipe, so their order is kept.
/// The start and the end are kept, what lies between is counted.
/// A process that still holds the pipe after the command has exited is waited for until a fixed
/// moment, however much it writes.
///
/// *Limits.* Children inherit what the standard library lets them inherit: file descriptors that
/// the host opened without close-on-exec, ignored signals (`SIGHUP`, `SIGINT`), and the calling
/// thread's signal mask.
/// Where a host blocks `SIGTERM` in its threads, a child does not hear it and is killed after the
/// grace: to unblock it while a child is started would let through a signal that the host
/// receives in its own way, and would end the host.
/// A host that ignores `SIGCHLD` loses exit statuses, which is reported as a failure.
/// The number of such a command's group may be another's by then, so that what is left of it is
/// found by its variable, as in a sweep.
/// When the host itself is killed, its children live on.
/// What a killed child had started is reaped by the system's first process; a container whose
/// first process is the host itself needs an init program before it.
///
/// It needs a tokio runtime with I/O and time enabled.
/// Where a test pauses tokio's clock, timeouts strike at once, since the clock jumps on while a
/// child is waited for.
///
/// # Examples
///
/// ```
/// use batch::{
///     Command, ICommandRunner, LiveOutput, LocalRunner, LocalRunnerOptions, RunOptions,
///     StepOutcome,
/// };
/// use tokio_util::sync::CancellationToken;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// let runner = LocalRunner::new(LocalRunnerOptions::default());
/// let command = Command::new("sh").args(["-c", "echo out; echo err >&2; exit 3"]);
/// let cancel = CancellationToken::new();
/// let report = runner.run(&command, &RunOptions::new("/"), &LiveOutput::none(), &cancel).await;
/// assert_eq!(report.outcome, StepOutcome::Exited { code: 3 });
/// assert_eq!(report.output.to_text(), "out\nerr\n");
/// # }
/// ```
pub struct LocalRunner {
    options: LocalRunnerOptions,
    environment: Arc<BaseEnvironment>,
    live: Arc<Semaphore>,
    live_limit: usize,
    starters: Starters,
    inline_limit: usize,
    reaper: Arc<Reaper>,
}

impl LocalRunner {
    /// A runner; the variables that it passes on are read now.
    #[must_use]
    pub fn new(options: LocalRunnerOptions) -> Self {
        let processors = available_parallelism().map_or(1, usize::from);
        let live_limit = options.live_limit.map_or_else(live_limit, usize::from);
        let live_limit = live_limit.min(Semaphore::MAX_PERMITS);
        let spawn_limit = options.spawn_limit.map_or(processors * 2, usize::from);
        Self {
            environment: Arc::new(BaseEnvironment::new(&options)),
            live: Arc::new(Semaphore::new(live_limit)),
            live_limit,
            starters: Starters::new(spawn_limit),
            inline_limit: options.inline_limit.unwrap_or(processors),
            reaper: Arc::default(),
            options,
        }
    }
}

impl fmt::Debug for LocalRunner {
    /// Leaves out the environment's values, which may hold a proxy's password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LocalRunner")
            .field("options", &self.options)
            .finish_non_exhaustive()
    }
}

#[async_trait]
impl ICommandRunner for LocalRunner {
    async fn run(
        &self,
        command: &Command,
        options: &RunOptions,
        live: &LiveOutput,
        cancel: &CancellationToken,
    ) -> RunReport {
        let queued = (clock::now(), Instant::now());
        let stop = Stop {
            cancel,
            force: &options.force,
            deadline: None,
        };
        let permit = match stop.or(Arc::clone(&self.live).acquire_owned()).await {
            Ok(Ok(permit)) => permit,
            Ok(Err(closed)) => {
                return ended(
                    queued,
                    StepOutcome::Failed {
                        reason: closed.to_string(),
                    },
                );
            }
            Err(outcome) => return ended(queued, outcome),
        };
        // A runner that is used by itself masks the command's own secrets at least.
        let redactor = if options.redactor.is_empty() {
            Arc::new(Redactor::new(command.secrets()))
        } else {
            Arc::clone(&options.redactor)
        };
        let run = Run {
            runner: self,
            options,
            redactor: &redactor,
            stop: Stop {
                deadline: options.timeout.and_then(Deadline::after),
                ..stop
            },
            began: (clock::now(), Instant::now()),
        };
        run.run(command, live, permit).await
    }
}

/// By the wall clock, and by one that is never set.
type Moment = (SystemTime, Instant);

fn ended((started, at): Moment, outcome: StepOutcome) -> RunReport {
    RunReport::new(outcome).with_time(started, at.elapsed())
}

/// One run of one command, which has its place among those that run.
struct Run<'a> {
    runner: &'a LocalRunner,
    options: &'a RunOptions,
    redactor: &'a Redactor,
    stop: Stop<'a>,
    began: Moment,
}

impl Run<'_> {
    async fn run(
        &self,
        command: &Command,
        live: &LiveOutput,
        permit: OwnedSemaphorePermit,
    ) -> RunReport {
        let marker: Arc<str> = environment::new_marker().into();
        let custody = Custody {
            reaper: Arc::clone(&self.runner.reaper),
            permit: Arc::new(permit),
            marker: Arc::clone(&marker),
            sweep: self.runner.options.sweep,
        };
        let launched = match self.launch(command, marker, custody) {
            Ok(launch) => self.start(launch).await,
            Err(failure) => Err(StepOutcome::SpawnFailed(self.masked(failure))),
        };
        let launched = match launched {
            Ok(launched) => launched,
            Err(outcome) => return ended(self.began, outcome),
        };
        live.start(launched.group.pid().as_raw_nonzero().get().unsigned_abs());
        let care = Care {
            deadline: self.stop.deadline,
            cancel: self.stop.cancel,
            force: self.stop.force,
            grace: self.runner.options.grace,
            leak_policy: self.runner.options.leak_policy,
        };
        let mut sink = Sink::new(self.redactor, self.options.capture, live);
        let Ended {
            outcome,
            leaked,
            usage,
        } = attend(launched, &care, &mut sink).await;
        let report = ended(self.began, outcome)
            .with_output(sink.finish())
            .with_usage(usage);
        if leaked { report.with_leak() } else { report }
    }

    fn launch(
        &self,
        command: &Command,
        marker: Arc<str>,
        custody: Custody,
    ) -> Result<Launch, SpawnFailure> {
        let directory = match command.working_directory() {
            Some(directory) => self.options.current_dir.join(directory),
            None => self.options.current_dir.clone(),
        };
        // One that cannot be made absolute is refused by the system when the child starts.
        let directory = std::path::absolute(&directory).unwrap_or(directory);
        let environment = Arc::clone(&self.runner.environment);
        Launch::new(command.clone(), environment, marker, directory, custody)
    }

    /// Starts the child, again and again while the system is short of something.
    async fn start(&self, launch: Launch) -> Result<Launched, StepOutcome> {
        let launch = Arc::new(launch);
        let mut retry = Retry::new();
        loop {
            let error = match self.try_start(&launch).await? {
                Ok(launched) => return Ok(launched),
                Err(error) => error,
            };
            let pause = match &error {
                LaunchError::System(error, _) | LaunchError::NoThread(error) => {
                    retry.pause_after(error)
                }
                LaunchError::Failure(_) => None,
            };
            let Some(pause) = pause else {
                let failure = self.stop.or(launch.failure(error)).await?;
                return Err(StepOutcome::SpawnFailed(self.masked(failure)));
            };
            self.stop.or(tokio::time::sleep(pause)).await?;
        }
    }

    async fn try_start(
        &self,
        launch: &Arc<Launch>,
    ) -> Result<Result<Launched, LaunchError>, StepOutcome> {
        let runner = self.runner;
        let running = runner.live_limit - runner.live.available_permits().min(runner.live_limit);
        if running <= runner.inline_limit {
            return Ok(launch.start());
        }
        runner.starters.start(launch, self.stop).await
    }

    fn masked(&self, mut failure: SpawnFailure) -> SpawnFailure {
        failure.detail = self.redactor.redact_text(&failure.detail).into_owned();
        failure
    }
}

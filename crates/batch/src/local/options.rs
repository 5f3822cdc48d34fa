//! How a local runner works.

use std::num::NonZeroUsize;
use std::time::Duration;

use rustix::process::{Resource, getrlimit};

/// How long a command has to end by itself when it is stopped.
///
/// What nextest, concourse and systemd's users have come to: long enough for a client to close
/// its connections.
const GRACE: Duration = Duration::from_secs(10);

/// What becomes of processes that a command leaves behind when it exits.
///
/// A command that is stopped by a timeout, a cancel or a dropped future never leaves any.
///
/// # Examples
///
/// For a client that starts a daemon of its own, which is to stay:
///
/// ```
/// use batch::{LeakPolicy, LocalRunner, LocalRunnerOptions};
///
/// assert_eq!(LeakPolicy::default(), LeakPolicy::Kill);
/// let options = LocalRunnerOptions::default().with_leak_policy(LeakPolicy::Detach);
/// let runner = LocalRunner::new(options);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum LeakPolicy {
    /// They are killed once the output is at its end, at the latest 200 ms after the command has
    /// exited.
    #[default]
    Kill,
    /// They are killed once the output is at its end, at the latest after this time.
    Wait(Duration),
    /// They live on; output is read for at most 200 ms after the command has exited.
    Detach,
}

impl LeakPolicy {
    /// How long output is read after the command has exited.
    pub(super) const fn drain_time(self) -> Duration {
        const DRAIN_TIME: Duration = Duration::from_millis(200);
        match self {
            Self::Kill | Self::Detach => DRAIN_TIME,
            Self::Wait(time) => time,
        }
    }
}

/// Whether processes that left the command's process group are looked for.
///
/// The search reads the environment of all processes of this user in `/proc`, and finds those
/// that still carry the run's own variable; it takes some milliseconds of a background thread.
/// It is for Linux: where there is no `/proc`, a warning says once that nothing is found.
///
/// # Examples
///
/// For commands that start sessions of their own, as daemons do:
///
/// ```
/// use batch::{LocalRunner, LocalRunnerOptions, Sweep};
///
/// assert_eq!(Sweep::default(), Sweep::Off);
/// let runner = LocalRunner::new(LocalRunnerOptions::default().with_sweep(Sweep::On));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Sweep {
    /// They are not looked for.
    #[default]
    Off,
    /// They are looked for, and asked to end and killed where the rest of the group is.
    On,
}

/// How many commands may run where nothing else is set: a quarter of the open files, since a
/// command takes two, and the rest is the host's.
pub(super) fn live_limit() -> usize {
    let files = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX);
    usize::try_from(files.saturating_sub(64) / 4)
        .unwrap_or(usize::MAX)
        .clamp(1, 1_024)
}

/// How a [`LocalRunner`](crate::LocalRunner) works.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use batch::{LocalRunner, LocalRunnerOptions};
///
/// let options = LocalRunnerOptions::default()
///     .with_grace(Duration::from_secs(3))
///     .with_passed_env("KUBECONFIG")
///     .with_env("CI", "true");
/// let runner = LocalRunner::new(options);
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct LocalRunnerOptions {
    pub(super) passed_env: Vec<String>,
    pub(super) env: Vec<(String, String)>,
    pub(super) grace: Duration,
    pub(super) leak_policy: LeakPolicy,
    pub(super) sweep: Sweep,
    pub(super) live_limit: Option<NonZeroUsize>,
    pub(super) spawn_limit: Option<NonZeroUsize>,
    pub(super) inline_limit: Option<usize>,
}

/// What a program needs to find others, to speak the user's language, and to reach the network.
///
/// `HOME` is not among them: clients keep tokens there, and commands are given their own.
const PASSED: [&str; 13] = [
    "PATH",
    "LANG",
    "LC_*",
    "TZ",
    "TMPDIR",
    "http_proxy",
    "https_proxy",
    "no_proxy",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "NO_PROXY",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
];

impl Default for LocalRunnerOptions {
    fn default() -> Self {
        Self {
            passed_env: PASSED.map(str::to_owned).to_vec(),
            env: Vec::new(),
            grace: GRACE,
            leak_policy: LeakPolicy::default(),
            sweep: Sweep::default(),
            live_limit: None,
            spawn_limit: None,
            inline_limit: None,
        }
    }
}

impl LocalRunnerOptions {
    /// Passes a variable of this process's environment on, in addition to `PATH`, `LANG`, `LC_*`,
    /// `TZ`, `TMPDIR`, `http_proxy`, `https_proxy`, `no_proxy` (in both cases), `SSL_CERT_FILE`
    /// and `SSL_CERT_DIR`; a `*` at the end stands for any rest of the name.
    #[must_use]
    pub fn with_passed_env(mut self, name: impl Into<String>) -> Self {
        self.passed_env.push(name.into());
        self
    }

    /// Passes no variable of this process's environment on, except those that are named after
    /// this call.
    ///
    /// # Examples
    ///
    /// Nothing of this process's environment but `PATH`:
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use batch::{
    ///     Command, ICommandRunner, LiveOutput, LocalRunner, LocalRunnerOptions, RunOptions,
    /// };
    /// use tokio_util::sync::CancellationToken;
    ///
    /// let options = LocalRunnerOptions::default()
    ///     .without_passed_env()
    ///     .with_passed_env("PATH")
    ///     .with_env("LC_ALL", "C");
    /// let runner = LocalRunner::new(options);
    /// let (env, cancel) = (Command::new("env"), CancellationToken::new());
    /// let report = runner.run(&env, &RunOptions::new("/"), &LiveOutput::none(), &cancel).await;
    /// let text = report.output.to_text();
    /// assert!(text.contains("LC_ALL=C\n") && !text.contains("HOME="));
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn without_passed_env(mut self) -> Self {
        self.passed_env.clear();
        self
    }

    /// Sets a variable for every command; a command's own value of the same name wins.
    ///
    /// Secrets are set on the command that needs them, which masks them.
    #[must_use]
    pub fn with_env(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.env.push((name.into(), value.into()));
        self
    }

    /// Sets how long a command that is stopped has, after `SIGTERM`, to end by itself before it
    /// is killed; 10 seconds unless set, and zero kills at once.
    #[must_use]
    pub const fn with_grace(mut self, grace: Duration) -> Self {
        self.grace = grace;
        self
    }

    /// Sets what becomes of processes that a command leaves behind.
    #[must_use]
    pub const fn with_leak_policy(mut self, policy: LeakPolicy) -> Self {
        self.leak_policy = policy;
        self
    }

    /// Sets whether processes that left the command's process group are looked for.
    #[must_use]
    pub const fn with_sweep(mut self, sweep: Sweep) -> Self {
        self.sweep = sweep;
        self
    }

    /// Sets how many commands may run at a time; others wait, and their timeouts do not run yet.
    ///
    /// A quarter of the limit on open files unless set, at most 1,024.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::num::NonZeroUsize;
    /// use batch::LocalRunnerOptions;
    ///
    /// let one_at_a_time = LocalRunnerOptions::default().with_live_limit(NonZeroUsize::MIN);
    /// ```
    #[must_use]
    pub const fn with_live_limit(mut self, commands: NonZeroUsize) -> Self {
        self.live_limit = Some(commands);
        self
    }

    /// Sets how many commands may be in the middle of being started at a time; twice the number
    /// of processors unless set.
    #[must_use]
    pub const fn with_spawn_limit(mut self, commands: NonZeroUsize) -> Self {
        self.spawn_limit = Some(commands);
        self
    }

    /// Sets up to how many running commands the next one is started on the calling thread, which
    /// it keeps for some hundred microseconds; above it, a thread of the runner's own does it.
    ///
    /// The number of processors unless set; zero never uses the calling thread.
    ///
    /// # Examples
    ///
    /// For a host whose threads must never be kept from their tasks:
    ///
    /// ```
    /// use std::num::NonZeroUsize;
    /// use batch::{LocalRunner, LocalRunnerOptions};
    ///
    /// let options = LocalRunnerOptions::default()
    ///     .with_inline_limit(0)
    ///     .with_spawn_limit(NonZeroUsize::MIN);
    /// let runner = LocalRunner::new(options);
    /// ```
    #[must_use]
    pub const fn with_inline_limit(mut self, commands: usize) -> Self {
        self.inline_limit = Some(commands);
        self
    }
}

//! A folder with a store, a platform, a client on the PATH, and the program.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use standin::{Behaviour, Platform};
use tempfile::TempDir;

use crate::heard_signals::hear_signals;

pub(crate) const PASSWORD: &str = "correct-horse-battery";
pub(crate) const ENDPOINT: &str = "https://api.example.com";
pub(crate) const SUCCESS: &str = "INIT DOWNLOADING STARTED PREVIEW UNPACK EXTRACT DIR TARGET LOGIN \
                                  REMOVED LIST DEPLOYED NEWLIST DIR SUCCESS";

pub(crate) struct World {
    pub(crate) root: TempDir,
    pub(crate) store_url: String,
    pub(crate) platform: Platform,
}

/// What a finished run of the program left behind.
#[derive(Debug)]
pub(crate) struct Finished {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Finished {
    fn new(output: Output) -> Self {
        Self {
            code: output.status.code().expect("the program was not killed"),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }

    #[track_caller]
    pub(crate) fn code(self, expected: i32) -> Self {
        assert_eq!(self.code, expected, "{}\n{}", self.stdout, self.stderr);
        self
    }

    /// The one JSON document on standard output.
    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }
}

/// Which store a world has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Backend {
    Sqlite,
    Fs,
}

impl World {
    pub(crate) fn new() -> Self {
        Self::on(Backend::Sqlite)
    }

    pub(crate) fn on(backend: Backend) -> Self {
        let root = tempfile::tempdir().unwrap();
        let store = root.path().join("store");
        Self::around(root, backend, &store)
    }

    /// A world in `root` whose store is at `store`.
    pub(crate) fn around(root: TempDir, backend: Backend, store: &Path) -> Self {
        let store_url = match backend {
            Backend::Sqlite => format!("sqlite:{}", store.display()),
            Backend::Fs => format!("fs:{}", store.display()),
        };
        for folder in ["bin", "temp", "home"] {
            std::fs::create_dir(root.path().join(folder)).unwrap();
        }
        for client in ["helion", "cf"] {
            let link = root.path().join("bin").join(client);
            std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_helion-deploy"), link).unwrap();
        }
        let platform = Platform::create(root.path().join("platform")).unwrap();
        platform.add_user("ann", PASSWORD).unwrap();
        Self {
            root,
            store_url,
            platform,
        }
    }

    /// A world whose store holds package `foo`.
    pub(crate) fn with_package() -> Self {
        Self::with_package_on(Backend::Sqlite)
    }

    pub(crate) fn with_package_on(backend: Backend) -> Self {
        let world = Self::on(backend);
        world
            .run(&["packages", "add", &world.archive("foo")])
            .code(0);
        world
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.root.path().join(name)
    }

    /// The path of a package archive made for the test.
    pub(crate) fn archive(&self, name: &str) -> String {
        let path = self.path(&format!("{name}.tar.gz"));
        let files: &[(&str, &[u8])] = &[("index.html", b"<h1>hello</h1>"), ("lib/a.txt", b"a")];
        std::fs::write(&path, testkit::package(name, files)).unwrap();
        path.to_str().unwrap().to_owned()
    }

    pub(crate) fn behave(&self, command: &str, behaviour: Behaviour) {
        self.platform.set_behaviour(command, behaviour).unwrap();
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "the test runs the program as a shell would"
    )]
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_helion-deploy"));
        command.args(arguments);
        self.surround(&mut command);
        command
    }

    /// A shell script, which stops at what fails.
    #[expect(
        clippy::disallowed_methods,
        reason = "the test runs what a document tells to type"
    )]
    pub(crate) fn shell(&self, script: &str) -> Command {
        let mut command = Command::new("/bin/sh");
        command.args(["-euc", script]);
        self.surround(&mut command);
        command
    }

    /// Gives a program of this world its environment.
    pub(crate) fn surround(&self, command: &mut Command) {
        hear_signals();
        command
            .env_clear()
            .env("PATH", self.path("bin"))
            .env("HOME", self.path("home"))
            .env("TMPDIR", self.path("temp"))
            .env("STORE_URL", &self.store_url)
            .env("STANDIN_PLATFORM", self.platform.root())
            .env("HELION_PASSWORD", PASSWORD)
            .stdin(Stdio::null());
    }

    /// Puts a shell script in the place of the client; the client itself is then `client/helion`.
    pub(crate) fn replace_client(&self, script: &str) {
        let (client, folder) = (self.path("bin/helion"), self.path("client"));
        if !folder.exists() {
            std::fs::create_dir(&folder).unwrap();
            std::fs::rename(&client, folder.join("helion")).unwrap();
        }
        std::fs::write(&client, script).unwrap();
        let executable = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        std::fs::set_permissions(&client, executable).unwrap();
    }

    /// Puts the client back.
    pub(crate) fn restore_client(&self) {
        if self.path("client").exists() {
            std::fs::rename(self.path("client/helion"), self.path("bin/helion")).unwrap();
            std::fs::remove_dir(self.path("client")).unwrap();
        }
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Finished {
        Finished::new(self.command(arguments).output().unwrap())
    }

    /// `deploy foo` with JSON output, and more arguments.
    pub(crate) fn deploy(&self, more: &[&str]) -> Command {
        let arguments = [
            "--output",
            "json",
            "deploy",
            "foo",
            "--endpoint",
            ENDPOINT,
            "--username",
            "ann",
        ];
        self.command(&[&arguments, more].concat())
    }

    /// Whether any run left something in the temporary folder.
    #[track_caller]
    pub(crate) fn assert_nothing_left(&self) {
        let left: Vec<_> = std::fs::read_dir(self.path("temp")).unwrap().collect();
        assert!(left.is_empty(), "{left:?}");
    }

    /// The application's files as they stand on the platform, in order.
    pub(crate) fn pushed(&self, application: &str) -> Vec<String> {
        let folder = self
            .platform
            .application_dir(application)
            .unwrap()
            .expect("it was pushed");
        let mut files = Vec::new();
        collect(&folder, &folder, &mut files);
        files.sort();
        files
    }
}

fn collect(root: &Path, folder: &Path, files: &mut Vec<String>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(root, &path, files);
        } else {
            files.push(
                path.strip_prefix(root)
                    .unwrap()
                    .to_str()
                    .unwrap()
                    .to_owned(),
            );
        }
    }
}

pub(crate) fn finish(mut command: Command) -> Finished {
    Finished::new(command.output().unwrap())
}

/// The status words of a record's history.
pub(crate) fn statuses(record: &Value) -> String {
    let history = record["history"].as_array().unwrap();
    let words: Vec<_> = history
        .iter()
        .map(|line| line.as_str().unwrap().split(" ~ ").nth(1).unwrap())
        .collect();
    words.join(" ")
}

/// A deployment that goes on while the test does something else.
pub(crate) struct Running {
    child: Child,
    stderr: BufReader<std::process::ChildStderr>,
    pub(crate) id: String,
    seen: String,
}

impl Running {
    pub(crate) fn start(command: Command) -> Self {
        let mut running = Self::start_any(command);
        let line = running.until("deployment ");
        line.trim()
            .trim_start_matches("deployment ")
            .clone_into(&mut running.id);
        running
    }

    /// A command that is no deployment, and has no id.
    pub(crate) fn start_any(mut command: Command) -> Self {
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let stderr = BufReader::new(child.stderr.take().unwrap());
        Self {
            child,
            stderr,
            id: String::new(),
            seen: String::new(),
        }
    }

    /// Reads the progress up to the line that holds `text`, and returns that line.
    pub(crate) fn until(&mut self, text: &str) -> String {
        loop {
            let mut line = String::new();
            let read = self.stderr.read_line(&mut line).unwrap();
            assert!(read > 0, "`{text}` never came:\n{}", self.seen);
            self.seen.push_str(&line);
            if line.contains(text) {
                return line;
            }
        }
    }

    /// Waits until the program has opened the file.
    pub(crate) fn until_open(&mut self, file: &Path) {
        let opened = PathBuf::from(format!("/proc/{}/fd", self.child.id()));
        let is_file = |entry: std::io::Result<std::fs::DirEntry>| {
            let target = std::fs::read_link(entry.unwrap().path());
            target.is_ok_and(|target| target == file)
        };
        while !std::fs::read_dir(&opened).unwrap().any(is_file) {
            assert_eq!(self.child.try_wait().unwrap(), None, "it never opened it");
            std::thread::yield_now();
        }
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    /// Kills the program, and nothing that it started.
    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    pub(crate) fn finish(mut self) -> Finished {
        let mut rest = String::new();
        std::io::Read::read_to_string(&mut self.stderr, &mut rest).unwrap();
        self.seen.push_str(&rest);
        let mut finished = Finished::new(self.child.wait_with_output().unwrap());
        finished.stderr = self.seen;
        finished
    }
}

//! A platform, the programs that talk to it, and a home for them.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use standin::Platform;

pub(crate) const URL: &str = "https://api.example.com";

/// A platform, the programs that talk to it, and a home for them.
pub(crate) struct World {
    pub(crate) scratch: tempfile::TempDir,
    pub(crate) platform: Platform,
}

/// What a child program left behind.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl World {
    pub(crate) fn new() -> Self {
        let scratch = tempfile::tempdir().expect("a scratch folder");
        let platform = Platform::create(scratch.path().join("platform")).expect("a platform");
        platform.add_user("ann", "s3cret").expect("a user");
        for name in ["helion", "cf"] {
            symlink(env!("CARGO_BIN_EXE_standin"), scratch.path().join(name)).expect("a link");
        }
        let world = Self { scratch, platform };
        world.write("app/index.html", "hello");
        world
    }

    /// A world where `helion` is logged in.
    pub(crate) fn with_helion() -> Self {
        let world = Self::new();
        world.helion(&["target", URL]).succeeded();
        world
            .helion(&[
                "login",
                "ann",
                "--credentials",
                "username: ann",
                "--password",
                "s3cret",
                "--target",
                URL,
            ])
            .succeeded();
        world
    }

    /// A world where `cf` is logged in and works in a space.
    pub(crate) fn with_cf() -> Self {
        let world = Self::new();
        world.cf(&["api", URL]).succeeded();
        world.cf(&["auth", "ann", "s3cret"]).succeeded();
        world.cf(&["target", "-o", "acme", "-s", "dev"]).succeeded();
        world
    }

    pub(crate) fn path(&self, relative: &str) -> PathBuf {
        self.scratch.path().join(relative)
    }

    pub(crate) fn write(&self, relative: &str, text: &str) {
        let path = self.path(relative);
        fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
        fs::write(path, text).expect("a file");
    }

    pub(crate) fn helion(&self, arguments: &[&str]) -> Ended {
        end(self.command("helion", arguments))
    }

    pub(crate) fn cf(&self, arguments: &[&str]) -> Ended {
        end(self.command("cf", arguments))
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "these tests are about the program itself, run as a child"
    )]
    pub(crate) fn command(&self, client: &str, arguments: &[&str]) -> Command {
        let mut command = Command::new(self.path(client));
        command
            .args(arguments)
            .env_clear()
            .env("STANDIN_PLATFORM", self.platform.root())
            .env("HOME", self.scratch.path())
            .current_dir(self.scratch.path())
            .stdin(Stdio::null());
        command
    }

    /// Pushes the world's own application by `helion`.
    pub(crate) fn push_by_helion(&self, name: &str) -> Ended {
        let path = self.path("app").display().to_string();
        self.helion(&[
            "push",
            "--target",
            URL,
            "--as",
            name,
            "--path",
            &path,
            "--no-prompt",
        ])
    }

    pub(crate) fn push_by_cf(&self, name: &str) -> Ended {
        self.cf(&["push", name, "-p", "app"])
    }
}

pub(crate) fn end(mut command: Command) -> Ended {
    let Output {
        status,
        stdout,
        stderr,
    } = command.output().expect("the program starts");
    Ended {
        code: status.code(),
        stdout: String::from_utf8(stdout).expect("text"),
        stderr: String::from_utf8(stderr).expect("text"),
    }
}

impl Ended {
    #[track_caller]
    pub(crate) fn succeeded(self) -> Self {
        assert_eq!(self.code, Some(0), "{self:?}");
        self
    }

    #[track_caller]
    pub(crate) fn failed(self) -> Self {
        assert_eq!(self.code, Some(1), "{self:?}");
        self
    }

    /// The command succeeded, and printed exactly this.
    #[track_caller]
    pub(crate) fn printed(self, stdout: &str) {
        assert_eq!(self.succeeded().stdout, stdout);
    }

    /// The command failed with exit code 1 and exactly these texts.
    #[track_caller]
    pub(crate) fn refused(self, stdout: &str, stderr: &str) {
        let ended = self.failed();
        assert_eq!(
            (ended.stdout.as_str(), ended.stderr.as_str()),
            (stdout, stderr)
        );
    }
}

pub(crate) fn mode(path: &Path) -> u32 {
    fs::symlink_metadata(path)
        .expect("a file")
        .permissions()
        .mode()
        & 0o7777
}

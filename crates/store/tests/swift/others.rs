//! The clients that others use: `swift`, which is `OpenStack`'s own, and rclone.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use crate::world::{Instance, World};

/// A client that stores and fetches files of one container of an instance.
#[derive(Debug)]
pub(crate) struct Other {
    program: PathBuf,
    environment: Vec<(&'static str, String)>,
}

impl Other {
    /// The `swift` command, for the first user of `TempAuth`.
    pub(crate) fn swift(world: &World, instance: &Instance) -> Self {
        let user = &instance.tempauth.users[0];
        Self {
            program: world.swift.clone(),
            environment: vec![
                ("ST_AUTH", instance.tempauth.auth_url.clone()),
                ("ST_USER", user.name.clone()),
                ("ST_KEY", user.key.clone()),
            ],
        }
    }

    /// rclone, for the same; its remote is called `there`.
    pub(crate) fn rclone(world: &World, instance: &Instance) -> Option<Self> {
        let user = &instance.tempauth.users[0];
        Some(Self {
            program: world.rclone.clone()?,
            environment: vec![
                ("RCLONE_CONFIG", String::new()),
                ("RCLONE_CONFIG_THERE_TYPE", "swift".to_owned()),
                (
                    "RCLONE_CONFIG_THERE_AUTH",
                    instance.tempauth.auth_url.clone(),
                ),
                ("RCLONE_CONFIG_THERE_USER", user.name.clone()),
                ("RCLONE_CONFIG_THERE_KEY", user.key.clone()),
                ("RCLONE_CONFIG_THERE_AUTH_VERSION", "1".to_owned()),
                // As small as it takes, so that a file of some MiB is a large one.
                ("RCLONE_CONFIG_THERE_CHUNK_SIZE", "1Mi".to_owned()),
            ],
        })
    }

    /// Runs it in that folder, and returns what it printed.
    #[expect(
        clippy::disallowed_methods,
        reason = "what others write has to be written by others"
    )]
    pub(crate) async fn run(&self, folder: &Path, arguments: &[&str]) -> String {
        let mut command = std::process::Command::new(&self.program);
        command
            .args(arguments)
            // The host's own OS_ and ST_ variables and proxies are not meant.
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            .current_dir(folder)
            .stdin(Stdio::null());
        let output = tokio::task::spawn_blocking(move || command.output());
        let output = output.await.unwrap().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{arguments:?}: {said}");
        String::from_utf8(output.stdout).unwrap()
    }
}

//! What runs on this machine for a deployment.

use rustix::io::Errno;
use rustix::process::{Pid, Signal, kill_process};

/// How many processes work for deployment `id`.
pub(crate) fn working_for(id: &str) -> usize {
    all_for(id).len()
}

/// Kills the processes that work for deployment `id`, if its command has begun.
pub(crate) fn kill_working_for(id: &str) {
    for process in all_for(id) {
        match kill_process(process, Signal::KILL) {
            // It has ended since it was found.
            Ok(()) | Err(Errno::SRCH) => {}
            Err(error) => panic!("{error}"),
        }
    }
}

fn all_for(id: &str) -> Vec<Pid> {
    let variable = format!("DEPLOYMENT_RUN={id}");
    let carries = |environment: &[u8]| {
        let mut entries = environment.split(|byte| *byte == 0);
        entries.any(|entry| entry == variable.as_bytes())
    };
    let processes = std::fs::read_dir("/proc").unwrap();
    let found = processes.filter_map(|entry| {
        let path = entry.unwrap().path();
        let environment = std::fs::read(path.join("environ")).ok()?;
        let number = path.file_name()?.to_str()?.parse().ok()?;
        carries(&environment).then_some(Pid::from_raw(number)?)
    });
    found.collect()
}

//! The stand-in program: `helion` or `cf` when run under that name, `standin` otherwise.

use std::io;
use std::process::ExitCode;

use standin::{Client, Surroundings};

fn main() -> ExitCode {
    let program = std::env::args_os().next().unwrap_or_default();
    if let Some(client) = Client::from_program_name(&program) {
        return standin::run_this_process(client);
    }
    let arguments: Vec<_> = std::env::args_os().skip(1).collect();
    let environment = |name: &str| std::env::var(name).ok();
    let current_dir = std::env::current_dir().unwrap_or_default();
    let (mut stdout, mut stderr) = (io::stdout().lock(), io::stderr().lock());
    let surroundings = Surroundings::new(&environment, &current_dir, &mut stdout, &mut stderr);
    ExitCode::from(standin::administer(
        &arguments,
        &mut io::stdin().lock(),
        surroundings,
    ))
}

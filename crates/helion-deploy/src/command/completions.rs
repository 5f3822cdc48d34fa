//! `completions`: what a shell completes the program's command lines by.

use clap::CommandFactory as _;
use clap_complete::Shell;

use crate::cli::Cli;
use crate::failure::{FAILED, Failure};
use crate::output::Output;

/// Prints the shell's script, whatever the format of other output is.
pub(crate) fn run(shell: Shell) -> Result<(), Failure> {
    let mut command = Cli::command();
    let name = command.get_name().to_owned();
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut command, &name, &mut script);
    let script = String::from_utf8(script).map_err(|error| {
        let message = format!("failed to write the completions: {error}");
        Failure::new(FAILED, message)
    })?;
    // For bash, the generator spells a name with a hyphen in two ways, and so completes nothing
    // behind a command: https://github.com/clap-rs/clap/issues/6421
    let (one, other) = (name.replace('-', "__subcmd__"), name.replace('-', "__"));
    Output::print_script(&script.replace(&one, &other))
}

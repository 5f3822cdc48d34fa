//! `completions`: what a shell completes the program's command lines by.

use clap::{CommandFactory as _, ValueEnum as _};
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
    Output::print_script(&match shell {
        Shell::Bash => mended_for_bash(&script, &name),
        Shell::Fish => mended_for_fish(&script, &name),
        _ => script,
    })
}

/// The generator spells a name with a hyphen in two ways, and so completes nothing behind a command:
/// <https://github.com/clap-rs/clap/issues/6421>.
fn mended_for_bash(script: &str, name: &str) -> String {
    let (one, other) = (name.replace('-', "__subcmd__"), name.replace('-', "__"));
    script.replace(&one, &other)
}

/// The generator has nothing for the value of a flag before the command, since a command line that
/// ends in a flag is an error to it, and nothing for an argument with known values.
fn mended_for_fish(script: &str, name: &str) -> String {
    let strict = "    or return\n    if set -q argv[1]\n";
    let mended = script.replace(strict, "    or return 0\n    if set -q argv[1]\n");
    let behind = format!("__fish_{}_using_subcommand", name.replace('-', "_"));
    let shells: Vec<_> = Shell::value_variants()
        .iter()
        .map(ToString::to_string)
        .collect();
    let shells = shells.join(" ");
    format!("{mended}complete -c {name} -n \"{behind} completions\" -f -a \"{shells}\"\n")
}

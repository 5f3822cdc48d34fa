//! `man`: the manual pages.

use std::io;
use std::path::{Path, PathBuf};

use clap::{Command, CommandFactory as _};
use clap_mangen::Man;
use clap_mangen::roff::{Roff, roman};
use serde_json::json;

use crate::cli::Cli;
use crate::failure::{FAILED, Failure};
use crate::output::Output;

/// Prints the program's page, or writes those of all commands into a folder.
pub(crate) fn run(folder: Option<&Path>, output: Output<'_>) -> Result<(), Failure> {
    let mut program = Cli::command().disable_help_subcommand(true);
    program.build();
    let Some(folder) = folder else {
        let page = page(program).map_err(|error| failed("the manual page", &error))?;
        return Output::print_script(&page);
    };
    let path = || format!("`{}`", folder.display());
    std::fs::create_dir_all(folder).map_err(|error| failed(&path(), &error))?;
    let mut pages = Vec::new();
    write(program, folder, &mut pages).map_err(|error| failed(&path(), &error))?;
    let pages: Vec<_> = pages.iter().map(|page| page.to_string_lossy()).collect();
    output.print(&json!({ "pages": pages }), |_| pages.join("\n"))
}

fn failed(what: &str, error: &io::Error) -> Failure {
    Failure::new(FAILED, format!("failed to write {what}: {error}"))
}

/// Writes the page of a command and those of its commands.
fn write(command: Command, folder: &Path, pages: &mut Vec<PathBuf>) -> io::Result<()> {
    let commands: Vec<_> = command.get_subcommands().cloned().collect();
    let path = folder.join(Man::new(command.clone()).get_filename());
    std::fs::write(&path, page(command)?)?;
    pages.push(path);
    commands
        .into_iter()
        .try_for_each(|command| write(command, folder, pages))
}

/// A command's page, with its examples in the section where readers look for them.
fn page(command: Command) -> io::Result<String> {
    let examples = command.get_after_long_help().map(ToString::to_string);
    let has_commands = command.has_subcommands();
    // Of a command, the page would name the command alone.
    let man = Man::new(command)
        .source(concat!("helion-deploy ", env!("CARGO_PKG_VERSION")))
        .manual("helion-deploy");
    let mut page = Vec::new();
    man.render_title(&mut page)?;
    man.render_name_section(&mut page)?;
    man.render_synopsis_section(&mut page)?;
    man.render_description_section(&mut page)?;
    man.render_options_section(&mut page)?;
    if has_commands {
        man.render_subcommands_section(&mut page)?;
    }
    if let Some(examples) = examples {
        let mut roff = Roff::default();
        roff.control("SH", ["EXAMPLES"]).control("nf", []);
        for line in examples.lines().skip(1) {
            roff.text([roman(line.trim_start())]);
        }
        roff.control("fi", []).to_writer(&mut page)?;
    }
    String::from_utf8(page).map_err(io::Error::other)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_of_every_command_is_whole() {
        let folder = tempfile::tempdir().unwrap();
        let mut program = Cli::command().disable_help_subcommand(true);
        program.build();
        let mut pages = Vec::new();
        write(program.clone(), folder.path(), &mut pages).unwrap();
        assert!(pages.len() > 15, "{pages:?}");
        for path in pages {
            let page = std::fs::read_to_string(&path).unwrap();
            for section in ["NAME", "SYNOPSIS", "DESCRIPTION", "OPTIONS", "EXAMPLES"] {
                let heading = format!("\n.SH {section}\n");
                assert_eq!(page.matches(&heading).count(), 1, "{section} in {path:?}");
            }
            assert!(page.contains("\"helion-deploy 0."), "{page}");
            let requests = page.lines().filter_map(|line| line.strip_prefix('.'));
            for request in requests {
                let name = request.split(' ').next().unwrap_or_default();
                let known = [
                    "TH", "SH", "TP", "PP", "IP", "RS", "RE", "br", "nf", "fi", "ie", "el",
                ];
                assert!(known.contains(&name), "`.{request}` in {path:?}");
            }
        }
    }

    #[test]
    fn the_programs_page_names_every_command() {
        let mut program = Cli::command().disable_help_subcommand(true);
        program.build();
        let names: Vec<_> = program.get_subcommands().map(Command::get_name).collect();
        let page = page(program.clone()).unwrap();
        for name in names {
            let entry = format!("helion\\-deploy\\-{name}(1)");
            assert!(page.contains(&entry), "{name}: {page}");
        }
    }
}

//! This workspace's own commands: `cargo xtask COMMAND`.

mod api;
mod bench;
mod check;
mod ci;
mod documents;
mod examples;
mod layers;
mod long_tests;
mod rustdoc;
mod services;
mod shell;
mod unchecked;
mod workspace;

use std::process::ExitCode;

use anyhow::Result;
use shell::say;

/// A command, and what `help` says of it.
struct Command {
    name: &'static str,
    arguments: &'static str,
    summary: &'static str,
    run: fn(&[String]) -> Result<()>,
}

const COMMANDS: &[Command] = &[
    Command {
        name: "ci",
        arguments: "[--without-services] [--without-rustdoc-json] [STEP...]",
        summary: "everything that has to pass, or only the named steps of it; --without-services leaves out \
                  what needs a real Swift, --without-rustdoc-json what needs a Rust 1.95 and no later",
        run: ci::run,
    },
    Command {
        name: "check",
        arguments: "[machete] [hack] [deny] [semver-checks]",
        summary: "what the usual cargo tools find; builds them, at pinned versions, in target/tools",
        run: check::run,
    },
    Command {
        name: "layers",
        arguments: "[--prove]",
        summary: "no crate depends on one that it must not know; with --prove, that each rule would notice",
        run: layers::run,
    },
    Command {
        name: "api",
        arguments: "[--bless]",
        summary: "the public API of the library crates is the one in docs/api; with --bless, records it there",
        run: api::run,
    },
    Command {
        name: "bench",
        arguments: "deploy|store|batch|swift",
        summary: "what the engine, a store or the runner costs over the bare system, or Swift beside python-swiftclient; writes target/bench-NAME.json",
        run: bench::run,
    },
    Command {
        name: "crash",
        arguments: "[SEED]",
        summary: "kills deploying programs 1,000 times and recovers, or the one of a seed, and checks what they leave",
        run: long_tests::crash,
    },
    Command {
        name: "crowd",
        arguments: "",
        summary: "10,000 deployments at once, on a store in memory, by a client, and on SQLite: all end, few run, under 200 MB",
        run: long_tests::crowd,
    },
    Command {
        name: "services",
        arguments: "up|down|status [swift] [keystone]|test",
        summary: "real OpenStack Swift and Keystone servers on loopback, for the tests; test runs all of the store's; also start|stop INSTANCE SERVER",
        run: services::run,
    },
    Command {
        name: "crash-store",
        arguments: "",
        summary: "kills savers of each durable store 200 times, and checks what they leave",
        run: long_tests::crash_store,
    },
    Command {
        name: "documents",
        arguments: "",
        summary: "runs the examples, and the shell blocks of README, guides and reference, against the stand-in",
        run: documents::run,
    },
    Command {
        name: "fuzz",
        arguments: "",
        summary: "200,000 cases of each fuzz target: archives, manifests, names of packages and files, records, endpoints",
        run: long_tests::fuzz,
    },
];

/// A command line that is not understood, as opposed to a command that failed.
#[derive(Debug)]
struct UsageError(String);

impl std::fmt::Display for UsageError {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl std::error::Error for UsageError {}

fn usage_error(why: impl Into<String>) -> anyhow::Error {
    UsageError(why.into()).into()
}

fn main() -> ExitCode {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let Err(error) = dispatch(&arguments) else {
        return ExitCode::SUCCESS;
    };
    if error.is::<UsageError>() {
        say(&format!("xtask: {error}\n\n{}", help()));
        return ExitCode::from(2);
    }
    say(&format!("xtask: {error:#}"));
    ExitCode::FAILURE
}

fn dispatch(arguments: &[String]) -> Result<()> {
    let Some((name, rest)) = arguments.split_first() else {
        return Err(usage_error("no command given"));
    };
    if ["help", "--help", "-h"].contains(&name.as_str()) {
        say(&help());
        return Ok(());
    }
    match COMMANDS.iter().find(|command| command.name == name) {
        Some(command) => (command.run)(rest),
        None => Err(usage_error(format!("no such command: `{name}`"))),
    }
}

fn help() -> String {
    let lines = COMMANDS.iter().map(
        |Command {
             name,
             arguments,
             summary,
             run: _,
         }| {
            let call = format!("{name} {arguments}");
            format!("\n  {call:<43} {summary}")
        },
    );
    let steps = ci::STEPS
        .iter()
        .map(|step| step.name)
        .collect::<Vec<_>>()
        .join(" ");
    format!(
        "Usage: cargo xtask COMMAND\n{}\n  {:<43} this text\n\nThe steps of ci: {steps}",
        lines.collect::<String>(),
        "help"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_refused(arguments: &[&str], why: &str) {
        let arguments: Vec<_> = arguments.iter().map(ToString::to_string).collect();
        let error = dispatch(&arguments).expect_err("not a command line");
        assert!(error.is::<UsageError>(), "{error}");
        assert_eq!(error.to_string(), why);
    }

    #[test]
    fn a_command_line_that_is_not_understood_says_why_and_runs_nothing() {
        check_refused(&[], "no command given");
        check_refused(&["dance"], "no such command: `dance`");
        check_refused(&["ci", "fmt", "dance"], "no such step of ci: `dance`");
        check_refused(
            &["api", "--bless", "dance"],
            "`api` takes --bless or nothing",
        );
        check_refused(&["check", "dance"], "no such tool: `dance`");
        check_refused(&["documents", "dance"], "`documents` takes nothing");
        check_refused(&["layers", "dance"], "`layers` takes nothing but --prove");
        check_refused(&["bench"], "`bench` takes the name of one benchmark");
        check_refused(&["bench", "dance"], "no such benchmark: `dance`");
        check_refused(
            &["crash", "dance"],
            "`crash` takes the seed of one run, or nothing",
        );
        check_refused(&["crash-store", "dance"], "`crash-store` takes nothing");
        check_refused(&["crowd", "dance"], "`crowd` takes nothing");
        check_refused(&["fuzz", "dance"], "`fuzz` takes nothing");
        for services in [
            &["services"][..],
            &["services", "dance"],
            &["services", "up", "dance"],
            &["services", "stop", "plain"],
        ] {
            check_refused(
                services,
                "`services` takes up, down or status, and then swift, keystone or nothing; \
                 or start or stop, an instance and a server; or test",
            );
        }
    }

    #[test]
    fn the_help_names_every_command_and_step() {
        let help = help();
        for name in COMMANDS
            .iter()
            .map(|command| command.name)
            .chain(ci::STEPS.iter().map(|step| step.name))
        {
            assert!(help.contains(name), "{name}");
        }
    }
}

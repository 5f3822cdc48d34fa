//! The examples below the help of each command; a test has the command line's parser read them all.

pub(crate) const PROGRAM: &str = "\
Examples:
  helion-deploy demo
  helion-deploy packages add hello-world.tar.gz
  helion-deploy deploy hello-world --endpoint https://api.example.com --username admin
  helion-deploy list
  helion-deploy --output json status 019abf21-6c40-7c3e-9d4e-0d8f3c1b2a55
  helion-deploy --store swift:deployments packages list";

pub(crate) const DEMO: &str = "\
Examples:
  helion-deploy demo
  helion-deploy --output json demo";

pub(crate) const PACKAGES: &str = "\
Examples:
  helion-deploy packages add hello-world.tar.gz
  helion-deploy packages list
  helion-deploy packages show hello-world
  helion-deploy packages remove hello-world";

pub(crate) const PACKAGES_ADD: &str = "\
Examples:
  helion-deploy packages add hello-world.tar.gz
  helion-deploy --store fs:/srv/deploy packages add ./build/hello-world.tar.gz";

pub(crate) const PACKAGES_LIST: &str = "\
Examples:
  helion-deploy packages list
  helion-deploy packages list php
  helion-deploy --output json packages list";

pub(crate) const PACKAGES_SHOW: &str = "\
Examples:
  helion-deploy packages show hello-world
  helion-deploy --output json packages show hello-world";

pub(crate) const PACKAGES_REMOVE: &str = "\
Examples:
  helion-deploy packages remove hello-world";

pub(crate) const DEPLOY: &str = "\
Examples:
  helion-deploy deploy hello-world --endpoint https://api.example.com --username admin
  helion-deploy deploy hello-world --client cf --org acme --space live --timeout 15m
  helion-deploy deploy ./hello-world.tar.gz --name hello-staging
  helion-deploy deploy hello-world --password-stdin < password.txt
  helion-deploy deploy hello-world --idempotency-key build-4711";

pub(crate) const REDEPLOY: &str = "\
Examples:
  helion-deploy redeploy 019abf21-6c40-7c3e-9d4e-0d8f3c1b2a55 --username admin
  helion-deploy redeploy 019abf21-6c40-7c3e-9d4e-0d8f3c1b2a55 --client cf --timeout 15m";

pub(crate) const RECOVER: &str = "\
Examples:
  helion-deploy recover
  helion-deploy --output json recover";

pub(crate) const PRUNE: &str = "\
Examples:
  helion-deploy prune --older-than 90d
  helion-deploy prune --keep 10000
  helion-deploy prune --older-than 90d --keep 10000";

pub(crate) const STATUS: &str = "\
Examples:
  helion-deploy status 019abf21-6c40-7c3e-9d4e-0d8f3c1b2a55
  helion-deploy status 019abf21-6c40-7c3e-9d4e-0d8f3c1b2a55 --watch
  helion-deploy --output json status 019abf21-6c40-7c3e-9d4e-0d8f3c1b2a55";

pub(crate) const LIST: &str = "\
Examples:
  helion-deploy list
  helion-deploy list --status FAILED --limit 5
  helion-deploy list --after 019abf21-6c40-7c3e-9d4e-0d8f3c1b2a55
  helion-deploy --output json list";

pub(crate) const LOGS: &str = "\
Examples:
  helion-deploy logs 019abf21-6c40-7c3e-9d4e-0d8f3c1b2a55
  helion-deploy logs 019abf21-6c40-7c3e-9d4e-0d8f3c1b2a55 --step DEPLOYED";

pub(crate) const CONFIG: &str = "\
Examples:
  helion-deploy config show
  helion-deploy config path";

pub(crate) const CONFIG_SHOW: &str = "\
Examples:
  helion-deploy config show
  helion-deploy --config staging.toml config show
  helion-deploy --output json config show";

pub(crate) const CONFIG_PATH: &str = "\
Examples:
  helion-deploy config path
  helion-deploy --config staging.toml config path";

pub(crate) const COMPLETIONS: &str = "\
Examples:
  helion-deploy completions bash > ~/.local/share/bash-completion/completions/helion-deploy
  helion-deploy completions zsh > ~/.zfunc/_helion-deploy
  helion-deploy completions fish > ~/.config/fish/completions/helion-deploy.fish
  helion-deploy completions elvish > ~/.config/elvish/lib/helion-deploy.elv
  helion-deploy completions powershell > helion-deploy.ps1";

pub(crate) const MAN: &str = "\
Examples:
  helion-deploy man > helion-deploy.1
  helion-deploy man --dir ~/.cargo/share/man/man1";

pub(crate) const PLAN: &str = "\
Examples:
  helion-deploy plan hello-world --endpoint https://api.example.com --username admin
  helion-deploy plan ./hello-world.tar.gz --client cf --org acme --space live
  helion-deploy --output json plan hello-world";

pub(crate) const CANCEL: &str = "\
Examples:
  helion-deploy cancel 019abf21-6c40-7c3e-9d4e-0d8f3c1b2a55
  helion-deploy cancel 019abf21-6c40-7c3e-9d4e-0d8f3c1b2a55 --no-wait";

#[cfg(test)]
mod tests {
    use clap::{ArgMatches, Command, CommandFactory as _};

    use crate::cli::Cli;

    /// Every command with the words that lead to it, the program itself first.
    fn commands() -> Vec<(Vec<String>, Command)> {
        let mut found = vec![(Vec::new(), Cli::command())];
        let mut next = 0;
        while let Some((path, command)) = found.get(next).cloned() {
            for inner in command.get_subcommands() {
                let name = inner.get_name().to_owned();
                found.push(([&path[..], &[name]].concat(), inner.clone()));
            }
            next += 1;
        }
        found
    }

    /// The words of an example up to where its output or input is redirected.
    fn words(line: &str) -> Vec<String> {
        let words = shlex::split(line).unwrap();
        let redirected = |word: &String| [">", "<"].contains(&word.as_str());
        words.into_iter().take_while(|w| !redirected(w)).collect()
    }

    fn path_of(matches: &ArgMatches) -> Vec<String> {
        match matches.subcommand() {
            Some((name, inner)) => [vec![name.to_owned()], path_of(inner)].concat(),
            None => Vec::new(),
        }
    }

    #[test]
    fn every_command_has_examples_of_its_own_that_can_be_typed() {
        let commands = commands();
        assert!(commands.len() > 15, "{}", commands.len());
        for (path, command) in commands {
            let help = command.get_after_long_help().map(ToString::to_string);
            let help = help.unwrap_or_else(|| panic!("{path:?} has no examples"));
            let (heading, examples) = help.split_once('\n').unwrap();
            assert_eq!(heading, "Examples:", "{path:?}");
            for line in examples.lines() {
                assert!(line.starts_with("  helion-deploy "), "{path:?}: {line}");
                let matches = Cli::command()
                    .try_get_matches_from(words(line))
                    .unwrap_or_else(|error| panic!("{line}: {error}"));
                let found = path_of(&matches);
                assert_eq!(found[..path.len()], path[..], "{line}");
            }
        }
    }

    #[test]
    fn the_short_help_has_none() {
        for (path, mut command) in commands() {
            let short = command.render_help().to_string();
            assert!(!short.contains("Examples:"), "{path:?}");
            let long = command.render_long_help().to_string();
            assert!(long.contains("\nExamples:\n"), "{path:?}");
        }
    }

    #[test]
    fn what_every_command_prints_in_json_is_documented() {
        let page = concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/../../docs/reference/json-output.md"
        );
        let page = std::fs::read_to_string(page).unwrap();
        let leaves = commands()
            .into_iter()
            .filter(|(_, command)| !command.has_subcommands());
        for (path, _) in leaves {
            let name = format!("`{}`", path.join(" "));
            assert!(page.contains(&name), "{name} is not in json-output.md");
        }
    }
}

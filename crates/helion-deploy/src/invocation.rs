//! How this program is called again, on the same store.

use crate::cli::{Cli, Command};
use crate::setting::STORE_URL;

/// The program's name with the flags of every command that matter to what is done next.
#[derive(Debug)]
pub(crate) struct Invocation(String);

/// How commands begin in the hints of this program.
const NAME: &str = "`helion-deploy ";

impl Invocation {
    /// Without any flags.
    pub(crate) const fn plain() -> Self {
        Self(String::new())
    }

    /// With the flags that this run was given; a store's URL with a user in it is not repeated.
    pub(crate) fn of(cli: &Cli) -> Self {
        // The demo has a store of its own.
        let store = cli.store.as_deref();
        let store = store.filter(|url| !url.is_empty() && !matches!(cli.command, Command::Demo));
        let store = store.map_or(String::new(), store_flag);
        let config = cli.config.as_ref().map_or(String::new(), |path| {
            format!("--config {} ", quoted(&path.to_string_lossy()))
        });
        Self(format!("{store}{config}"))
    }

    /// On that store.
    pub(crate) fn on_store(url: &str) -> Self {
        Self(store_flag(url))
    }

    /// The hint with its commands as they have to be typed.
    pub(crate) fn complete(&self, hint: &str) -> String {
        hint.replace(NAME, &format!("{NAME}{}", self.0))
    }
}

fn store_flag(url: &str) -> String {
    if STORE_URL.shown(url) == url {
        format!("--store {} ", quoted(url))
    } else {
        "--store URL ".to_owned()
    }
}

/// A word as a shell takes it for one.
pub(crate) fn quoted(word: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "_-+=:,./@%".contains(c);
    if !word.is_empty() && word.chars().all(is_plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn check(flags: &[&str], expected: &str) {
        let words = [&["helion-deploy"], flags, &["list"]].concat();
        let invocation = Invocation::of(&Cli::parse_from(words));
        let hint = "`helion-deploy list` or `helion-deploy logs ID`; helion-deploy";
        let expected = format!(
            "`helion-deploy {expected}list` or `helion-deploy {expected}logs ID`; helion-deploy"
        );
        assert_eq!(invocation.complete(hint), expected);
    }

    #[test]
    fn commands_get_the_flags_that_were_given() {
        check(&[], "");
        check(&["--store", ""], "");
        check(&["--output", "json"], "");
        check(&["--store", "fs:/a"], "--store fs:/a ");
        check(&["--store", "fs:/a b"], "--store 'fs:/a b' ");
        check(&["--config", "it's"], r"--config 'it'\''s' ");
        check(
            &["--config", "c", "--store", "sqlite:s"],
            "--store sqlite:s --config c ",
        );
        check(&["--store", "https://ann:pw@x.io"], "--store URL ");
    }

    proptest! {
        #[test]
        fn a_quoted_word_is_one_word_again(word in "[^\0]*") {
            prop_assert_eq!(shlex::split(&quoted(&word)), Some(vec![word]));
        }
    }
}

//! Whatever is taken stands in one argument, where it cannot be read as an option.

use std::path::Path;

use batch::{Command, Secret};
use helion_cli::{CfCliComposer, HelionCliComposer, ICliComposer};
use proptest::prelude::*;

use crate::URL;

/// Text with the characters that are special to shells and clients.
fn words() -> impl Strategy<Value = String> {
    prop_oneof![
        "[-a-zA-Z0-9 ._/=:~$'\"*;&|<>\\\\\u{0}\n\r\t\u{85}ä€-]{0,12}",
        any::<String>(),
        "--?[a-z]{1,8}",
    ]
}

fn composers(username: &str, cwd: Option<&Path>) -> Vec<Box<dyn ICliComposer>> {
    let password = || Secret::new("open sesame");
    let helion = HelionCliComposer::new(URL, username, password(), cwd);
    let cf = CfCliComposer::new(URL, username, password(), cwd);
    assert_eq!(helion.is_ok(), cf.is_ok());
    let mut composers: Vec<Box<dyn ICliComposer>> = Vec::new();
    composers.extend(helion.ok().map(|composer| Box::new(composer) as Box<_>));
    composers.extend(cf.ok().map(|composer| Box::new(composer) as Box<_>));
    composers
}

/// The same command for another value differs in the arguments that are the value, and nowhere
/// else.
fn check_places(command: &Command, plain: &Command, value: &str, instead: &str) {
    let (argv, plain) = (command.exposed_argv(), plain.exposed_argv());
    assert_eq!(argv.len(), plain.len());
    let mut places = 0;
    for (word, plain) in argv.iter().zip(&plain) {
        if plain == instead {
            assert_eq!(word, value);
            assert!(!word.starts_with('-'));
            places += 1;
        } else {
            assert_eq!(word, plain);
        }
    }
    assert_eq!(places, 1);
}

proptest! {
    #[test]
    fn a_name_is_one_argument(name in words()) {
        for composer in composers("me", None) {
            let commands = [
                (composer.delete_command(&name), composer.delete_command("NAME")),
                (composer.push_command(&name, "/p"), composer.push_command("NAME", "/p")),
                (composer.logs_command(&name), composer.logs_command("NAME")),
            ];
            for (command, plain) in commands {
                let accepted = !name.is_empty()
                    && !name.starts_with('-')
                    && !name.chars().any(|c| c.is_control() || "\u{2028}\u{2029}".contains(c));
                prop_assert_eq!(command.is_ok(), accepted);
                if let Ok(command) = command {
                    check_places(&command, &plain.unwrap(), &name, "NAME");
                }
            }
        }
    }

    #[test]
    fn a_path_is_one_argument(path in words()) {
        for composer in composers("me", None) {
            if let Ok(command) = composer.push_command("foo", &path) {
                let plain = composer.push_command("foo", "PATH").unwrap();
                check_places(&command, &plain, &path, "PATH");
            }
        }
        for composer in composers("me", Some(Path::new("/srv"))) {
            if let Ok(command) = composer.push_command("foo", &path) {
                let plain = composer.push_command("foo", "PATH").unwrap();
                let joined = match path.strip_prefix('/') {
                    Some(_) => path.clone(),
                    None => format!("/srv/{path}"),
                };
                check_places(&command, &plain, &joined, "/srv/PATH");
            }
        }
    }

    #[test]
    fn a_user_name_is_one_argument(username in words()) {
        if let Ok(composer) = HelionCliComposer::new(URL, &username, Secret::new("pw"), None) {
            let argv = composer.login_command().unwrap().exposed_argv();
            prop_assert_eq!(argv.len(), 9);
            prop_assert_eq!(&argv[2], &username);
            prop_assert!(!argv[2].starts_with('-'));
            prop_assert_eq!(&argv[4], &format!("username: {username}"));
        }
    }

    #[test]
    fn no_value_of_a_password_is_ever_shown(tail in words()) {
        let password = format!("Zx9{tail}");
        let Ok(composer) = HelionCliComposer::new(URL, "me", Secret::new(&password), None) else {
            return Ok(());
        };
        let login = composer.login_command().unwrap();
        prop_assert_eq!(&login.exposed_argv()[6], &password);
        let shown = format!("{login} {login:?} {composer:?}");
        prop_assert!(!shown.contains("Zx9"));
    }
}

//! `completions` and `man`.

use std::io::Write as _;
use std::process::Stdio;

use crate::world::{World, finish};

/// The commands that the program's help lists.
fn commands(world: &World) -> Vec<String> {
    let help = world.run(&["--help"]).code(0).stdout;
    let (_, commands) = help.split_once("Commands:\n").unwrap();
    let (commands, _) = commands.split_once("\n\n").unwrap();
    let names = commands
        .lines()
        .filter_map(|line| line.strip_prefix("  ")?.split(' ').next())
        .filter(|name| !name.is_empty() && *name != "help");
    names.map(str::to_owned).collect()
}

#[test]
fn each_shell_completes_every_command() {
    let world = World::new();
    let commands = commands(&world);
    assert!(commands.len() >= 12, "{commands:?}");
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = world.run(&["completions", shell]).code(0).stdout;
        for command in &commands {
            assert!(script.contains(command), "{shell}: {command}");
        }
    }
    world.run(&["completions", "tcsh"]).code(2);
}

#[test]
fn bash_takes_its_completions() {
    let world = World::new();
    let script = world.run(&["completions", "bash"]).code(0).stdout;
    // Completes as for a person who has typed this much.
    let typed = "COMP_WORDS=(helion-deploy packages a)\nCOMP_CWORD=2\n\
                 function=$(complete -p helion-deploy | sed 's/.*-F \\([^ ]*\\).*/\\1/')\n\
                 $function helion-deploy a packages\necho \"${COMPREPLY[@]}\"\n";
    let path = world.path("completions.bash");
    std::fs::write(&path, format!("{script}\n{typed}")).unwrap();
    #[expect(
        clippy::disallowed_methods,
        reason = "the test runs the shell that the script is for"
    )]
    let mut bash = std::process::Command::new("bash");
    bash.args(["--norc", "-eu"]).arg(&path).stdin(Stdio::null());
    let finished = finish(bash).code(0);
    assert_eq!((&*finished.stdout, &*finished.stderr), ("add\n", ""));
}

/// What a shell prints that runs `script`, which finds the program's completions in
/// `_helion-deploy`; `None` where there is no such shell, which is said.
fn in_shell(shell: &str, flags: &[&str], script: &str) -> Option<String> {
    let folders = std::env::var_os("PATH").unwrap_or_default();
    if !std::env::split_paths(&folders).any(|folder| folder.join(shell).exists()) {
        let _ = writeln!(
            std::io::stderr(),
            "NOT TESTED: completions in {shell}, which is not installed"
        );
        return None;
    }
    let world = World::new();
    let completions = world.run(&["completions", shell]).code(0).stdout;
    std::fs::write(world.path("_helion-deploy"), completions).unwrap();
    let path = world.path("script");
    std::fs::write(&path, script).unwrap();
    #[expect(
        clippy::disallowed_methods,
        reason = "the test runs the shell that the completions are for"
    )]
    let mut command = std::process::Command::new(shell);
    command
        .args(flags)
        .arg(&path)
        .current_dir(world.root.path())
        .env("HOME", world.path("home"))
        .stdin(Stdio::null());
    let finished = finish(command).code(0);
    assert_eq!(finished.stderr, "");
    Some(finished.stdout)
}

#[test]
fn fish_completes() {
    let script = "source _helion-deploy
        for typed in 'pru' 'packages a' 'prune --old' 'deploy --client ' '--output ' \
            '--output json lis' 'completions f'
            echo \"$typed:\" (complete -C \"helion-deploy $typed\" | string split -f 1 \\t)
        end";
    if let Some(completed) = in_shell("fish", &["--no-config"], script) {
        let expected = "pru: prune\npackages a: add\nprune --old: --older-than\n\
                        deploy --client : cf helion\n--output : json text\n\
                        --output json lis: list\ncompletions f: fish\n";
        assert_eq!(completed, expected);
    }
}

#[test]
fn zsh_completes() {
    // As a person types it at the prompt, with a tab at the end; then the line is taken away, and
    // what the next one prints tells that the tab was acted on.
    let script = r#"
        zmodload zsh/zpty
        zpty z zsh -f -i
        zpty -w z 'PS1="at""-prompt "; fpath=($PWD $fpath); autoload -U compinit; compinit -u -D'
        for typed in rec 'packages sh' 'prune --old' '--output=j'; do
            zpty -r z shown '*at-prompt *'
            zpty -w -n z "helion-deploy $typed"$'\t'
            zpty -w -n z $'\x15'"print is-over-\$((40 + 2))"$'\n'
            zpty -r z shown '*is-over-42*'
            print -r -- "$shown"
        done
        zpty -d z
    "#;
    if let Some(shown) = in_shell("zsh", &["-f"], script) {
        for completed in ["recover", "packages show", "--older-than", "--output=json"] {
            assert!(shown.contains(completed), "{completed}: {shown}");
        }
    }
}

#[test]
fn the_manual_has_a_page_for_every_command() {
    let world = World::new();
    let page = world.run(&["man"]).code(0).stdout;
    assert!(page.contains(".TH helion-deploy 1"), "{page}");
    let folder = world.path("man/man1");
    let written = world.run(&["man", "--dir", folder.to_str().unwrap()]);
    let written = written.code(0).stdout;
    for command in commands(&world) {
        let path = folder.join(format!("helion-deploy-{command}.1"));
        assert!(path.exists(), "{command}");
        assert!(written.contains(path.to_str().unwrap()), "{written}");
    }
    assert!(folder.join("helion-deploy-packages-add.1").exists());
    let file = world.path("temp/file");
    std::fs::write(&file, "").unwrap();
    world.run(&["man", "--dir", file.to_str().unwrap()]).code(1);
}

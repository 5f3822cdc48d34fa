//! `cargo xtask documents`: runs the shell blocks of the README, the guides and the reference, as they
//! stand there, and the examples.
//!
//! The blocks of a document run one after the other in one shell, with the stand-in in place of the
//! platform's clients and a home of their own. What a reader has to fill in is filled in.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};

use crate::shell::{Call, say};
use crate::unchecked::{self, Unchecked};
use crate::usage_error;
use crate::workspace::Workspace;

/// What a document's reader has, or makes, before its first block: the package, also in the store,
/// and clients on the PATH. `cargo run` runs what is built already.
const BEFORE: &str = r#"
set -euo pipefail
mkdir bin package hello-world
cat > bin/cargo <<'EOF'
#!/bin/sh
set -eu
program=helion-deploy
[ "$1" = run ]; shift
until [ "$1" = -- ]; do
    case $1 in
        --release) ;;
        --package) program=$2; shift ;;
        *) echo "cargo run $1 is not known here" >&2; exit 2 ;;
    esac
    shift
done
shift
exec "$BUILT/$program" "$@"
EOF
chmod +x bin/cargo
ln -s "$BUILT/helion-deploy" bin/helion-deploy
echo hello > hello-world/index.html
mkdir package/hello-world
tar -czf package/hello-world/hello-world.tar.gz hello-world
tar -C package -czf hello-world.tar.gz hello-world
"$BUILT/standin" init clients
"$BUILT/standin" link clients
export STANDIN_PLATFORM="$PWD/clients" PATH="$PWD/bin:$PWD/clients/bin:$PATH" HELION_PASSWORD=any
helion-deploy packages add hello-world.tar.gz
"#;

/// After a block, the newest deployment is the one that the next block means.
const AFTER_BLOCK: &str = r#"
ID=$(helion-deploy --output json list --limit 1 | sed -n 's/.*"deploy_id": "\(.*\)",/\1/p')
"#;

/// The examples that are programs, as their first lines tell to call them.
const EXAMPLES: &str = r#"
export STORE_URL=sqlite:store.sqlite
helion-deploy packages add hello-world.tar.gz
set -x
"$BUILT/examples/embed" https://api.example.com admin | tee embedded
"$BUILT/examples/watch" "$(cut -d ' ' -f 1 embedded)" | grep SUCCESS
"$BUILT/examples/own_platform" hello-world.tar.gz served
"$BUILT/examples/fakes"
{ set +x; } 2> /dev/null
grep hello served/hello-world/index.html
"#;

/// What stands in the documents for what each reader has another one of.
const FILLED_IN: &[(&str, &str)] = &[
    (
        "01a1b2c3-…",
        "$(helion-deploy --output json list --limit 1 | sed -n 's/.*\"deploy_id\": \"\\(.*\\)\",/\\1/p')",
    ),
    ("=…", "=any"),
    ("/tmp/", "./"),
];

/// Blocks that hold one of these are run elsewhere: by CI itself, or by the tests on a real Swift.
const ELSEWHERE: &[&str] = &["cargo xtask", "OS_AUTH_URL"];

/// Other names of what `sh` names.
const NOT_RUN: &[&str] = &["bash", "console", "shell", "zsh"];

/// Blocks that hold this are run where that program is.
const JQ: &str = "| jq ";

/// The command.
pub(crate) fn run(arguments: &[String]) -> Result<()> {
    if !arguments.is_empty() {
        return Err(usage_error("`documents` takes nothing"));
    }
    unchecked::tell(&check()?);
    Ok(())
}

/// Runs all blocks, up to the first that fails.
pub(crate) fn check() -> Result<Unchecked> {
    let workspace = Workspace::load()?;
    let build = [
        "build",
        "--locked",
        "--workspace",
        "--bins",
        "--examples",
        "--all-features",
    ];
    Call::cargo(&workspace.root, &build).run()?;
    let has_jq = Call::new("jq", &workspace.root, &["--version"])
        .read()
        .is_ok();
    let (mut unchecked, mut count) = (Unchecked::new(), 0);
    for document in documents(&workspace.root)? {
        let text = fs::read_to_string(&document)
            .with_context(|| format!("failed to read {}", document.display()))?;
        let name = document.strip_prefix(&workspace.root).unwrap_or(&document);
        let name = name.display();
        let (mut blocks, elsewhere): (Vec<_>, Vec<_>) = blocks(&text)
            .with_context(|| format!("failed to understand {name}"))?
            .into_iter()
            .partition(|block| ELSEWHERE.iter().all(|word| !block.contains(word)));
        if !has_jq && blocks.iter().any(|block| block.contains(JQ)) {
            unchecked.push(format!("what pipes to jq in {name}, for there is no jq"));
            blocks.retain(|block| !block.contains(JQ));
        }
        if !blocks.is_empty() {
            count += blocks.len();
            say(&format!(
                "\n{name}: {} blocks, {} are run elsewhere",
                blocks.len(),
                elsewhere.len()
            ));
            run_in_shell(&workspace, &script(&blocks))
                .with_context(|| format!("the shell blocks of {name} do not work"))?;
        }
    }
    if count == 0 {
        bail!("no document has a shell block");
    }
    say("\nthe examples");
    run_in_shell(&workspace, &format!("{BEFORE}{EXAMPLES}")).context("an example does not work")?;
    Ok(unchecked)
}

/// The README, the guides and the reference.
fn documents(root: &Path) -> Result<Vec<PathBuf>> {
    let mut documents = vec![root.join("README.md")];
    for folder in ["docs/guides", "docs/reference"] {
        for entry in fs::read_dir(root.join(folder))? {
            documents.push(entry?.path());
        }
    }
    documents.retain(|path| path.extension().is_some_and(|extension| extension == "md"));
    documents.sort();
    Ok(documents)
}

/// The code between lines of three backticks and `sh`, and of three backticks.
fn blocks(text: &str) -> Result<Vec<String>> {
    let mut blocks = Vec::new();
    // Whether the open block is one of them, and its lines so far.
    let mut open: Option<(bool, String)> = None;
    for line in text.lines() {
        let marked = line.trim_start().strip_prefix("```");
        open = match (open, marked) {
            (None, Some(language)) => {
                if NOT_RUN.contains(&language) {
                    bail!("a block of `{language}` would not be run: `sh` is");
                }
                Some((language == "sh", String::new()))
            }
            (None, None) => None,
            (Some((is_shell, block)), Some("")) => {
                blocks.extend(is_shell.then_some(block));
                None
            }
            (Some((is_shell, block)), _) => Some((is_shell, block + line + "\n")),
        };
    }
    if open.is_some() {
        bail!("the last block has no end");
    }
    Ok(blocks)
}

fn script(blocks: &[String]) -> String {
    let mut script = BEFORE.to_owned();
    for block in blocks {
        let filled_in = FILLED_IN
            .iter()
            .fold(block.clone(), |block, (from, to)| block.replace(from, to));
        script += "set -x\n";
        script += &filled_in;
        script += "{ set +x; } 2> /dev/null\n";
        script += AFTER_BLOCK;
    }
    script
}

fn run_in_shell(workspace: &Workspace, script: &str) -> Result<()> {
    let folder = workspace.target.join("documents");
    if folder.exists() {
        fs::remove_dir_all(&folder)?;
    }
    fs::create_dir_all(folder.join("home"))?;
    let path = folder.join("script.sh");
    fs::write(&path, script)?;
    let built = workspace.target.join("debug");
    let home = folder.join("home");
    // Not every `sh` tells that the first program of a pipe failed.
    Call::new("bash", &folder, &["script.sh"])
        .env("BUILT", built.to_string_lossy())
        .env("HOME", home.to_string_lossy())
        .env("XDG_DATA_HOME", home.to_string_lossy())
        .env("XDG_CONFIG_HOME", home.to_string_lossy())
        .env("TMPDIR", home.to_string_lossy())
        .run()?;
    Ok(fs::remove_dir_all(&folder)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_shell_blocks_are_taken() {
        let text = "a\n```sh\nb\nc\n```\n```rust\nd\n```\n```sh\ne\n```\n";
        assert_eq!(blocks(text).unwrap(), ["b\nc\n", "e\n"]);
        let in_list = "- a\n  ```sh\n  b\n  ```\n";
        assert_eq!(blocks(in_list).unwrap(), ["  b\n"]);
    }

    #[test]
    fn a_block_that_would_not_be_run_does_not_pass() {
        let refused = |text: &str| blocks(text).unwrap_err().to_string();
        assert_eq!(
            refused("```bash\na\n```\n"),
            "a block of `bash` would not be run: `sh` is"
        );
        assert_eq!(refused("```sh\na\n"), "the last block has no end");
    }

    #[test]
    fn the_backend_of_the_guide_is_the_one_that_the_suite_proves() {
        let guide = include_str!("../../docs/guides/write-a-store-backend.md");
        let proved = include_str!("../../crates/store/examples/own_backend.rs");
        let (_, code) = guide.split_once("```rust\n").unwrap();
        let (backend, _) = code.split_once("```\n").unwrap();
        assert!(backend.contains("impl IStore for MapStore"), "{backend}");
        assert!(proved.contains(backend), "they differ");
    }

    #[test]
    fn what_a_reader_fills_in_is_filled_in() {
        let blocks = ["export HELION_PASSWORD=…\nls /tmp/platform\n".to_owned()];
        let script = script(&blocks);
        assert!(
            script.contains("\nexport HELION_PASSWORD=any\nls ./platform\n"),
            "{script}"
        );
    }
}

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

/// The language of the blocks that are run.
const SHELL: &str = "sh";

/// The languages of those that are not: another one may be of a shell, too.
const NOT_RUN: &[&str] = &["json", "rust", "text", "toml"];

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

/// The code between a line of at least three backticks and `sh`, and one of as many backticks.
fn blocks(text: &str) -> Result<Vec<String>> {
    let mut blocks = Vec::new();
    // How many backticks end the open block, whether it is one of them, and its lines so far.
    let mut open: Option<(usize, bool, String)> = None;
    for line in text.lines() {
        open = match open {
            None => begin(line)?.map(|(marks, is_shell)| (marks, is_shell, String::new())),
            Some((marks, is_shell, block)) if is_end(line, marks) => {
                blocks.extend(is_shell.then_some(block));
                None
            }
            Some((marks, is_shell, block)) => Some((marks, is_shell, block + line + "\n")),
        };
    }
    if open.is_some() {
        bail!("the last block has no end");
    }
    Ok(blocks)
}

/// How many backticks a line has that begins a block, and whether that is one of `sh`; what a block
/// begins with that could be of a shell and would not be run is refused.
fn begin(line: &str) -> Result<Option<(usize, bool)>> {
    let line = line.trim();
    let in_quote_or_item = line.trim_start_matches(|mark: char| {
        mark.is_whitespace() || mark.is_ascii_digit() || ">-*+.)".contains(mark)
    });
    let information = in_quote_or_item.trim_start_matches('`');
    let marks = in_quote_or_item.len() - information.len();
    // Behind the marks of a block stands no backtick: with one, they are those of code in a line.
    let is_block = marks >= 3 && !information.contains('`');
    if in_quote_or_item.starts_with("~~~") || (is_block && in_quote_or_item != line) {
        bail!("the block at `{line}` would not be run: one that begins with backticks is");
    }
    if !is_block {
        return Ok(None);
    }
    let mut words = information.split(|c: char| c.is_whitespace() || c == ',');
    let language = words.find(|word| !word.is_empty()).unwrap_or_default();
    let language = language.to_lowercase();
    if language != SHELL && !NOT_RUN.contains(&language.as_str()) {
        bail!("a block of `{language}` would not be run: `{SHELL}` is");
    }
    Ok(Some((marks, language == SHELL)))
}

/// Whether a line of so many backticks, or more, ends the block.
fn is_end(line: &str, marks: usize) -> bool {
    let line = line.trim();
    line.len() >= marks && line.chars().all(|c| c == '`')
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
        for shell in [
            "``` sh",
            "```sh title",
            "```sh ",
            "```\tSH",
            "````sh",
            "```sh,ignore",
        ] {
            let text = format!("{shell}\na\n````\n");
            assert_eq!(blocks(&text).unwrap(), ["a\n"], "{shell}");
        }
        let quoting = "````text\n```sh\na\n```\n````\n```sh\n~~~\n> ```\n``` \n";
        assert_eq!(blocks(quoting).unwrap(), ["~~~\n> ```\n"]);
        let inline = "- ```a``` is code\n~~no~~\n> a\n";
        assert_eq!(blocks(inline).unwrap(), [""; 0]);
    }

    #[test]
    fn every_document_is_understood() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        for document in documents(root).unwrap() {
            let text = fs::read_to_string(&document).unwrap();
            blocks(&text).unwrap_or_else(|error| panic!("{}: {error}", document.display()));
        }
    }

    #[test]
    fn a_block_that_would_not_be_run_does_not_pass() {
        let refused = |text: &str| blocks(text).unwrap_err().to_string();
        assert_eq!(
            refused("```bash\na\n```\n"),
            "a block of `bash` would not be run: `sh` is"
        );
        assert_eq!(refused("```sh\na\n"), "the last block has no end");
        for (text, expected) in [
            (
                "```Bash\na\n```\n",
                "a block of `bash` would not be run: `sh` is",
            ),
            (
                "```{.sh}\na\n```\n",
                "a block of `{.sh}` would not be run: `sh` is",
            ),
            (
                "~~~sh\na\n~~~\n",
                "the block at `~~~sh` would not be run: one that begins with backticks is",
            ),
            (
                "> ```sh\n> a\n> ```\n",
                "the block at `> ```sh` would not be run: one that begins with backticks is",
            ),
            (
                "- ```sh\n  a\n  ```\n",
                "the block at `- ```sh` would not be run: one that begins with backticks is",
            ),
            (
                "1. ~~~ sh\n  a\n",
                "the block at `1. ~~~ sh` would not be run: one that begins with backticks is",
            ),
        ] {
            assert_eq!(refused(text), expected);
        }
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

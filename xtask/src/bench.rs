//! `cargo xtask bench`: the benchmarks in full; CI runs their short forms with the tests.

use anyhow::Result;

use crate::services::Services;
use crate::shell::Call;
use crate::unchecked;
use crate::usage_error;
use crate::workspace::root;

/// A benchmark, and the crate whose bench target it is.
struct Bench {
    name: &'static str,
    package: &'static str,
    needs: Needs,
}

/// What a benchmark runs against.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Needs {
    Nothing,
    Swift,
}

const BENCHES: &[Bench] = &[
    Bench {
        name: "deploy",
        package: "helion-deploy",
        needs: Needs::Nothing,
    },
    Bench {
        name: "store",
        package: "store",
        needs: Needs::Nothing,
    },
    Bench {
        name: "batch",
        package: "batch",
        needs: Needs::Nothing,
    },
    Bench {
        name: "swift",
        package: "store",
        needs: Needs::Swift,
    },
];

/// Runs the named benchmark.
pub(crate) fn run(names: &[String]) -> Result<()> {
    let [name] = names else {
        return Err(usage_error("`bench` takes the name of one benchmark"));
    };
    let Some(bench) = BENCHES.iter().find(|bench| bench.name == name) else {
        return Err(usage_error(format!("no such benchmark: `{name}`")));
    };
    let arguments = [
        "bench",
        "--locked",
        "--all-features",
        "--package",
        bench.package,
        "--bench",
        bench.name,
    ];
    let call = Call::cargo(&root(), &arguments);
    match bench.needs {
        Needs::Nothing => call.run(),
        Needs::Swift => {
            unchecked::tell(&Services::locate()?.run(&["swift"], call)?);
            Ok(())
        }
    }
}

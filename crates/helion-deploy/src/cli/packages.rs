//! The command line of `packages`.

use std::path::PathBuf;

use clap::{Subcommand, ValueHint};

#[derive(Debug, Subcommand)]
pub(crate) enum Packages {
    /// Check a package archive and add it, replacing one of the same name
    Add {
        /// The archive; `foo.tar.gz` becomes package `foo`.
        #[arg(value_hint = ValueHint::FilePath)]
        file: PathBuf,
    },
    /// List the packages
    List {
        /// Only packages in whose name, tags or other texts this occurs.
        keyword: Option<String>,
    },
    /// Show a package's manifest
    Show {
        /// The package.
        name: String,
    },
    /// Remove a package
    Remove {
        /// The package.
        name: String,
    },
}

//! The command line of `packages`.

use std::path::PathBuf;

use clap::{Subcommand, ValueHint};

use crate::examples;

#[derive(Debug, Subcommand)]
pub(crate) enum Packages {
    /// Check a package archive and add it, replacing one of the same name
    #[command(after_long_help = examples::PACKAGES_ADD)]
    Add {
        /// The archive; `foo.tar.gz` becomes package `foo`.
        #[arg(value_hint = ValueHint::FilePath)]
        file: PathBuf,
    },
    /// List the packages
    #[command(after_long_help = examples::PACKAGES_LIST)]
    List {
        /// Only packages in whose name, tags or other texts this occurs.
        keyword: Option<String>,
    },
    /// Show a package's manifest
    #[command(after_long_help = examples::PACKAGES_SHOW)]
    Show {
        /// The package.
        name: String,
    },
    /// Remove a package
    #[command(after_long_help = examples::PACKAGES_REMOVE)]
    Remove {
        /// The package.
        name: String,
    },
}

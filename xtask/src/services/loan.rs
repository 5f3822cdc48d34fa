//! Servers for as long as one call runs.

use std::io::{BufRead as _, BufReader};
use std::process::Child;

use anyhow::{Result, bail};

use crate::shell::Call;

/// Servers that are up as long as somebody holds the other end of their lender's standard input:
/// when this process is killed, the system lets go of it.
#[derive(Debug)]
pub(super) struct Loan {
    lender: Child,
    environment: String,
}

impl Loan {
    /// Starts the lender, and waits until the servers are up.
    pub(super) fn take(lender: &Call) -> Result<Self> {
        let mut lender = lender.start()?;
        let mut environment = String::new();
        if let Some(output) = lender.stdout.take() {
            BufReader::new(output).read_line(&mut environment)?;
        }
        let environment = environment.trim_end().to_owned();
        let loan = Self {
            lender,
            environment,
        };
        if loan.environment.is_empty() {
            // It has taken down what it started, and said what is wrong.
            loan.give_back()?;
            bail!("the servers did not start");
        }
        Ok(loan)
    }

    /// The file that says how to reach them.
    pub(super) fn environment(&self) -> &str {
        &self.environment
    }

    /// Has the servers ended that were not up before.
    pub(super) fn give_back(mut self) -> Result<()> {
        // Waiting closes the lender's standard input.
        let status = self.lender.wait()?;
        if !status.success() {
            bail!("the program that lends the servers failed with {status}");
        }
        Ok(())
    }
}

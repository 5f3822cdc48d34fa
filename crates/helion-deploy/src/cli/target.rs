//! What is deployed, and where.
#![expect(
    clippy::doc_markdown,
    reason = "the comments of the arguments are the program's help, no Markdown"
)]

use std::time::Duration;

use clap::Args;

use super::Client;
use crate::setting;

/// What is deployed, and where: what `deploy` takes, and `plan` too.
#[derive(Debug, Args)]
pub(crate) struct Target {
    /// The package in the store, or, with a `/` in it, an archive on this machine.
    pub(crate) package: String,

    /// The address of the platform's API, with https in front (or http)
    ///
    /// Also HELION_ENDPOINT, or `endpoint` in the configuration file; one of them is needed.
    #[arg(long, value_name = "URL")]
    pub(crate) endpoint: Option<String>,

    /// Who logs in
    ///
    /// Also HELION_USERNAME, or `username` in the configuration file; one of them is needed.
    #[arg(long, value_name = "USER")]
    pub(crate) username: Option<String>,

    /// The platform's client, found on PATH: helion unless set
    ///
    /// Also HELION_CLIENT, or `client` in the configuration file.
    #[arg(long, value_name = "CLIENT")]
    pub(crate) client: Option<Client>,

    /// The application's name on the platform; the package's unless given.
    #[arg(long, value_name = "NAME")]
    pub(crate) name: Option<String>,

    /// The organization to deploy to, with --space
    ///
    /// Also HELION_ORG, or `org` in the configuration file.
    #[arg(long, value_name = "ORG")]
    pub(crate) org: Option<String>,

    /// The space to deploy to, with --org
    ///
    /// Also HELION_SPACE, or `space` in the configuration file.
    #[arg(long, value_name = "SPACE")]
    pub(crate) space: Option<String>,

    /// How long the whole deployment may take, for example 90s or 15m
    ///
    /// Also HELION_TIMEOUT, or `timeout` in the configuration file.
    #[arg(long, value_name = "DURATION", value_parser = setting::duration)]
    pub(crate) timeout: Option<Duration>,
}

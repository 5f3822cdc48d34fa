//! Stores that wrap a store: what is worth having over any of them.

mod builder;
mod prefix;
mod retry;
mod timeout;
mod traced;

pub use self::builder::StoreBuilder;
pub use self::prefix::Prefix;
#[cfg(feature = "swift")]
pub(crate) use self::retry::Attempts;
pub use self::retry::{Retry, RetryOptions};
#[cfg(feature = "swift")]
pub(crate) use self::timeout::Progress;
pub use self::timeout::{Timeout, TimeoutOptions};
pub use self::traced::Traced;

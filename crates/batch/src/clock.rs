//! The one place where this crate reads the wall clock.

use std::time::SystemTime;

/// The wall clock's time, which is only shown, never compared.
#[expect(
    clippy::disallowed_methods,
    reason = "the one place; only shown in reports"
)]
pub(crate) fn now() -> SystemTime {
    SystemTime::now()
}

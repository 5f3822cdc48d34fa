//! The signals that the programs of the tests hear, whoever runs the tests.

use std::sync::Once;

use tokio::signal::unix::{SignalKind, signal};

use crate::ignored_signals::IgnoredSignals;

/// Has programs that are started from now on hear signals that this process was told to ignore, as
/// under `nohup`: what is ignored stays so in a child, and what is handled does not.
pub(crate) fn hear_signals() {
    static HEARD: Once = Once::new();
    HEARD.call_once(|| {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_io()
            .build()
            .unwrap();
        let _entered = runtime.enter();
        let ignored = IgnoredSignals::now();
        for kind in [SignalKind::hangup(), SignalKind::interrupt()] {
            // Others end the tests as they always do.
            if ignored.contains(kind) {
                drop(signal(kind).unwrap());
            }
        }
    });
}

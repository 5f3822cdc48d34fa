//! The suite, on real servers.
//!
//! It runs on the plain instance by `TempAuth` and on the harsh one by Keystone; with the variable
//! `SWIFT_CONFORMANCE=all`, which `cargo xtask services test` sets, also the other way round.

use std::sync::Once;

use store::conformance::{Subject, run};
use store::{KeystoneAuth, KeystoneName, SwiftAuth, SwiftOptions, SwiftStore};

use crate::world::{Instance, World, fresh_container, say_untested};

/// What asks for the long form.
const VARIABLE: &str = "SWIFT_CONFORMANCE";

/// Who tells Swift who asks.
#[derive(Clone, Copy, PartialEq, Eq)]
enum By {
    TempAuth,
    Keystone,
}

impl By {
    /// The server that such requests go to.
    fn proxy(self) -> &'static str {
        match self {
            Self::TempAuth => "proxy",
            Self::Keystone => "keystone-proxy",
        }
    }

    fn auth(self, instance: &Instance) -> Option<SwiftAuth> {
        if self == Self::TempAuth {
            let user = &instance.tempauth.users[0];
            let url = &*instance.tempauth.auth_url;
            return Some(SwiftAuth::v1(url, &*user.name, &*user.key));
        }
        let keystone = instance.keystone()?;
        let user = &keystone.users[0];
        let in_domain =
            |name: &str| KeystoneName::new(name).in_domain_id(keystone.domain_id.as_str());
        let auth =
            KeystoneAuth::password(&*keystone.auth_url, in_domain(&user.name), &*user.password);
        let auth = auth.with_project(in_domain(&user.project));
        // The catalog names the Swifts of all instances.
        Some(auth.with_region(&*keystone.region).into())
    }
}

/// Opens a container. A Keystone on `SQLite` fails for now where two ask at a time.
async fn open(
    instance: &'static Instance,
    by: By,
    auth: SwiftAuth,
    container: String,
) -> SwiftStore {
    let options = SwiftOptions::new(container, auth)
        // What waits in a busy server must not wait for longer than a token of 4 seconds lives.
        .with_max_requests(if instance.token_seconds < 60 { 8 } else { 32 });
    let mut tries = 0;
    loop {
        match SwiftStore::open(options.clone()).await {
            Ok(store) => {
                // It tells the address of the account, once it has a token.
                let port = instance.ports[by.proxy()];
                let told = format!("{store:?}");
                assert!(told.contains(&format!("127.0.0.1:{port}/")), "{told}");
                return store;
            }
            Err(error) if error.is_retryable() && tries < 20 => tries += 1,
            Err(error) => panic!("{error:?}"),
        }
    }
}

/// Runs a check on an instance, where there is one.
async fn check(test: &'static str, check: &str, instance: &'static str, by: By) {
    let Some(world) = World::get() else {
        return;
    };
    let instance = world.instance(instance);
    let Some(auth) = by.auth(instance) else {
        return;
    };
    let make = || async { ((), fresh_container()) };
    let subject = Subject::of_places(test, make, move |container| {
        open(instance, by, auth.clone(), container)
    });
    if let Err(violation) = run(check, &subject).await {
        panic!("{violation}");
    }
}

/// The same, where the long form is asked for.
async fn check_if_all(test: &'static str, name: &str, instance: &'static str, by: By) {
    static SAID: Once = Once::new();
    if std::env::var_os(VARIABLE).is_some_and(|asked| asked == "all") {
        check(test, name, instance, by).await;
    } else {
        SAID.call_once(|| {
            say_untested("Keystone on the plain Swift, TempAuth on the harsh one: `cargo xtask services test` does");
        });
    }
}

macro_rules! on_servers {
    (
        ($check:ident, $instance:literal, $by:ident)
        stores { $($_a:ident :: $store:ident)* }
        subjects { $($_b:ident :: $several:ident)* }
        places { $($_c:ident :: $place:ident)* }
    ) => {
        on_servers! { @ ($check, $instance, $by) $($store)* $($several)* $($place)* }
    };
    (@ $given:tt $($check:ident)*) => {
        $( on_servers! { @one $given $check } )*
    };
    (@one ($run:ident, $instance:literal, $by:ident) $check:ident) => {
        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $check() {
            let test = concat!(module_path!(), "::", stringify!($check));
            super::$run(test, stringify!($check), $instance, super::By::$by).await;
        }
    };
}

/// One copy of everything, and Swift's own limits.
mod plain {
    store::__each_check! { on_servers, (check, "plain", TempAuth) }
}

/// Three copies, tokens of 4 seconds, pages of 50 names, and objects of 1 MiB.
mod harsh {
    store::__each_check! { on_servers, (check, "harsh", Keystone) }
}

mod plain_by_keystone {
    store::__each_check! { on_servers, (check_if_all, "plain", Keystone) }
}

mod harsh_by_tempauth {
    store::__each_check! { on_servers, (check_if_all, "harsh", TempAuth) }
}

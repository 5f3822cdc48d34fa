//! The suite, on real servers.

use store::SwiftStore;
use store::conformance::{Subject, run};

use crate::world::{World, fresh_container};

/// Runs a check on an instance, where there is one.
async fn check(test: &'static str, check: &str, instance: &'static str) {
    let Some(world) = World::get() else {
        return;
    };
    let make = || async { ((), fresh_container()) };
    let open = move |container| async move {
        let mut options = world.instance(instance).place();
        options.container = container;
        SwiftStore::open(options).await.unwrap()
    };
    let subject = Subject::of_places(test, make, open);
    if let Err(violation) = run(check, &subject).await {
        panic!("{violation}");
    }
}

macro_rules! on_servers {
    (
        ($instance:literal)
        stores { $($_a:ident :: $store:ident)* }
        subjects { $($_b:ident :: $several:ident)* }
        places { $($_c:ident :: $place:ident)* }
    ) => {
        on_servers! { @ $instance $($store)* $($several)* $($place)* }
    };
    (@ $instance:literal $($check:ident)*) => {
        $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $check() {
                let test = concat!(module_path!(), "::", stringify!($check));
                super::check(test, stringify!($check), $instance).await;
            }
        )*
    };
}

/// One copy of everything, and Swift's own limits.
mod plain {
    store::__each_check! { on_servers, ("plain") }
}

/// Three copies, tokens of 4 seconds, pages of 50 names, and objects of 1 MiB.
mod harsh {
    store::__each_check! { on_servers, ("harsh") }
}

//! The tests that are made of the checks.

/// Makes one `#[tokio::test]` of each check of the suite, in the module where it stands.
///
/// `store_conformance!(make_store)` is for any store, `store_conformance!(make_place, open_store)`
/// for one that others can open too; see [`conformance`](crate::conformance).
///
/// # Examples
///
/// In a test module:
///
/// ```
/// # #[cfg(feature = "memory")]
/// mod tests {
///     async fn make_store() -> store::MemoryStore {
///         store::MemoryStore::new()
///     }
///
///     store::store_conformance!(make_store);
/// }
/// ```
#[macro_export]
macro_rules! store_conformance {
    ($make:path) => {
        $crate::__each_check! { $crate::__tests, ($crate::conformance::Subject::of_stores => $make) }
    };
    ($make:path, $open:path) => {
        $crate::__each_check! {
            $crate::__tests, ($crate::conformance::Subject::of_places => $make, $open)
        }
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __tests {
    (
        ($subject:path => $make:path $(, $open:path)?)
        stores { $($_a:ident :: $store:ident)* }
        subjects { $($_b:ident :: $several:ident)* }
        places { $($_c:ident :: $place:ident)* }
    ) => {
        $crate::__tests! { @ ($subject => $make $(, $open)?) $($store)* $($several)* }
        $crate::__tests! { @places ($subject => $make $(, $open)?) $($place)* }
    };
    // Without an opener there is no second one.
    (@places ($subject:path => $make:path) $($check:ident)*) => {};
    (@places $given:tt $($check:ident)*) => {
        $crate::__tests! { @ $given $($check)* }
    };
    (@ $given:tt $($check:ident)*) => {
        $( $crate::__tests! { @one $given $check } )*
    };
    (@one ($subject:path => $make:path $(, $open:path)?) $check:ident) => {
        #[::tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $check() {
            let test = ::core::concat!(::core::module_path!(), "::", ::core::stringify!($check));
            let subject = $subject(test, $make $(, $open)?);
            if let Err(violation) =
                $crate::conformance::run(::core::stringify!($check), &subject).await
            {
                ::core::panic!("{violation}");
            }
        }
    };
}

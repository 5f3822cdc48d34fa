//! The suite that proves a store: every behaviour of [`IStore`](crate::IStore)'s contract, one test
//! each.
//!
//! A store that nothing but itself can reach is tested by one line,
//! [`store_conformance!`](crate::store_conformance!) with an async function that makes one; the
//! test crate needs `tokio` with `macros` and `rt-multi-thread`:
//!
//! ```
//! # #[cfg(feature = "memory")]
//! mod tests {
//!     async fn make_store() -> store::MemoryStore {
//!         store::MemoryStore::new()
//!     }
//!
//!     store::store_conformance!(make_store);
//! }
//! ```
//!
//! The function may return a pair of a guard and a store: the guard, such as a temporary
//! directory, lives as long as the store.
//!
//! A store whose files others can open, by an address that fits in a text, is tested by two
//! functions: one makes a fresh place, as a pair of a guard and the address, the other opens it. It
//! is then also checked against a second store on the same files, in this process and in others,
//! and against being killed:
//!
//! ```
//! # #[cfg(all(feature = "fs", unix))]
//! mod tests {
//!     use store::{FsOptions, FsStore};
//!     use tempfile::TempDir;
//!
//!     async fn make_place() -> (TempDir, String) {
//!         let directory = tempfile::tempdir().unwrap();
//!         let address = directory.path().to_str().unwrap().to_owned();
//!         (directory, address)
//!     }
//!
//!     async fn open_store(address: String) -> FsStore {
//!         FsStore::open(address, FsOptions::default()).await.unwrap()
//!     }
//!
//!     store::store_conformance!(make_place, open_store);
//! }
//! ```
//!
//! [`Capabilities`](crate::Capabilities) pick what is asked of a store, and are held against it. A
//! check whose subject they exclude says so on standard error; that the store refuses what they
//! exclude is a check of its own. The store has to take names of 100 bytes, files of 10 MiB, or
//! of 32 MiB where it declares no maximum below that, and some 200 MiB in all.
//!
//! A failed test tells the clause of the contract that is broken and what was seen. [`run`] runs
//! one check by name and returns that as a value.
//!
//! Other processes are the test program itself, started again with the one test's name, so the
//! tests must be those of Rust's own harness. `CONFORMANCE_KILLS` sets how often a saver is
//! killed, 10 times by default.

mod calls;
mod cancellation;
mod capabilities;
mod child;
mod contents;
mod folders;
mod freshness;
mod harness;
mod kill;
mod listing;
mod memory;
mod model;
mod names;
mod paging;
mod races;
mod ranges;
mod samples;
mod saver;
mod saving;
mod sharing;
mod straggler;
mod subject;
mod violation;

pub use self::model::check_against_model;
pub use self::subject::{Fresh, Subject};
pub use self::violation::{Clause, Violation};

/// Every check there is: those that need a store, more than one, or one that others can open.
#[doc(hidden)]
#[macro_export]
macro_rules! __each_check {
    ($then:path, $given:tt) => {
        $then! {
            $given
            stores {
                contents::a_saved_file_is_read_back_with_its_info
                contents::empty_and_one_byte_files_are_files
                contents::files_of_every_length_around_a_block_survive
                contents::pieces_of_any_size_make_the_same_file
                contents::a_missing_file_is_not_found
                contents::a_deleted_file_is_gone_and_can_be_saved_again
                contents::a_read_that_has_begun_keeps_its_version
                contents::content_type_and_metadata_go_with_the_version
                freshness::what_is_asked_for_beside_a_change_is_forgotten
                ranges::ranges_are_those_of_the_bytes
                ranges::ranges_past_the_end_are_refused
                ranges::many_ranges_are_read_at_once
                listing::an_empty_store_lists_nothing
                listing::a_prefix_is_of_bytes_and_not_of_segments
                listing::a_listed_info_is_the_files_own
                listing::a_listing_shows_every_change
                listing::a_file_that_is_replaced_stays_listed
                paging::pages_are_sorted_and_complete_in_both_orders
                paging::a_page_of_no_files_is_refused
                paging::a_page_begins_past_any_text
                paging::a_page_holds_as_many_files_as_were_asked_for
                paging::a_file_that_stays_is_listed_once_whatever_else_happens
                names::awkward_names_are_kept_byte_for_byte
                names::names_that_differ_a_little_stay_apart
                names::the_longest_names_are_kept
                names::names_that_are_too_long_for_the_store_are_refused
                names::names_like_a_stores_own_are_kept
                names::texts_that_are_no_names_list_nothing
                folders::a_file_and_a_folder_of_one_name_exclude_each_other
                folders::a_folder_goes_with_its_last_file
                saving::create_refuses_what_exists
                saving::update_replaces_only_the_version_it_names
                saving::every_save_gives_another_etag
                saving::an_etag_never_comes_back
                saving::a_save_shows_nothing_before_it_ends
                saving::of_two_saves_the_last_to_end_stays
                saving::refused_options_are_refused_before_the_contents_are_read
                saving::what_is_saved_after_a_long_file_is_deleted_stays
                cancellation::a_dropped_save_leaves_nothing
                cancellation::a_save_dropped_at_any_moment_happens_whole_or_not_at_all
                straggler::a_dropped_save_replaces_no_later_one
                straggler::a_dropped_save_that_waits_replaces_no_later_one
                cancellation::a_broken_stream_leaves_nothing
                cancellation::a_wrong_size_leaves_nothing
                cancellation::a_wrong_sha256_leaves_nothing
                races::one_of_many_creators_wins
                races::one_of_many_streaming_creators_wins
                races::one_of_many_updaters_wins
                races::no_increment_is_lost
                races::readers_see_the_old_or_the_new_version
                races::many_savers_at_once_all_succeed
                races::a_file_and_its_folder_raced_leave_one_of_them
                races::saves_and_deletes_raced_leave_a_whole_file_or_none
                capabilities::claims_never_change
                capabilities::what_is_declared_unsupported_is_refused
                capabilities::what_is_declared_supported_is_done
                capabilities::the_declared_maximum_size_is_kept
            }
            subjects {
                memory::a_large_file_passes_in_bounded_memory
                model::any_calls_agree_with_a_model
            }
            places {
                sharing::files_survive_a_reopening
                sharing::every_opener_sees_every_change
                sharing::an_opening_leaves_living_savers_alone
                sharing::one_of_many_creators_in_several_processes_wins
                sharing::one_of_many_updaters_in_several_processes_wins
                sharing::no_increment_of_several_processes_is_lost
                sharing::readers_in_another_process_see_the_old_or_the_new_version
                kill::a_killed_saver_leaves_what_it_was_told_is_saved_and_nothing_else
            }
        }
    };
}

macro_rules! suite {
    (
        ()
        stores { $($store_module:ident :: $store:ident)* }
        subjects { $($several_module:ident :: $several:ident)* }
        places { $($place_module:ident :: $place:ident)* }
    ) => {
        /// The names of the checks that any store has to pass.
        pub const CHECKS: &[&str] = &[$(stringify!($store),)* $(stringify!($several),)*];

        /// The names of the checks that a store has to pass which others can open too.
        pub const SHARED_CHECKS: &[&str] = &[$(stringify!($place),)*];

        async fn run_check(check: &str, subject: &Subject) -> violation::Verdict {
            match check {
                $(stringify!($store) => {
                    let fresh = subject.fresh().await;
                    Box::pin($store_module::$store(fresh.shared())).await
                })*
                $(stringify!($several) => Box::pin($several_module::$several(subject)).await,)*
                $(stringify!($place) => match subject.place().await {
                    Some(place) => Box::pin($place_module::$place(&place)).await,
                    None => panic!("`{check}` needs a subject of places"),
                },)*
                _ => panic!("the suite has no check `{check}`"),
            }
        }
    };
}

crate::__each_check! { suite, () }

/// Runs the one check of this name.
///
/// The calling test must be of a runtime with several threads. In a process that a check has
/// started, the call does that process's part and does not return.
///
/// # Errors
///
/// - The clause of the contract that the store broke.
///
/// # Panics
///
/// When there is no check of this name, it is one of [`SHARED_CHECKS`] and the subject has no
/// places, or the machine starts no other process.
///
/// # Examples
///
/// ```
/// # #[tokio::main]
/// # async fn main() {
/// # #[cfg(feature = "memory")] {
/// use store::MemoryStore;
/// use store::conformance::{CHECKS, Subject, run};
///
/// let test = concat!(module_path!(), "::name_of_this_test");
/// let subject = Subject::of_stores(test, || async { MemoryStore::new() });
/// for check in CHECKS.iter().filter(|check| check.contains("missing")) {
///     assert_eq!(run(check, &subject).await, Ok(()));
/// }
/// # }
/// # }
/// ```
pub async fn run(check: &str, subject: &Subject) -> Result<(), Violation> {
    if let Some(task) = child::task() {
        child::act(task, subject).await;
    }
    run_check(check, subject)
        .await
        .map_err(|violation| violation.seen_by(check))
}

//! What every store must do, written once and run against each.
//!
//! A check is an `async fn(Arc<dyn IStore>)` that gets a fresh, empty store. [`store_conformance!`]
//! makes one test of each, so that no store can skip one.

pub(crate) mod contents;
pub(crate) mod listing;
pub(crate) mod names;
pub(crate) mod races;
pub(crate) mod saving;

use bytes::Bytes;
use futures_util::StreamExt;
use futures_util::stream;
use store::{FileContents, FileName, IStore, ListOptions, Result, SaveOptions, StoreExt};

/// Makes one test of each check; `$make` is an `async fn() -> (guard, Arc<dyn IStore>)`.
macro_rules! store_conformance {
    ($make:path) => {
        store_conformance!(@ $make,
            contents::a_saved_file_is_read_back_with_its_info,
            contents::an_empty_file_is_a_file,
            contents::a_missing_file_is_not_found,
            contents::ranges_are_those_of_the_bytes,
            contents::files_of_every_length_around_a_block_survive,
            contents::a_read_that_has_begun_keeps_its_version,
            contents::json_is_saved_read_and_updated,
            contents::a_local_file_is_saved,
            listing::pages_are_sorted_and_complete_in_both_orders,
            listing::pages_agree_with_a_model,
            listing::a_file_that_stays_is_listed_once_whatever_else_happens,
            listing::a_listed_info_is_the_files_own,
            names::awkward_names_are_kept_byte_for_byte,
            names::a_file_and_a_folder_of_one_name_exclude_each_other,
            names::a_folder_goes_with_its_last_file,
            races::one_of_many_creators_wins,
            races::one_of_many_streaming_creators_wins,
            races::one_of_many_updaters_wins,
            races::no_increment_is_lost,
            races::readers_see_the_old_or_the_new_version,
            races::many_savers_at_once_all_succeed,
            races::a_file_and_its_folder_raced_leave_one_of_them,
            saving::create_refuses_what_exists,
            saving::update_replaces_only_the_version_it_names,
            saving::every_save_gives_another_etag,
            saving::content_type_and_metadata_go_with_the_version,
            saving::a_dropped_save_leaves_nothing,
            saving::a_broken_stream_leaves_nothing,
            saving::a_wrong_size_leaves_nothing,
            saving::a_wrong_sha256_leaves_nothing,
            saving::refused_options_are_refused_before_the_contents_are_read,
        );
    };
    (@ $make:path, $($module:ident :: $check:ident,)*) => {
        $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $check() {
                let (_guard, store) = $make().await;
                crate::conformance::$module::$check(store).await;
            }
        )*
    };
}

/// More than two blocks of any store, and no multiple of one.
pub(crate) const LONG: usize = 2 * 1024 * 1024 + 4321;

pub(crate) fn name(text: &str) -> FileName {
    FileName::new(text).unwrap()
}

pub(crate) fn options() -> SaveOptions {
    SaveOptions::default()
}

/// Bytes in which every place can be told from its neighbours.
pub(crate) fn pattern(length: usize) -> Vec<u8> {
    (0..length)
        .map(|place| (place ^ (place >> 8) ^ (place >> 16)) as u8)
        .collect()
}

/// The bytes as a stream of pieces of a length that divides no block.
pub(crate) fn streamed(bytes: &[u8]) -> FileContents {
    let pieces: Vec<Result<Bytes>> = bytes
        .chunks(65_521)
        .map(|piece| Ok(Bytes::copy_from_slice(piece)))
        .collect();
    FileContents::from_stream(stream::iter(pieces).boxed(), None)
}

pub(crate) async fn save(store: &dyn IStore, text: &str, bytes: &str) {
    store
        .save_bytes(&name(text), bytes.to_owned(), &options())
        .await
        .unwrap();
}

pub(crate) async fn bytes_of(store: &dyn IStore, text: &str) -> Bytes {
    store.get_file_bytes(&name(text), u64::MAX).await.unwrap().1
}

pub(crate) async fn names_of(store: &dyn IStore, options: &ListOptions) -> Vec<String> {
    let page = store.get_files_list(options).await.unwrap();
    page.into_iter().map(|info| info.name.to_string()).collect()
}

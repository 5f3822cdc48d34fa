//! Stores that are wrong on purpose, each caught by the check that is meant for its fault.

mod fault;
mod half;
mod last_step;
mod listing;
mod place;
mod reading;
mod saving;
mod store;

use std::collections::BTreeSet;

use ::store::MemoryStore;
use ::store::conformance::{CHECKS, Clause, SHARED_CHECKS, Subject, run};

use self::fault::Fault;
use self::place::{Careless, PlaceFault};
use self::store::Wrong;

/// The wrapper is not what is at fault.
mod no_fault {
    use super::*;

    async fn make_store() -> Wrong {
        Wrong::new(Fault::None)
    }

    ::store::store_conformance!(make_store);
}

/// A store that can do little, and says so, is right.
mod modest {
    use super::*;

    async fn make_store() -> Wrong {
        Wrong::new(Fault::Modest)
    }

    ::store::store_conformance!(make_store);
}

/// A store that is as object stores are, and says so, is right.
mod object {
    use super::*;

    async fn make_store() -> Wrong {
        Wrong::new(Fault::Object)
    }

    ::store::store_conformance!(make_store);
}

/// That several racers may win is no fault where it is declared.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn several_winners_are_right_where_they_are_declared() {
    let test = concat!(
        module_path!(),
        "::several_winners_are_right_where_they_are_declared"
    );
    let subject = Subject::of_stores(test, || async { Wrong::new(Fault::BestEffort) });
    for check in CHECKS
        .iter()
        .filter(|check| check.starts_with("one_of_many"))
    {
        run(check, &subject).await.unwrap();
    }
}

/// Nor is that a file and a folder have the same name.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_beside_its_folder_is_right_where_it_is_declared() {
    let test = concat!(
        module_path!(),
        "::a_file_beside_its_folder_is_right_where_it_is_declared"
    );
    let subject = Subject::of_stores(test, || async { Wrong::new(Fault::Flat) });
    for check in [
        "a_file_and_a_folder_of_one_name_exclude_each_other",
        "a_file_and_its_folder_raced_leave_one_of_them",
    ] {
        run(check, &subject).await.unwrap();
    }
}

async fn check(subject: &Subject, check: &str, clause: Clause) {
    let violation = run(check, subject).await.unwrap_err();
    assert_eq!(
        (violation.check(), violation.clause()),
        (check, clause),
        "{violation}"
    );
    let text = format!("contract clause `{clause:?}` broken, seen by `{check}`: ");
    assert!(violation.to_string().starts_with(&text), "{violation}");
}

macro_rules! caught {
    ($($test:ident: $fault:expr => $check:ident, $clause:ident;)*) => {
        const CAUGHT: &[&str] = &[$(stringify!($check)),*];

        $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $test() {
                let test = concat!(module_path!(), "::", stringify!($test));
                let subject = Subject::of_stores(test, || async { Wrong::new($fault) });
                check(&subject, stringify!($check), Clause::$clause).await;
            }
        )*
    };
}

caught! {
    an_info_of_its_own: Fault::OtherInfo => a_saved_file_is_read_back_with_its_info, Faithful;
    no_empty_files: Fault::NoEmptyFiles => empty_and_one_byte_files_are_files, Faithful;
    a_lost_last_byte: Fault::LosesLastByte => files_of_every_length_around_a_block_survive, Faithful;
    an_empty_piece_taken_for_the_end: Fault::StopsAtEmptyPiece => pieces_of_any_size_make_the_same_file, Faithful;
    folders_found_as_files: Fault::FindsFolders => a_missing_file_is_not_found, Refusals;
    a_delete_that_comes_later: Fault::DeletesLate => a_deleted_file_is_gone_and_can_be_saved_again, Fresh;
    a_read_that_moves_on: Fault::ReadsLive => a_read_that_has_begun_keeps_its_version, Snapshot;
    a_mix_where_reads_may_break: Fault::ClaimsBreaks => a_read_that_has_begun_keeps_its_version, Snapshot;
    decoded_metadata: Fault::DecodesMetadata => content_type_and_metadata_go_with_the_version, Faithful;
    lost_metadata: Fault::LosesMetadata => content_type_and_metadata_go_with_the_version, Faithful;

    a_stale_info_remembered: Fault::CachesStale => what_is_asked_for_beside_a_change_is_forgotten, Fresh;

    a_wrong_range: Fault::RangeOffByOne => ranges_are_those_of_the_bytes, Ranges;
    nothing_past_the_end: Fault::EmptyPastEnd => ranges_past_the_end_are_refused, Ranges;
    ranges_of_32_bits: Fault::ShortNumbers => ranges_past_the_end_are_refused, Ranges;
    one_cursor_for_all: Fault::OneCursor => many_ranges_are_read_at_once, Ranges;

    an_empty_listing_that_fails: Fault::EmptyListFails => an_empty_store_lists_nothing, Order;
    an_unsorted_list: Fault::Unsorted => pages_are_sorted_and_complete_in_both_orders, Order;
    a_list_sorted_by_segment: Fault::SortedBySegment => pages_are_sorted_and_complete_in_both_orders, Order;
    a_page_of_none: Fault::TakesNoLimit => a_page_of_no_files_is_refused, Refusals;
    a_prefix_of_segments: Fault::PrefixOfSegments => a_prefix_is_of_bytes_and_not_of_segments, Order;
    a_prefix_taken_for_a_pattern: Fault::PrefixIsPattern => a_prefix_is_of_bytes_and_not_of_segments, Order;
    after_a_stored_name_only: Fault::AfterStoredOnly => a_page_begins_past_any_text, Order;
    no_metadata_listed: Fault::ListsNoMetadata => a_listed_info_is_the_files_own, Faithful;
    metadata_listed_after_all: Fault::ClaimsNoListedMetadata => a_listed_info_is_the_files_own, Faithful;
    a_list_that_lags: Fault::ListsLate => a_listing_shows_every_change, Fresh;
    a_replaced_file_not_listed: Fault::HidesReplaced => a_file_that_is_replaced_stays_listed, Atomic;
    pages_of_a_thousand: Fault::CapsPages => a_page_holds_as_many_files_as_were_asked_for, Order;
    pages_by_count: Fault::PagesByCount => a_file_that_stays_is_listed_once_whatever_else_happens, Order;

    decoded_names: Fault::DecodesNames => awkward_names_are_kept_byte_for_byte, Names;
    folded_names: Fault::FoldsCase => names_that_differ_a_little_stay_apart, Names;
    cut_names: Fault::CutsNames => the_longest_names_are_kept, Names;
    longer_names_than_claimed: Fault::ClaimsShortNames => names_that_are_too_long_for_the_store_are_refused, Capabilities;
    hidden_names: Fault::HidesTemporary => names_like_a_stores_own_are_kept, Names;
    a_cleaned_prefix: Fault::CleansPrefix => texts_that_are_no_names_list_nothing, Names;
    a_file_beside_its_folder: Fault::Overlaps => a_file_and_a_folder_of_one_name_exclude_each_other, Folders;
    a_file_raced_with_its_folder: Fault::Overlaps => a_file_and_its_folder_raced_leave_one_of_them, Folders;
    an_overlap_refused_after_all: Fault::ClaimsOverlaps => a_file_and_a_folder_of_one_name_exclude_each_other, Folders;
    a_race_with_a_folder_lost_after_all: Fault::ClaimsOverlaps => a_file_and_its_folder_raced_leave_one_of_them, Folders;
    folders_that_stay: Fault::FoldersStay => a_folder_goes_with_its_last_file, Folders;

    a_silent_overwrite: Fault::CreateOverwrites => create_refuses_what_exists, Refusals;
    an_update_of_anything: Fault::UpdateIgnoresEtag => update_replaces_only_the_version_it_names, Refusals;
    an_etag_of_the_contents: Fault::EtagOfContents => every_save_gives_another_etag, Versions;
    an_etag_of_less_than_the_contents: Fault::ClaimsContentEtags => every_save_gives_another_etag, Versions;
    an_etag_that_comes_back: Fault::EtagOfContents => an_etag_never_comes_back, Versions;
    a_save_in_pieces: Fault::SavesInPieces => a_save_shows_nothing_before_it_ends, Atomic;
    a_half_file_listed: Fault::ListsHalf => a_save_shows_nothing_before_it_ends, Atomic;
    the_last_to_begin_stays: Fault::LastToBeginStays => of_two_saves_the_last_to_end_stays, Atomic;
    contents_read_too_early: Fault::ReadsBeforeChecks => refused_options_are_refused_before_the_contents_are_read, Refusals;
    the_next_save_deleted_too: Fault::DeletesTheNext => what_is_saved_after_a_long_file_is_deleted_stays, Faithful;

    a_dropped_save_kept: Fault::KeepsDropped => a_dropped_save_leaves_nothing, Cancellation;
    a_dropped_save_kept_in_part: Fault::KeepsDropped => a_save_dropped_at_any_moment_happens_whole_or_not_at_all, Cancellation;
    a_dropped_save_that_comes_back: Fault::SavesDroppedLate => a_dropped_save_replaces_no_later_one, Cancellation;
    a_dropped_save_that_waits_and_comes_back: Fault::LastToWaitComesFirst => a_dropped_save_that_waits_replaces_no_later_one, Cancellation;
    a_dropped_save_in_a_task_that_comes_back: Fault::LastStepsInTasks => a_dropped_save_that_waits_replaces_no_later_one, Cancellation;
    a_broken_save_kept: Fault::KeepsBroken => a_broken_stream_leaves_nothing, Cancellation;
    a_size_ignored: Fault::IgnoresSize => a_wrong_size_leaves_nothing, Cancellation;
    a_sha256_ignored: Fault::IgnoresSha256 => a_wrong_sha256_leaves_nothing, Cancellation;

    two_winners: Fault::ChecksThenSaves => one_of_many_creators_wins, Exclusive;
    two_streaming_winners: Fault::ChecksThenSaves => one_of_many_streaming_creators_wins, Exclusive;
    two_updaters: Fault::ChecksThenSaves => one_of_many_updaters_wins, Exclusive;
    a_lost_increment: Fault::ChecksThenSaves => no_increment_is_lost, Exclusive;
    a_mix_read: Fault::SavesInPieces => readers_see_the_old_or_the_new_version, Atomic;
    a_locked_error: Fault::BusyAtOnce => many_savers_at_once_all_succeed, Concurrent;
    a_delete_that_loses_a_race: Fault::DeletesLate => saves_and_deletes_raced_leave_a_whole_file_or_none, Fresh;

    claims_that_change: Fault::ClaimsChange => claims_never_change, Capabilities;
    a_create_not_claimed: Fault::ClaimsNoCreate => what_is_declared_unsupported_is_refused, Capabilities;
    an_update_not_claimed: Fault::ClaimsNoUpdate => what_is_declared_unsupported_is_refused, Capabilities;
    metadata_dropped_silently: Fault::ClaimsNoMetadata => what_is_declared_unsupported_is_refused, Capabilities;
    more_metadata_than_claimed: Fault::ClaimsLittleMetadata => what_is_declared_unsupported_is_refused, Capabilities;
    ranges_not_claimed: Fault::ClaimsNoRanges => what_is_declared_unsupported_is_refused, Capabilities;
    a_create_claimed: Fault::HasNoCreate => what_is_declared_supported_is_done, Capabilities;
    an_update_claimed: Fault::HasNoUpdate => what_is_declared_supported_is_done, Capabilities;
    metadata_claimed: Fault::LosesMetadata => what_is_declared_supported_is_done, Capabilities;
    more_metadata_claimed: Fault::HasLittleMetadata => what_is_declared_supported_is_done, Capabilities;
    ranges_claimed: Fault::HasNoRanges => what_is_declared_supported_is_done, Capabilities;
    a_maximum_claimed: Fault::ClaimsMaximum => the_declared_maximum_size_is_kept, Capabilities;
    a_file_held_whole: Fault::ClaimsBounded => a_large_file_passes_in_bounded_memory, Bounded;

    a_model_with_other_updates: Fault::UpdateIgnoresEtag => any_calls_agree_with_a_model, Refusals;
    a_model_with_another_order: Fault::Unsorted => any_calls_agree_with_a_model, Order;
    a_model_with_other_ranges: Fault::RangeOffByOne => any_calls_agree_with_a_model, Ranges;
    a_model_with_folders_after_all: Fault::ClaimsOverlaps => any_calls_agree_with_a_model, Refusals;
    a_model_with_etags_of_less: Fault::ClaimsContentEtags => any_calls_agree_with_a_model, Versions;
    a_model_with_other_etags: Fault::EtagOfContents => any_calls_agree_with_a_model, Versions;
}

macro_rules! caught_at_places {
    ($($test:ident: $open:expr => $check:ident, $clause:ident;)*) => {
        const CAUGHT_AT_PLACES: &[&str] = &[$(stringify!($check)),*];

        $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $test() {
                let test = concat!(module_path!(), "::", stringify!($test));
                let subject = Subject::of_places(test, place::make, $open);
                check(&subject, stringify!($check), Clause::$clause).await;
            }
        )*
    };
}

async fn forgets(_: String) -> MemoryStore {
    MemoryStore::new()
}

async fn in_place(address: String) -> Careless {
    Careless::open(address, PlaceFault::WritesInPlace)
}

async fn unlocked(address: String) -> Careless {
    Careless::open(address, PlaceFault::ChecksThenSaves)
}

async fn sweeping(address: String) -> Careless {
    Careless::open(address, PlaceFault::SweepsTheLiving)
}

caught_at_places! {
    files_forgotten: forgets => files_survive_a_reopening, Durable;
    a_store_for_each_opener: forgets => every_opener_sees_every_change, Fresh;
    the_living_swept: sweeping => an_opening_leaves_living_savers_alone, Cancellation;
    two_winning_processes: unlocked => one_of_many_creators_in_several_processes_wins, Exclusive;
    two_updating_processes: unlocked => one_of_many_updaters_in_several_processes_wins, Exclusive;
    an_increment_lost_to_a_process: unlocked => no_increment_of_several_processes_is_lost, Exclusive;
    a_mix_read_in_another_process: in_place => readers_in_another_process_see_the_old_or_the_new_version, Atomic;
    half_a_file_after_a_kill: in_place => a_killed_saver_leaves_what_it_was_told_is_saved_and_nothing_else, Atomic;
}

#[test]
fn every_check_has_caught_a_fault() {
    let sorted = |names: &[&'static str]| names.iter().copied().collect::<BTreeSet<_>>();
    assert_eq!(sorted(CAUGHT), sorted(CHECKS));
    assert_eq!(sorted(CAUGHT_AT_PLACES), sorted(SHARED_CHECKS));
}

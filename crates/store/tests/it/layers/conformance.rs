//! Each layer keeps the whole contract, and so do all together.

use std::future::{Ready, ready};
use std::sync::Arc;

use store::{
    IStore, ListOptions, MemoryStore, Prefix, Retry, RetryOptions, StoreBuilder, Timeout,
    TimeoutOptions, Traced,
};

use crate::conformance::{bytes_of, name, names_of, save};

type Made = Ready<((), Arc<dyn IStore>)>;

fn memory() -> Arc<dyn IStore> {
    Arc::new(MemoryStore::new())
}

mod retried {
    use super::*;

    fn make() -> Made {
        ready(((), Arc::new(Retry::new(memory(), RetryOptions::default()))))
    }

    store_conformance!(make);
}

mod timed {
    use super::*;

    fn make() -> Made {
        ready((
            (),
            Arc::new(Timeout::new(memory(), TimeoutOptions::default())),
        ))
    }

    store_conformance!(make);
}

mod traced {
    use super::*;

    fn make() -> Made {
        ready(((), Arc::new(Traced::new(memory()))))
    }

    store_conformance!(make);
}

/// All checks but those of names of the greatest length, which a folder leaves no room for.
macro_rules! conformance_below_a_folder {
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
}

mod prefixed {
    use super::*;

    async fn make() -> ((), Arc<dyn IStore>) {
        let whole = memory();
        // What lies beside the folder is nobody's business inside.
        for text in [
            "folder.txt",
            "folder/w",
            "folder/x-/a",
            "folder/x0",
            "a",
            "z",
        ] {
            save(&*whole, text, "outside").await;
        }
        ((), Arc::new(Prefix::new(whole, &name("folder/x"))))
    }

    conformance_below_a_folder!(make);
}

mod all {
    use super::*;

    fn make() -> Made {
        let store = StoreBuilder::new(memory())
            .with_prefix(name("folder/x"))
            .with_timeout(TimeoutOptions::default())
            .with_retry(RetryOptions::default())
            .with_traced()
            .build();
        ready(((), store))
    }

    conformance_below_a_folder!(make);
}

#[tokio::test]
async fn awkward_names_of_all_lengths_that_fit_are_kept_below_a_folder() {
    let store = Prefix::new(memory(), &name("folder/x"));
    let most = store.capabilities().max_name_len;
    assert_eq!(most, 1024 - "folder/x/".len());
    let longest = format!("{}/{}", ["d"; 380].join("/"), "e".repeat(most - 380 * 2));
    assert_eq!(longest.len(), most);
    let mut names = vec![
        " ",
        "%2F",
        "...",
        ".hidden",
        "e\u{301}",
        "\u{e9}",
        "\u{1F980}",
        &longest,
    ];
    for text in &names {
        save(&store, text, text).await;
    }
    for text in &names {
        assert_eq!(bytes_of(&store, text).await, text.as_bytes());
    }
    names.sort_unstable();
    assert_eq!(names_of(&store, &ListOptions::default()).await, names);
}

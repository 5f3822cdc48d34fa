//! A file and a folder of one name exclude each other, and no folder is more than its files.

use std::sync::Arc;

use super::samples::{check_all_names, check_file, name, options, save};
use super::violation::{Answer, Clause, Verdict};
use crate::{ErrorKind, Folders, Guarantee, IStore, SaveMode, StoreExt};

pub(super) async fn a_file_and_a_folder_of_one_name_exclude_each_other(
    store: Arc<dyn IStore>,
) -> Verdict {
    save(&*store, "a/b/c", "x").await?;
    save(&*store, "f", "x").await?;
    let folders = store.capabilities().folders;
    let mut modes = vec![SaveMode::Overwrite];
    if store.capabilities().exclusive_create != Guarantee::Unsupported {
        modes.push(SaveMode::Create);
    }
    for (text, found) in [
        ("a", "a/b/c"),
        ("a/b", "a/b/c"),
        ("f/x", "f"),
        ("f/x/y", "f"),
    ] {
        for mode in &modes {
            let options = options().with_mode(mode.clone());
            let what = format!("a save of `{text}` beside `{found}`");
            let saved = store.save_bytes(&name(text), "y", &options).await;
            if folders == Folders::Overlapping {
                saved.succeeds(Clause::Folders, &what)?;
                check_file(&*store, text, b"y", Clause::Folders).await?;
                let deleted = store.delete_file(&name(text)).await;
                deleted.succeeds(Clause::Folders, &format!("a delete of `{text}`"))?;
                continue;
            }
            let error = saved.fails(Clause::Folders, ErrorKind::NameOverlap, &what)?;
            let names_it = error.to_string().contains(&format!("`{found}`"));
            Clause::Folders.holds(names_it, format!("{what} fails with `{error}`"))?;
        }
    }
    // A mere beginning of a name is no folder of it.
    save(&*store, "a/b.c", "x").await?;
    save(&*store, "a/b/c0", "x").await?;
    let expected = ["a/b.c", "a/b/c", "a/b/c0", "f"];
    check_all_names(&*store, &expected, Clause::Folders).await?;
    for text in ["a/b/c", "f"] {
        check_file(&*store, text, b"x", Clause::Folders).await?;
    }
    Ok(())
}

pub(super) async fn a_folder_goes_with_its_last_file(store: Arc<dyn IStore>) -> Verdict {
    let delete = async |text: &str| {
        let deleted = store.delete_file(&name(text)).await;
        deleted.succeeds(Clause::Folders, &format!("a delete of `{text}`"))
    };
    let save = async |text: &str, bytes: &'static str| {
        let saved = store.save_bytes(&name(text), bytes, &options()).await;
        saved.succeeds(Clause::Folders, &format!("a save of `{text}`"))?;
        check_file(&*store, text, bytes.as_bytes(), Clause::Folders).await
    };
    save("a/b/c", "x").await?;
    save("a/b/d", "x").await?;
    delete("a/b/c").await?;
    check_file(&*store, "a/b/d", b"x", Clause::Folders).await?;
    delete("a/b/d").await?;
    save("a", "y").await?;
    delete("a").await?;
    save("a/b", "z").await?;
    check_all_names(&*store, &["a/b"], Clause::Folders).await
}

//! Any calls give what a simple model gives.

use std::collections::{BTreeMap, HashMap};

use proptest::prelude::*;
use proptest::test_runner::{Config, TestCaseError, TestError, TestRunner};
use tokio::runtime::Handle;

use super::calls::{Call, Mode, NAMES, any_call};
use super::samples::{check_names, name, options, pattern, streamed};
use super::subject::Subject;
use super::violation::{Answer, Clause, Verdict, Violation};
use crate::{
    Error, ErrorKind, Etag, FileInfo, FileName, Folders, Guarantee, IStore, ListOptions, Order,
    ReadOptions, ReadRange, SaveMode, SaveOptions, Support, Versions,
};

/// The most calls in a case.
const CALLS: usize = 40;

/// The cases of a run of the suite.
const CASES: u32 = 40;

pub(super) async fn any_calls_agree_with_a_model(subject: &Subject) -> Verdict {
    check_against_model(subject, CASES).await
}

/// Makes random calls on a fresh store, and compares each answer with that of a simple model, in
/// so many cases; the calls of a failure are shrunk to few.
///
/// The calling test must be of a runtime with several threads.
///
/// # Errors
///
/// - The clause of the contract that the store broke.
///
/// # Panics
///
/// When no calls can be made up, which never happens.
///
/// # Examples
///
/// ```
/// # #[tokio::main]
/// # async fn main() {
/// # #[cfg(feature = "memory")] {
/// use store::MemoryStore;
/// use store::conformance::{Subject, check_against_model};
///
/// let subject = Subject::of_stores("my_test", || async { MemoryStore::new() });
/// check_against_model(&subject, 10).await.unwrap();
/// # }
/// # }
/// ```
pub async fn check_against_model(subject: &Subject, cases: u32) -> Result<(), Violation> {
    let config = Config {
        cases,
        failure_persistence: None,
        max_shrink_iters: 2000,
        ..Config::default()
    };
    let strategy = prop::collection::vec(any_call(), 1..CALLS);
    let runtime = Handle::current();
    let make_calls = |calls: &[Call]| runtime.block_on(make_calls(subject, calls));
    tokio::task::block_in_place(|| {
        let result = TestRunner::new(config).run(&strategy, |calls| {
            make_calls(&calls).map_err(|violation| TestCaseError::fail(violation.to_string()))
        });
        match result {
            Ok(()) => Ok(()),
            Err(TestError::Fail(reason, calls)) => {
                let seen = |text| format!("{text}, after these calls: {calls:?}");
                // Once more, for the value that the runner made a text of.
                Err(match make_calls(&calls) {
                    Err(violation) => violation.with_seen(seen),
                    Ok(()) => Clause::Faithful.broken(seen(format!("{reason}, but not always"))),
                })
            }
            Err(TestError::Abort(reason)) => panic!("the calls could not be made up: {reason}"),
        }
    })
}

async fn make_calls(subject: &Subject, calls: &[Call]) -> Verdict {
    let store = subject.fresh().await;
    let mut model = Model::default();
    for (number, call) in calls.iter().enumerate() {
        match call {
            Call::Save(name, length, mode) => {
                let bytes = pattern(number as u64, *length);
                model.save(&*store, name, bytes, *mode).await?;
            }
            Call::Delete(text) => model.delete(&*store, text).await?,
            Call::Info(text) => model.info(&*store, text).await?,
            Call::Read(text, range) => model.read(&*store, text, range.as_ref()).await?,
            Call::List(options) => model.list(&*store, options).await?,
        }
    }
    // At the end all is compared, whatever was asked on the way.
    model.list(&*store, &ListOptions::default()).await?;
    for text in NAMES {
        model.info(&*store, text).await?;
        model.read(&*store, text, None).await?;
    }
    Ok(())
}

/// What a store should hold.
#[derive(Default)]
struct Model {
    files: BTreeMap<&'static str, (FileInfo, Vec<u8>)>,
    /// The etags of each name, the last one last.
    etags: BTreeMap<&'static str, Vec<Etag>>,
    /// What was saved with an etag.
    all: HashMap<(&'static str, Etag), Vec<u8>>,
}

impl Model {
    fn missing(text: &str) -> Error {
        Error::new(ErrorKind::NotFound, "find file").with_name(text)
    }

    fn options(&self, store: &dyn IStore, text: &str, mode: Mode) -> SaveOptions {
        let etag = |back| {
            let etags = self.etags.get(text)?;
            etags.iter().rev().nth(back).cloned()
        };
        let capabilities = store.capabilities();
        let mode = match mode {
            Mode::Create if capabilities.exclusive_create != Guarantee::Unsupported => {
                SaveMode::Create
            }
            Mode::Update | Mode::UpdateOld
                if capabilities.exclusive_update != Guarantee::Unsupported =>
            {
                let back = usize::from(matches!(mode, Mode::UpdateOld));
                SaveMode::Update(etag(back).unwrap_or_else(|| Etag::new("never")))
            }
            Mode::Overwrite | Mode::Create | Mode::Update | Mode::UpdateOld => SaveMode::Overwrite,
        };
        options().with_mode(mode)
    }

    fn verdict(
        &self,
        store: &dyn IStore,
        name: &FileName,
        options: &SaveOptions,
    ) -> crate::Result<()> {
        let current = self.files.get(name.as_str()).map(|(info, _)| &info.etag);
        options.check_mode(name, current)?;
        if store.capabilities().folders == Folders::Overlapping {
            return Ok(());
        }
        let is_below = |file: &str, of: &str| {
            file.strip_prefix(of)
                .is_some_and(|rest| rest.starts_with('/'))
        };
        let text = name.as_str();
        match self
            .files
            .keys()
            .find(|other| is_below(other, text) || is_below(text, other))
        {
            Some(found) => Err(Error::overlap(name, found)),
            None => Ok(()),
        }
    }

    async fn save(
        &mut self,
        store: &dyn IStore,
        text: &'static str,
        bytes: Vec<u8>,
        mode: Mode,
    ) -> Verdict {
        let (name, options) = (name(text), self.options(store, text, mode));
        let what = format!("a save of `{text}` with {:?}", options.mode);
        let saved = store.save_file(&name, streamed(&bytes), &options).await;
        if let Err(error) = self.verdict(store, &name, &options) {
            return saved.fails(Clause::Refusals, error.kind(), &what).map(drop);
        }
        let info = saved.succeeds(Clause::Refusals, &what)?;
        Clause::Faithful.same(
            "the size in a save's answer",
            &info.size,
            &(bytes.len() as u64),
        )?;
        let earlier = self.all.insert((text, info.etag.clone()), bytes.clone());
        let is_right = earlier.is_none_or(|earlier| {
            store.capabilities().versions == Versions::Contents && earlier == bytes
        });
        Clause::Versions.holds(is_right, format!("{what} has an earlier save's etag"))?;
        self.etags.entry(text).or_default().push(info.etag.clone());
        self.files.insert(text, (info, bytes));
        Ok(())
    }

    async fn delete(&mut self, store: &dyn IStore, text: &'static str) -> Verdict {
        let deleted = store.delete_file(&name(text)).await;
        let what = format!("a delete of `{text}`");
        match self.files.remove(text) {
            Some(_) => deleted.succeeds(Clause::Refusals, &what),
            None => deleted
                .fails(Clause::Refusals, ErrorKind::NotFound, &what)
                .map(drop),
        }
    }

    async fn info(&self, store: &dyn IStore, text: &str) -> Verdict {
        let info = store.get_file_info(&name(text)).await;
        let what = format!("an info of `{text}`");
        let Some((expected, _)) = self.files.get(text) else {
            return info
                .fails(Clause::Fresh, ErrorKind::NotFound, &what)
                .map(drop);
        };
        Clause::Fresh.same(&what, &info.succeeds(Clause::Fresh, &what)?, expected)
    }

    async fn read(&self, store: &dyn IStore, text: &str, range: Option<&ReadRange>) -> Verdict {
        let mut options = ReadOptions::default();
        if store.capabilities().range_reads == Support::Supported {
            options.range = range.cloned();
        }
        let what = format!("a read of {:?} of `{text}`", options.range);
        let found = store.get_file_contents(&name(text), &options).await;
        let found_or = self.files.get(text).ok_or_else(|| Self::missing(text));
        let resolved = found_or
            .and_then(|(info, bytes)| Ok((info, bytes, options.resolve(&info.name, info.size)?)));
        let (info, bytes, range) = match resolved {
            Ok(resolved) => resolved,
            Err(error) => {
                return found
                    .map(drop)
                    .fails(Clause::Ranges, error.kind(), &what)
                    .map(drop);
            }
        };
        let found = found.succeeds(Clause::Ranges, &what)?;
        Clause::Faithful.same("the info of a read", &found.info, info)?;
        Clause::Ranges.same(&format!("the range of {what}"), &found.range, &range)?;
        let found = found
            .contents
            .collect(u64::MAX)
            .await
            .succeeds(Clause::Ranges, &what)?;
        let place = |place| usize::try_from(place).unwrap_or(usize::MAX);
        Clause::Ranges.same_bytes(&what, &found, &bytes[place(range.start)..place(range.end)])
    }

    async fn list(&self, store: &dyn IStore, options: &ListOptions) -> Verdict {
        let mut expected: Vec<_> = self
            .files
            .keys()
            .filter(|text| options.includes(text))
            .collect();
        if options.order == Order::Descending {
            expected.reverse();
        }
        expected.truncate(options.limit);
        check_names(store, options, &expected, Clause::Order).await?;
        if *options == ListOptions::default() {
            let infos: Vec<_> = self.files.values().map(|(info, _)| info.clone()).collect();
            super::listing::check_infos(store, &infos, Clause::Fresh).await?;
        }
        Ok(())
    }
}

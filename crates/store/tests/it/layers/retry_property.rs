//! `Retry` under random faults: it ends in time, and what it told is true.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use proptest::prelude::*;
use store::{
    Error, ErrorKind, FaultScript, FaultStore, IStore, ListOptions, MemoryStore, Operation,
    RetryOptions, SaveMode, StoreBuilder, StoreExt, TimeoutOptions,
};
use tokio::time::Instant;

use crate::samples::{name, names_of, options};

const NAMES: [&str; 2] = ["a", "b"];

/// What goes wrong with one call below.
#[derive(Clone, Debug)]
enum Fault {
    Before(ErrorKind),
    AfterEffect(ErrorKind),
    AtByte(u64, ErrorKind),
    Hang,
    HangAfterEffect,
    Delay(u64),
}

#[derive(Clone, Debug)]
enum Step {
    Overwrite(usize),
    Create(usize),
    Update(usize),
    Delete(usize),
    Read(usize),
    List,
}

fn any_fault() -> impl Strategy<Value = (u64, Fault)> {
    let kind = || {
        prop::sample::select(vec![
            ErrorKind::Unavailable,
            ErrorKind::RateLimited,
            ErrorKind::Timeout,
            ErrorKind::Interrupted,
            ErrorKind::PermissionDenied,
        ])
    };
    // A store that says `RateLimited` or `PermissionDenied` has done nothing.
    let unclear = || {
        prop::sample::select(vec![
            ErrorKind::Unavailable,
            ErrorKind::Timeout,
            ErrorKind::Interrupted,
        ])
    };
    let fault = prop_oneof![
        kind().prop_map(Fault::Before),
        unclear().prop_map(Fault::AfterEffect),
        (0..6_u64, unclear()).prop_map(|(place, kind)| Fault::AtByte(place, kind)),
        Just(Fault::Hang),
        Just(Fault::HangAfterEffect),
        (0..4000_u64).prop_map(Fault::Delay),
    ];
    (1..40_u64, fault)
}

fn any_step() -> impl Strategy<Value = Step> {
    let place = || 0..NAMES.len();
    prop_oneof![
        place().prop_map(Step::Overwrite),
        place().prop_map(Step::Create),
        place().prop_map(Step::Update),
        place().prop_map(Step::Delete),
        place().prop_map(Step::Read),
        Just(Step::List),
    ]
}

fn put_into_force(script: &FaultScript, faults: &[(u64, Fault)]) {
    for (nth, fault) in faults {
        let rule = script.on_any().nth(*nth);
        match fault {
            Fault::Before(kind) => rule.fail(*kind),
            Fault::AfterEffect(kind) => rule.after_effect().fail(*kind),
            Fault::AtByte(place, kind) => rule.at_byte(*place).fail(*kind),
            Fault::Hang => rule.hang(),
            Fault::HangAfterEffect => rule.after_effect().hang(),
            Fault::Delay(millis) => rule.delay(Duration::from_millis(*millis)),
        }
    }
}

/// The stored files, as they are below all faults.
async fn stored(store: &dyn IStore) -> BTreeMap<String, String> {
    let mut files = BTreeMap::new();
    for text in names_of(store, &ListOptions::default()).await {
        let (_, bytes) = store.get_file_bytes(&name(&text), 99).await.unwrap();
        files.insert(text, String::from_utf8(bytes.to_vec()).unwrap());
    }
    files
}

fn is_unclear(kind: ErrorKind) -> bool {
    matches!(
        kind,
        ErrorKind::Timeout | ErrorKind::Unavailable | ErrorKind::Interrupted
    )
}

/// Checks what a change told against what is stored before and after it.
fn check_change(
    step: &Step,
    told: Result<(), ErrorKind>,
    before: &BTreeMap<String, String>,
    changed: &BTreeMap<String, String>,
    after: &BTreeMap<String, String>,
) {
    match told {
        Ok(()) => assert_eq!(after, changed, "{step:?} told success"),
        Err(kind) if is_unclear(kind) => {
            assert!(after == before || after == changed, "{step:?}: {after:?}");
        }
        Err(kind) => assert_eq!(after, before, "{step:?} told {kind:?}"),
    }
}

/// Makes one step through the layers and checks it.
async fn check_step(store: &dyn IStore, below: &dyn IStore, number: usize, step: &Step) {
    let before = stored(below).await;
    let contents = format!("contents {number}");
    let mut changed = before.clone();
    let told = match step {
        Step::Overwrite(place) | Step::Create(place) | Step::Update(place) => {
            let name = name(NAMES[*place]);
            let mode = match step {
                Step::Create(_) => SaveMode::Create,
                Step::Update(_) => match below.get_file_info(&name).await {
                    Ok(info) => SaveMode::Update(info.etag),
                    Err(_) => return,
                },
                _ => SaveMode::Overwrite,
            };
            let is_there = before.contains_key(NAMES[*place]);
            changed.insert(NAMES[*place].to_owned(), contents.clone());
            let saving = options().with_mode(mode.clone());
            let told = store.save_bytes(&name, contents, &saving).await;
            if let Ok(info) = &told {
                assert_eq!(below.get_file_info(&name).await.unwrap(), *info);
                assert!(
                    mode != SaveMode::Create || !is_there,
                    "created what was there"
                );
            }
            told.map(drop)
        }
        Step::Delete(place) => {
            let told = store.delete_file(&name(NAMES[*place])).await;
            let was_there = changed.remove(NAMES[*place]).is_some();
            assert!(told.is_err() || was_there, "deleted what was not there");
            told
        }
        Step::Read(place) => {
            let told = store.get_file_bytes(&name(NAMES[*place]), 99).await;
            let told = told.map(|(_, bytes)| String::from_utf8(bytes.to_vec()).unwrap());
            let expected = before.get(NAMES[*place]);
            match &told {
                Ok(text) => assert_eq!(Some(text), expected),
                Err(error) if error.kind() == ErrorKind::NotFound => assert_eq!(expected, None),
                Err(_) => {}
            }
            told.map(drop)
        }
        Step::List => {
            let told = store.get_files_list(&ListOptions::default()).await;
            if let Ok(infos) = &told {
                let names: Vec<_> = infos.iter().map(|info| info.name.as_str()).collect();
                assert_eq!(names, before.keys().map(String::as_str).collect::<Vec<_>>());
            }
            told.map(drop)
        }
    };
    let told = told.map_err(|error| error.kind());
    check_change(step, told, &before, &changed, &stored(below).await);
}

const TRIES: u32 = 3;

/// Retries over time limits over the faults.
fn layers(
    below: &Arc<dyn IStore>,
    script: &FaultScript,
    faults: &[(u64, Fault)],
) -> Arc<dyn IStore> {
    let second = Duration::from_secs(1);
    put_into_force(script, faults);
    let timeouts = TimeoutOptions::default()
        .with_call(second)
        .with_stall(second);
    let retries = RetryOptions::default()
        .with_max_tries(TRIES)
        .with_max_time(10 * second);
    StoreBuilder::new(Arc::new(FaultStore::new(Arc::clone(below), script)))
        .with_timeout(timeouts)
        .with_retry(retries)
        .build()
}

fn paused(test: impl Future<Output = ()>) {
    tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap()
        .block_on(test);
}

proptest! {
    #[test]
    fn no_acknowledged_effect_is_lost_or_doubled_and_every_call_ends_in_time(
        steps in prop::collection::vec(any_step(), 1..12),
        faults in prop::collection::vec(any_fault(), 0..12),
    ) {
        let second = Duration::from_secs(1);
        paused(async {
            let below: Arc<dyn IStore> = Arc::new(MemoryStore::new());
            let script = FaultScript::new();
            let store = layers(&below, &script, &faults);
            for (number, step) in steps.iter().enumerate() {
                let (began, calls) = (Instant::now(), script.calls().len());
                check_step(&*store, &*below, number, step).await;
                // The time for tries to begin, once more for a look, and the last try of each.
                assert!(began.elapsed() <= 2 * (10 + 1) * second, "{step:?} took too long");
                let calls = script.calls().len() - calls;
                assert!(calls <= 8 * TRIES as usize, "{step:?} made {calls} calls");
            }
            let reads = script.calls().into_iter();
            assert!(reads.filter(|call| call.operation == Operation::SaveFile).count() <= 12 * 3);
        });
    }
}

/// Savers of one file that each save on the same condition: by their mode, and their contents, which
/// may be the same.
fn any_race() -> impl Strategy<Value = (bool, Vec<String>)> {
    let contents = prop::collection::vec(0..3_u8, 4);
    let contents = contents.prop_map(|of| of.iter().map(|of| format!("racer {of}")).collect());
    (any::<bool>(), contents)
}

proptest! {
    #[test]
    fn of_racing_savers_at_most_one_is_told_that_it_won(
        (is_update, contents) in any_race(),
        faults in prop::collection::vec(any_fault(), 0..12),
    ) {
        paused(async {
            let below: Arc<dyn IStore> = Arc::new(MemoryStore::new());
            let script = FaultScript::new();
            let store = layers(&below, &script, &faults);
            let mode = if is_update {
                let info = below.save_bytes(&name("a"), "old", &options()).await.unwrap();
                SaveMode::Update(info.etag)
            } else {
                SaveMode::Create
            };
            let racers = contents.iter().map(|contents| {
                let store = Arc::clone(&store);
                let saving = options().with_mode(mode.clone());
                async move { store.save_bytes(&name("a"), contents.clone(), &saving).await }
            });
            let told = futures_util::future::join_all(racers).await;
            assert!(told.iter().filter(|told| told.is_ok()).count() <= 1, "{told:?}");
            let unclear = |told: &Result<_, Error>| {
                told.as_ref().is_err_and(|error| is_unclear(error.kind()))
            };
            let stored = stored(&*below).await.remove("a");
            let saved = stored.filter(|stored| stored != "old");
            if let Some(winner) = told.iter().position(Result::is_ok) {
                assert_eq!(saved.as_ref(), Some(&contents[winner]));
                assert_eq!(Some(below.get_file_info(&name("a")).await.unwrap()), told[winner].as_ref().ok().cloned());
            } else if let Some(saved) = &saved {
                // Whoever saved it was told that it may have.
                let mut savers = contents.iter().zip(&told);
                assert!(savers.any(|(contents, told)| contents == saved && unclear(told)), "{told:?}");
            }
            for told in &told {
                let Err(error) = told else { continue };
                if matches!(error.kind(), ErrorKind::AlreadyExists | ErrorKind::Conflict) {
                    assert!(saved.is_some(), "nobody won");
                }
            }
        });
    }
}

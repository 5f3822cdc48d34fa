//! Work that goes on while servers fail, and what has to hold of it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use store::{ErrorKind, FileContents, FileName, IStore, SaveOptions, StoreExt as _};
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::samples::bytes;

/// Far longer than any call takes, its repeats and time limits among it: whatever has not ended
/// then never will.
const FOR_EVER: Duration = Duration::from_mins(4);

const WRITERS: usize = 4;

/// How long the files of a writer are: two have three segments.
const LENGTHS: [usize; 5] = [1000, 2_500_000, 70_000, 2_500_000, 0];

/// Writers that save, read and delete files until they are told to end.
#[derive(Debug)]
pub(crate) struct Traffic {
    writers: JoinSet<Ledger>,
    is_over: watch::Sender<bool>,
    seen: watch::Receiver<Seen>,
}

/// How many calls have ended.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Seen {
    pub(crate) done: usize,
    pub(crate) failed: usize,
}

/// What is known of each file.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    files: BTreeMap<FileName, Fate>,
}

/// What a file may be now: what was acknowledged last, or what was tried since and has failed.
#[derive(Debug)]
struct Fate {
    length: usize,
    possible: Vec<State>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Absent,
    /// The contents of that seed.
    Saved(u64),
}

impl Traffic {
    pub(crate) fn start(store: &Arc<dyn IStore>) -> Self {
        let is_over = watch::Sender::new(false);
        let seen = watch::Sender::new(Seen::default());
        let mut writers = JoinSet::new();
        for number in 0..WRITERS {
            let writer = Writer {
                store: Arc::clone(store),
                seen: seen.clone(),
                number,
            };
            writers.spawn(writer.run(is_over.subscribe()));
        }
        Self {
            writers,
            is_over,
            seen: seen.subscribe(),
        }
    }

    /// Waits until so many more calls have ended as `count` says.
    pub(crate) async fn wait_for(&mut self, more: usize, count: impl Fn(Seen) -> usize) {
        let wanted = count(*self.seen.borrow()) + more;
        let waiting = self.seen.wait_for(|seen| count(*seen) >= wanted);
        // Where nothing goes on any more, it does not wait for ever.
        let ended = tokio::time::timeout(FOR_EVER, waiting).await;
        ended.unwrap().unwrap();
    }

    /// Ends the writers.
    pub(crate) async fn finish(mut self) -> Ledger {
        self.is_over.send_replace(true);
        let mut all = Ledger::default();
        while let Some(ledger) = self.writers.join_next().await {
            all.files.extend(ledger.unwrap().files);
        }
        all
    }
}

struct Writer {
    store: Arc<dyn IStore>,
    seen: watch::Sender<Seen>,
    number: usize,
}

impl Writer {
    async fn run(self, is_over: watch::Receiver<bool>) -> Ledger {
        let mut ledger = Ledger::default();
        for (round, length) in LENGTHS.into_iter().cycle().enumerate() {
            if *is_over.borrow() {
                break;
            }
            let number = round % LENGTHS.len();
            let name = FileName::new(format!("writer-{}/{number}", self.number)).unwrap();
            let fate = ledger.files.entry(name.clone()).or_insert_with(|| Fate {
                length,
                possible: vec![State::Absent],
            });
            // Each file is deleted now and then, another one each time round.
            let is_deleted = round % (LENGTHS.len() + 1) == LENGTHS.len();
            let target = if is_deleted {
                State::Absent
            } else {
                State::Saved((self.number << 32 | round) as u64)
            };
            within(self.step(&name, fate, target)).await;
            within(fate.check(&*self.store, &name, Asked::Meanwhile)).await;
        }
        ledger
    }

    async fn step(&self, name: &FileName, fate: &mut Fate, target: State) {
        let ended = match target {
            State::Absent => match self.store.delete_file(name).await {
                Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
                ended => ended,
            },
            State::Saved(seed) => {
                let contents = FileContents::from_bytes(bytes(seed, fate.length));
                let options = SaveOptions::default();
                let saved = self.store.save_file(name, contents, &options).await;
                saved.map(|_| ())
            }
        };
        match ended {
            Ok(()) => fate.possible = vec![target],
            Err(ref error) => {
                check_clear(error, name);
                fate.possible.push(target);
            }
        }
        self.seen.send_modify(|seen| match ended {
            Ok(()) => seen.done += 1,
            Err(_) => seen.failed += 1,
        });
    }
}

/// When a file is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Asked {
    /// While servers may be failing, and the read with them.
    Meanwhile,
    /// When all of them are well.
    Afterwards,
}

impl Fate {
    /// Checks that the file is what it may be.
    async fn check(&self, store: &dyn IStore, name: &FileName, asked: Asked) {
        let found = match store.get_file_bytes(name, u64::MAX).await {
            Ok((_, bytes)) => Some(bytes),
            Err(error) if error.kind() == ErrorKind::NotFound => None,
            Err(error) if asked == Asked::Meanwhile => return check_clear(&error, name),
            Err(error) => panic!("`{name}` is lost: {error:?}"),
        };
        let is_possible = self.possible.iter().any(|state| match (state, &found) {
            (State::Absent, None) => true,
            (State::Saved(seed), Some(found)) => *found == bytes(*seed, self.length),
            (State::Absent, Some(_)) | (State::Saved(_), None) => false,
        });
        let length = found.map(|found| found.len());
        assert!(
            is_possible,
            "`{name}` is none of {self:?}, but {length:?} bytes"
        );
    }
}

impl Ledger {
    /// Checks every file, now that all servers are well.
    pub(crate) async fn check(&self, store: &dyn IStore) {
        assert_eq!(self.files.len(), WRITERS * LENGTHS.len());
        for (name, fate) in &self.files {
            within(fate.check(store, name, Asked::Afterwards)).await;
        }
    }

    /// Deletes every file.
    pub(crate) async fn delete(&self, store: &dyn IStore) {
        for name in self.files.keys() {
            match within(store.delete_file(name)).await {
                Err(error) if error.kind() == ErrorKind::NotFound => {}
                ended => ended.unwrap(),
            }
        }
    }
}

/// An error of a server that is not well says so, and of which file; that it is worth another try is
/// for the program to see.
#[track_caller]
fn check_clear(error: &store::Error, name: &FileName) {
    assert!(error.is_retryable(), "{error:?}");
    let text = error.to_string();
    assert!(text.contains(name.as_str()), "{text}");
}

/// What comes of it; fails where it never ends.
pub(crate) async fn within<T>(work: impl Future<Output = T>) -> T {
    tokio::time::timeout(FOR_EVER, work).await.unwrap()
}

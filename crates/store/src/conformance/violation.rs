//! What a check finds.

use std::error::Error as StdError;
use std::fmt::{self, Debug, Write as _};
use std::io::Write as _;
use std::panic::Location;

use serde::{Deserialize, Serialize};

use crate::{Error, ErrorKind, Result};

/// The clauses of the contract that [`IStore`](crate::IStore) states.
///
/// # Examples
///
/// Which violations the one who shares a store with others cannot live with:
///
/// ```
/// use store::conformance::{Clause, Violation};
///
/// fn is_unsafe_to_share(violation: &Violation) -> bool {
///     matches!(
///         violation.clause(),
///         Clause::Atomic | Clause::Concurrent | Clause::Exclusive
///     )
/// }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[non_exhaustive]
#[expect(
    missing_docs,
    reason = "each is explained where the contract is stated"
)]
pub enum Clause {
    Faithful,
    Atomic,
    Snapshot,
    Fresh,
    Cancellation,
    Concurrent,
    Exclusive,
    Versions,
    Durable,
    Names,
    Folders,
    Order,
    Ranges,
    Refusals,
    Bounded,
    Capabilities,
}

/// A clause of the contract that a store broke, and what a check saw of it.
///
/// # Examples
///
/// A store that finds nothing for another reason than it should:
///
/// ```
/// # #[tokio::main]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # #[cfg(feature = "memory")] {
/// use store::conformance::{Clause, Subject, run};
/// use store::{ErrorKind, FaultScript, MemoryStore, Operation};
///
/// let test = concat!(module_path!(), "::name_of_this_test");
/// let subject = Subject::of_stores(test, || async {
///     let script = FaultScript::new();
///     script.on(Operation::GetFileInfo).always().fail(ErrorKind::Other);
///     MemoryStore::new().with_faults(&script)
/// });
/// let violation = run("a_missing_file_is_not_found", &subject).await.unwrap_err();
/// assert_eq!(violation.clause(), Clause::Refusals);
/// assert_eq!(violation.check(), "a_missing_file_is_not_found");
/// assert!(violation.to_string().contains("NotFound was expected"));
/// # }
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Violation {
    clause: Clause,
    check: String,
    seen: String,
    place: String,
}

/// What a check, or a step of one, came to.
pub(super) type Verdict<T = ()> = std::result::Result<T, Violation>;

/// The most characters of a value that a message shows.
const SHOWN: usize = 300;

/// A check that ends early, because of what the store declares, says so: it is not passed silently.
#[expect(clippy::unnecessary_wraps, reason = "it is what a check then comes to")]
pub(super) fn does_not_apply(why: &str) -> Verdict {
    // Not to be told is no reason to fail.
    let _ = writeln!(
        std::io::stderr(),
        "store conformance: a check does not apply: {why}"
    );
    Ok(())
}

impl Violation {
    /// The clause that was broken.
    #[must_use]
    pub fn clause(&self) -> Clause {
        self.clause
    }

    /// The check that saw it.
    #[must_use]
    pub fn check(&self) -> &str {
        &self.check
    }

    pub(super) fn seen_by(mut self, check: &str) -> Self {
        check.clone_into(&mut self.check);
        self
    }

    pub(super) fn with_seen(mut self, seen: impl FnOnce(String) -> String) -> Self {
        self.seen = seen(self.seen);
        self
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "contract clause `{:?}` broken, seen by `{}`: {} ({})",
            self.clause, self.check, self.seen, self.place
        )
    }
}

impl StdError for Violation {}

impl Clause {
    #[track_caller]
    pub(super) fn broken(self, seen: impl Into<String>) -> Violation {
        let place = Location::caller();
        Violation {
            clause: self,
            check: String::new(),
            seen: seen.into(),
            place: format!("{}:{}", place.file(), place.line()),
        }
    }

    /// That a condition holds; `otherwise` says what was seen.
    #[track_caller]
    #[expect(
        clippy::fn_params_excessive_bools,
        reason = "a condition is what it is about"
    )]
    pub(super) fn holds(self, condition: bool, otherwise: impl Into<String>) -> Verdict {
        if condition {
            return Ok(());
        }
        Err(self.broken(otherwise))
    }

    /// That `what` is what it should be.
    #[track_caller]
    pub(super) fn same<T: PartialEq<U> + Debug + ?Sized, U: Debug + ?Sized>(
        self,
        what: &str,
        found: &T,
        expected: &U,
    ) -> Verdict {
        if found == expected {
            return Ok(());
        }
        let (found, expected) = (short(found), short(expected));
        Err(self.broken(format!("{what}: {found} where {expected} was expected")))
    }

    /// That the bytes of `what` are what they should be.
    #[track_caller]
    pub(super) fn same_bytes(self, what: &str, found: &[u8], expected: &[u8]) -> Verdict {
        if found == expected {
            return Ok(());
        }
        let same = found.iter().zip(expected).take_while(|(a, b)| a == b);
        Err(self.broken(format!(
            "{what}: {} bytes where {} were expected, the same up to byte {}",
            found.len(),
            expected.len(),
            same.count()
        )))
    }
}

/// What a check expects of an answer.
pub(super) trait Answer<T> {
    /// That `call` succeeded.
    #[track_caller]
    fn succeeds(self, clause: Clause, call: &str) -> Verdict<T>;

    /// That `call` failed for this reason.
    #[track_caller]
    fn fails(self, clause: Clause, kind: ErrorKind, call: &str) -> Verdict<Error>;
}

impl<T> Answer<T> for Result<T> {
    #[track_caller]
    fn succeeds(self, clause: Clause, call: &str) -> Verdict<T> {
        match self {
            Ok(value) => Ok(value),
            Err(error) => Err(clause.broken(format!("{call} {}", chain(&error)))),
        }
    }

    #[track_caller]
    fn fails(self, clause: Clause, kind: ErrorKind, call: &str) -> Verdict<Error> {
        match self {
            Err(error) if error.kind() == kind => Ok(error),
            Err(error) => {
                let seen = chain(&error);
                Err(clause.broken(format!("{call} {seen} where {kind:?} was expected")))
            }
            Ok(_) => Err(clause.broken(format!("{call} succeeded where {kind:?} was expected"))),
        }
    }
}

/// The error with its kind and all its causes: the reader of a violation has nothing else.
fn chain(error: &Error) -> String {
    let mut text = format!("{error} [{:?}]", error.kind());
    let mut cause = error.source();
    while let Some(error) = cause {
        // Writing to a string never fails.
        let _ = write!(text, ": {error}");
        cause = error.source();
    }
    text
}

fn short<T: Debug + ?Sized>(value: &T) -> String {
    let text = format!("{value:?}");
    match text.char_indices().nth(SHOWN) {
        None => text,
        Some((end, _)) => format!("{}…", &text[..end]),
    }
}

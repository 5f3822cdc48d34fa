//! What becomes of one run, by its seed.

use std::time::Duration;

use crate::crash::victim::Work;
use crate::world::Backend;

/// How and where one program is killed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Plan {
    pub(crate) backend: Backend,
    pub(crate) death: Death,
    /// Whether its request has an idempotency key.
    pub(crate) key: Option<&'static str>,
    /// Whether somebody asks to cancel it when it is dead already.
    pub(crate) cancel: Cancel,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cancel {
    Asked,
    NotAsked,
}

/// A point at which a program dies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Death {
    /// The real program, so long after it printed so many lines.
    Random { lines: usize, later: Duration },
    /// The engine in a program of the test's, at a call of its store.
    Call(Work, u64, Moment),
    /// The real program, at one of its client's commands.
    Command(u64, Moment),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Moment {
    Before,
    After,
}

/// Every point that is not a random one.
pub(crate) type Points = Vec<(Backend, Death)>;

/// How many commands the client is run for: target, login, delete, list, push, list, logout.
pub(crate) const COMMANDS: u64 = 7;

/// No fewer than the calls of its store that a program makes: their number differs by one or two
/// from run to run, and a seed must always mean the same.
pub(crate) const fn most_calls(work: Work) -> u64 {
    match work {
        Work::Deploy => 18,
        Work::Recover => 6,
    }
}

/// Every command and every call.
pub(crate) fn points() -> Points {
    let mut points = Vec::new();
    for backend in [Backend::Sqlite, Backend::Fs] {
        for moment in [Moment::Before, Moment::After] {
            let at_command = |command| (backend, Death::Command(command, moment));
            points.extend((1..=COMMANDS).map(at_command));
            for work in [Work::Deploy, Work::Recover] {
                let at_call = |call| (backend, Death::Call(work, call, moment));
                points.extend((1..=most_calls(work)).map(at_call));
            }
        }
    }
    points
}

impl Plan {
    /// Every other seed is a random point; the others go through all `points`, in an order that a
    /// short form takes a fair sample of.
    pub(crate) fn of(seed: u64, points: &Points) -> Self {
        /// A prime, larger than the number of points.
        const STRIDE: u64 = 7919;
        let mut numbers = Numbers(seed);
        let (backend, death) = if seed.is_multiple_of(2) {
            let backend = [Backend::Sqlite, Backend::Fs][numbers.index(2)];
            let lines = numbers.index(17);
            // The program takes longer to its first line than to any other.
            let longest = if lines == 0 { 40_000 } else { 12_000 };
            let later = Duration::from_micros(numbers.below(longest));
            (backend, Death::Random { lines, later })
        } else {
            let number = (seed / 2).wrapping_mul(STRIDE) % points.len() as u64;
            points[usize::try_from(number).unwrap()]
        };
        Self {
            backend,
            death,
            key: [None, Some("order 66")][numbers.index(2)],
            cancel: [Cancel::NotAsked, Cancel::Asked][numbers.index(2)],
        }
    }
}

/// Numbers that look random and follow from a seed: `SplitMix64`.
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut number = self.0;
        number = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        number = (number ^ (number >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        number ^ (number >> 31)
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }

    fn index(&mut self, length: usize) -> usize {
        usize::try_from(self.below(length as u64)).unwrap()
    }
}

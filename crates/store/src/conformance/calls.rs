//! Random calls on a store.

use proptest::prelude::*;
use proptest::sample::select;

use super::samples::LONG;
use crate::{ListOptions, Order, ReadRange};

/// Few names, so that calls meet; some are folders of others, some only begin like them.
pub(super) const NAMES: [&str; 8] = [
    "a", "a/b", "a/b/c", "a.b", "ab/c", "b", "\u{e9}", "e\u{301}",
];

/// A call, and what is asked of it.
#[derive(Clone, Debug)]
pub(super) enum Call {
    Save(&'static str, usize, Mode),
    Delete(&'static str),
    Info(&'static str),
    Read(&'static str, Option<ReadRange>),
    List(ListOptions),
}

/// What a save may replace.
#[derive(Clone, Copy, Debug)]
pub(super) enum Mode {
    Overwrite,
    Create,
    /// Of the version that is there, or was last.
    Update,
    /// Of the version before.
    UpdateOld,
}

pub(super) fn any_call() -> impl Strategy<Value = Call> {
    let name = || select(&NAMES);
    let mode = select(vec![
        Mode::Overwrite,
        Mode::Create,
        Mode::Update,
        Mode::UpdateOld,
    ]);
    let length = prop_oneof![20 => 0..100_usize, 1 => LONG - 1..LONG + 1];
    let place = || prop_oneof![8 => 0..40_u64, 1 => Just(LONG as u64), 1 => any::<u64>()];
    let range = prop_oneof![
        4 => (0..40_u64, 1..40_u64).prop_map(|(start, len)| ReadRange::Bounded(start..start + len)),
        1 => (place(), place()).prop_map(|(start, end)| ReadRange::Bounded(start..end)),
        2 => place().prop_map(ReadRange::From),
        2 => place().prop_map(ReadRange::Last),
    ];
    let list = (
        prop::option::of("[ab./0é]{0,3}"),
        prop::option::of("[ab./0é\\x00]{0,4}"),
        1..12_usize,
        select(vec![Order::Ascending, Order::Descending]),
    );
    prop_oneof![
        6 => (name(), length, mode).prop_map(|(name, length, mode)| Call::Save(name, length, mode)),
        2 => name().prop_map(Call::Delete),
        1 => name().prop_map(Call::Info),
        4 => (name(), prop::option::weighted(0.8, range)).prop_map(|(name, range)| Call::Read(name, range)),
        2 => list.prop_map(|(prefix, after, limit, order)| {
            let mut options = ListOptions::default().with_limit(limit).with_order(order);
            (options.prefix, options.after) = (prefix, after);
            Call::List(options)
        }),
    ]
}

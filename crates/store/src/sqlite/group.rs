//! The tasks that are committed together.

use std::sync::mpsc::Receiver;

use super::task::{Need, Task};

/// The most tasks in one transaction.
const GROUP_TASKS: usize = 512;

/// About the most bytes of contents in one transaction: what its waiting savers hold in memory
/// anyway.
pub(super) const GROUP_BYTES: usize = 8 * 1024 * 1024;

/// Tasks that come while others are worked on.
pub(super) type Arrivals<'a> = dyn Iterator<Item = Box<dyn Task>> + 'a;

/// The tasks of one transaction.
pub(super) struct Group {
    tasks: Vec<Box<dyn Task>>,
    bytes: usize,
}

impl Group {
    /// One task, which others may join.
    pub(super) fn new(task: Box<dyn Task>) -> Self {
        Self {
            bytes: task.bytes(),
            tasks: vec![task],
        }
    }

    /// The task and those that wait behind it, up to what one transaction takes.
    pub(super) fn gather(first: Box<dyn Task>, waiting: &Receiver<Box<dyn Task>>) -> Self {
        let mut group = Self::new(first);
        while group.add_next(&mut waiting.try_iter()) {}
        group
    }

    /// Adds the next task, if there is one, and room for it.
    pub(super) fn add_next(&mut self, arrivals: &mut Arrivals<'_>) -> bool {
        if self.tasks.len() >= GROUP_TASKS || self.bytes >= GROUP_BYTES {
            return false;
        }
        let Some(task) = arrivals.next() else {
            return false;
        };
        self.bytes += task.bytes();
        self.tasks.push(task);
        true
    }

    pub(super) fn len(&self) -> usize {
        self.tasks.len()
    }

    /// The tasks from this one on.
    pub(super) fn tasks_from(&mut self, first: usize) -> &mut [Box<dyn Task>] {
        self.tasks.get_mut(first..).unwrap_or_default()
    }

    /// Forgets what came of an earlier transaction.
    pub(super) fn begin_anew(&mut self) {
        for task in &mut self.tasks {
            task.begin_anew();
        }
    }

    /// What the tasks together need of their commit.
    pub(super) fn need(&self) -> Need {
        if self.tasks.iter().any(|task| task.need() == Need::Durable) {
            Need::Durable
        } else {
            Need::Order
        }
    }
}

impl IntoIterator for Group {
    type Item = Box<dyn Task>;
    type IntoIter = std::vec::IntoIter<Self::Item>;

    fn into_iter(self) -> Self::IntoIter {
        self.tasks.into_iter()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use rusqlite::Connection;

    use super::super::task::Call;
    use super::*;
    use crate::Result;

    fn task(bytes: usize) -> Box<dyn Task> {
        Box::new(Call {
            operation: "save file",
            bytes,
            need: Need::Order,
            work: |_: &Connection| -> Result<()> { Ok(()) },
            result: None,
            reply: None,
        })
    }

    /// How many of so many tasks of these bytes are in one group.
    fn in_one_group(count: usize, bytes: usize) -> usize {
        let (tasks, waiting) = mpsc::channel();
        for _ in 1..count {
            tasks.send(task(bytes)).unwrap();
        }
        let group = Group::gather(task(bytes), &waiting);
        assert_eq!(group.tasks.len() + waiting.try_iter().count(), count);
        group.tasks.len()
    }

    #[test]
    fn a_group_has_room_for_so_many_tasks_and_bytes() {
        assert_eq!(in_one_group(3, 0), 3);
        assert_eq!(in_one_group(GROUP_TASKS + 2, 0), GROUP_TASKS);
        assert_eq!(in_one_group(10, GROUP_BYTES / 2), 2);
        assert_eq!(in_one_group(10, GROUP_BYTES / 2 - 1), 3);
    }
}

//! What a finished save survives.

/// What a save survives once it returned.
///
/// # Examples
///
/// Files that can be made again need not wait for the disk:
///
/// ```
/// # #[cfg(all(feature = "fs", unix))] {
/// use store::{Durability, FsOptions};
///
/// let cache = FsOptions::default().with_durability(Durability::Process);
/// assert_ne!(cache, FsOptions::default()); // which is `Durability::Full`
/// # }
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Durability {
    /// A crash of the machine, or the loss of its power: contents and directories are on the disk.
    #[default]
    Full,
    /// A crash of this process alone. Much faster; a crash of the machine may lose the latest
    /// saves, each as a whole where the file system keeps the order of its writes.
    Process,
}

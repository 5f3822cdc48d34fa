//! What a finished save survives.

/// What a save survives once it returned.
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

//! The way through one archive: every entry is checked, and handed to a sink.

use std::io::Read;

use crate::error::{Error, Limit, ManifestProblem, Refusal, Result, shown};
use crate::limits::UnpackLimits;
use crate::listing::{Line, Listing};
use crate::manifest::Manifest;

use super::entries::{Entries, Entry, Kind};
use super::fault::Fault;
use super::index::{Held, Index};
use super::links::{Link, stays_inside};
use super::path::EntryPath;

/// Where entries go after they were checked.
pub(super) trait Sink {
    /// Makes a folder whose parent is there.
    fn folder(&mut self, path: &EntryPath, mode: u32) -> Result<()>;

    /// Changes the mode of a folder that was made.
    fn folder_mode(&mut self, path: &EntryPath, mode: u32) -> Result<()>;

    /// Makes a file with these contents.
    fn file<R: Read>(
        &mut self,
        path: &EntryPath,
        mode: u32,
        contents: &mut Contents<'_, R>,
    ) -> Result<()>;

    /// Makes a second name of a file.
    fn hard_link(&mut self, path: &EntryPath, target: &EntryPath) -> Result<()>;

    /// Makes a symbolic link; all of them come last.
    fn link(&mut self, path: &EntryPath, target: &str) -> Result<()>;
}

/// The contents of one file.
pub(super) struct Contents<'a, R> {
    entries: &'a mut Entries<R>,
    copy: Option<&'a mut Vec<u8>>,
}

impl<R: Read> Contents<'_, R> {
    /// Some bytes; `None` after the last one.
    pub(super) fn next(&mut self) -> Result<Option<&[u8]>> {
        self.next_of(usize::MAX)
    }

    /// Some bytes, at most `most`, which is not 0; `None` after the last one.
    pub(super) fn next_of(&mut self, most: usize) -> Result<Option<&[u8]>> {
        let bytes = self.entries.contents(most)?;
        if let (Some(copy), Some(bytes)) = (&mut self.copy, bytes) {
            copy.extend_from_slice(bytes);
        }
        Ok(bytes)
    }
}

/// One archive on its way to a sink.
pub(super) struct Walk<R> {
    entries: Entries<R>,
    name: String,
    first: Option<Entry>,
    index: Index,
    /// The folder of the entry before: nearly always also of the next.
    folder: String,
    links: Vec<Link>,
    link_bytes: u64,
    listing: Listing,
    bytes: u64,
    role: Role,
}

/// What is looked for in an archive.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Role {
    /// A package: a manifest, and the application's archive.
    Package,
    /// An application.
    Application,
}

/// What an archive held.
pub(super) struct Walked {
    pub(super) manifest: Option<Manifest>,
    pub(super) listing: Listing,
    pub(super) entries: u64,
    pub(super) bytes: u64,
}

/// The most bytes of links that wait in memory.
const MOST_LINK_BYTES: u64 = 4 << 20;

/// The mode of folders without an entry of their own.
const IMPLIED_MODE: u32 = 0o755;

impl<R: Read> Walk<R> {
    /// Reads up to the first entry.
    pub(super) fn open(
        reader: R,
        archive: String,
        name: &str,
        limits: &UnpackLimits,
        role: Role,
    ) -> Result<Self> {
        let mut walk = Self {
            entries: Entries::new(reader, archive, limits),
            name: name.to_owned(),
            first: None,
            index: Index::new(),
            folder: String::new(),
            links: Vec::new(),
            link_bytes: 0,
            listing: Listing::default(),
            bytes: 0,
            role,
        };
        walk.first = walk.entries.next()?;
        match &walk.first {
            Some(entry) => walk.check_top(entry)?,
            None => return Err(walk.entries.error(Fault::Empty)),
        }
        Ok(walk)
    }

    pub(super) fn archive(&self) -> &str {
        self.entries.archive()
    }

    /// Where a package holds the application's archive.
    pub(super) fn application(&self) -> String {
        format!("{0}/{0}.tar.gz", self.name)
    }

    /// Hands every entry to `sink`, up to the last byte of the archive.
    pub(super) fn run(mut self, sink: &mut impl Sink) -> Result<Walked> {
        let application = self.application();
        let mut has_application = false;
        let mut manifest = ManifestSearch::default();
        let mut next = self.first.take();
        while let Some(entry) = next {
            self.entries.count_one()?;
            self.check_top(&entry)?;
            has_application |= entry.kind == Kind::File && entry.path.as_str() == application;
            self.enter_folder(&entry.path, sink)?;
            self.list(&entry);
            match &entry.kind {
                Kind::Folder => self.add_folder(&entry, sink)?,
                Kind::File => self.add_file(&entry, sink, &mut manifest)?,
                Kind::HardLink(target) => self.add_hard_link(&entry.path, target, sink)?,
                Kind::Link(target) => self.add_link(&entry.path, target)?,
            }
            next = self.entries.next()?;
        }
        self.make_links(sink)?;
        if self.role == Role::Package && !has_application {
            return Err(Error::MissingApplication {
                archive: self.archive().to_owned(),
                entry: application,
            });
        }
        Ok(Walked {
            manifest: manifest.finish(self.entries.limits())?,
            entries: self.entries.count(),
            listing: self.listing,
            bytes: self.bytes,
        })
    }

    fn check_top(&self, entry: &Entry) -> Result<()> {
        if entry.path.top() != self.name {
            return Err(Error::WrongFolder {
                archive: self.archive().to_owned(),
                entry: shown(entry.path.as_str().as_bytes()),
                expected: self.name.clone(),
            });
        }
        if entry.path.depth() == 1 && entry.kind != Kind::Folder {
            return Err(self.entries.error(Refusal::NotAFolder));
        }
        Ok(())
    }

    /// Makes the folders that a path needs.
    fn enter_folder(&mut self, path: &EntryPath, sink: &mut impl Sink) -> Result<()> {
        let (Some(folder), _) = path.split() else {
            return Ok(());
        };
        if folder == self.folder {
            return Ok(());
        }
        let ends = folder.match_indices('/').map(|(end, _)| end);
        for end in ends.chain([folder.len()]) {
            let part = &folder[..end];
            match self.find(part)? {
                Some(Held::Folder | Held::ImpliedFolder) => {}
                Some(Held::File) => return Err(self.entries.error(Refusal::NotAFolder)),
                Some(Held::Link) => return Err(self.entries.error(Refusal::ThroughLink)),
                None => {
                    self.entries.count_one()?;
                    self.index.set(part, Held::ImpliedFolder);
                    sink.folder(&EntryPath::from_checked(part), IMPLIED_MODE)?;
                }
            }
        }
        folder.clone_into(&mut self.folder);
        Ok(())
    }

    fn add_folder(&mut self, entry: &Entry, sink: &mut impl Sink) -> Result<()> {
        let path = &entry.path;
        match self.find(path.as_str())? {
            None => sink.folder(path, entry.mode)?,
            Some(Held::ImpliedFolder) => sink.folder_mode(path, entry.mode)?,
            Some(Held::Folder | Held::File | Held::Link) => {
                return Err(self.entries.error(Refusal::Duplicate));
            }
        }
        self.index.set(path.as_str(), Held::Folder);
        Ok(())
    }

    fn add_file(
        &mut self,
        entry: &Entry,
        sink: &mut impl Sink,
        manifest: &mut ManifestSearch,
    ) -> Result<()> {
        self.claim(&entry.path, Held::File)?;
        self.bytes += entry.size;
        let copy = match self.role {
            Role::Package => manifest.room_for(entry, self.entries.limits()),
            Role::Application => None,
        };
        let mut contents = Contents {
            entries: &mut self.entries,
            copy,
        };
        sink.file(&entry.path, entry.mode, &mut contents)?;
        // What a sink does not look at may still be the manifest.
        while contents.next()?.is_some() {}
        Ok(())
    }

    fn add_hard_link(
        &mut self,
        path: &EntryPath,
        target: &EntryPath,
        sink: &mut impl Sink,
    ) -> Result<()> {
        if self.index.get(target.as_str()) != Some(Held::File) {
            return Err(self.entries.error(Refusal::HardLinkTarget {
                target: shown(target.as_str().as_bytes()),
            }));
        }
        self.claim(path, Held::File)?;
        sink.hard_link(path, target)
    }

    fn add_link(&mut self, path: &EntryPath, target: &str) -> Result<()> {
        self.claim(path, Held::Link)?;
        self.link_bytes += (path.as_str().len() + target.len()) as u64;
        Fault::check(Limit::LinkBytes, self.link_bytes, MOST_LINK_BYTES)
            .map_err(|fault| self.entries.error(fault))?;
        self.links.push(Link {
            path: path.clone(),
            target: target.to_owned(),
        });
        Ok(())
    }

    /// Makes the symbolic links, now that nothing can be written through one any more.
    fn make_links(&mut self, sink: &mut impl Sink) -> Result<()> {
        for Link { path, target } in &self.links {
            let folder = path.split().0.unwrap_or_default();
            if !stays_inside(folder, target, &self.index) {
                return Err(Error::Refused {
                    archive: self.archive().to_owned(),
                    entry: shown(path.as_str().as_bytes()),
                    refusal: Refusal::LinkLeaves {
                        target: shown(target.as_bytes()),
                    },
                });
            }
        }
        self.links
            .iter()
            .try_for_each(|link| sink.link(&link.path, &link.target))
    }

    fn claim(&mut self, path: &EntryPath, held: Held) -> Result<()> {
        if self.find(path.as_str())?.is_some() {
            return Err(self.entries.error(Refusal::Duplicate));
        }
        self.index.set(path.as_str(), held);
        Ok(())
    }

    fn find(&self, path: &str) -> Result<Option<Held>> {
        self.index
            .find(path)
            .map_err(|refusal| self.entries.error(refusal))
    }

    fn list(&mut self, entry: &Entry) {
        let (kind, target) = match &entry.kind {
            Kind::File => ('-', None),
            Kind::Folder => ('d', None),
            Kind::Link(target) => ('l', Some(target.as_bytes())),
            Kind::HardLink(target) => ('h', Some(target.as_str().as_bytes())),
        };
        self.listing.add(&Line {
            kind,
            mode: entry.mode,
            size: entry.size,
            path: entry.path.as_str().as_bytes(),
            target,
        });
    }
}

/// Finds the manifest: the shallowest file with its name, in any case; of two, the first.
#[derive(Default)]
pub(super) struct ManifestSearch {
    best: Option<Candidate>,
}

struct Candidate {
    path: EntryPath,
    size: u64,
    bytes: Vec<u8>,
}

/// The manifest's name.
const MANIFEST: &str = "manifest.json";

impl ManifestSearch {
    /// Where the contents go of an entry that is the best candidate so far and not too large.
    pub(super) fn room_for(
        &mut self,
        entry: &Entry,
        limits: &UnpackLimits,
    ) -> Option<&mut Vec<u8>> {
        let depth = |path: &EntryPath| path.depth();
        let better = self
            .best
            .as_ref()
            .is_none_or(|best| depth(&entry.path) < depth(&best.path));
        if !better || !entry.path.split().1.eq_ignore_ascii_case(MANIFEST) {
            return None;
        }
        let best = self.best.insert(Candidate {
            path: entry.path.clone(),
            size: entry.size,
            bytes: Vec::new(),
        });
        (best.size <= limits.manifest_bytes).then_some(&mut best.bytes)
    }

    /// Whether nothing better can come in a legal package.
    pub(super) fn is_over(&self) -> bool {
        self.best
            .as_ref()
            .is_some_and(|best| best.path.depth() <= 2)
    }

    pub(super) fn finish(self, limits: &UnpackLimits) -> Result<Option<Manifest>> {
        let Some(best) = self.best else {
            return Ok(None);
        };
        if best.size > limits.manifest_bytes {
            return Err(Error::Manifest {
                entry: shown(best.path.as_str().as_bytes()),
                problem: ManifestProblem::TooLarge {
                    size: best.size,
                    maximum: limits.manifest_bytes,
                },
            });
        }
        Manifest::parse_entry(&best.bytes, &shown(best.path.as_str().as_bytes())).map(Some)
    }
}

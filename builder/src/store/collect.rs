//! Removes what nobody needs, while builds, deployments and other collections go on.
//!
//! A document is **needed** while somebody holds it or has a fresh lease on it; a blob while a needed document refers to it or
//! somebody has a fresh lease on it. A **lease** is an object whose name says a digest and a time; it is fresh until it is older
//! than the grace time.
//!
//! # The race
//!
//! A build puts a blob, finds it there, uploads nothing and goes on to refer to it, while a collection that saw nobody need the
//! blob removes it. Object stores have no transaction over several objects and no removal under a condition, so the store is built
//! such that neither is missed:
//!
//! 1. A content may have several objects, its **generations**, each with a name that was never used before and never will be. To
//!    remove one by name cannot hit another that somebody wrote meanwhile.
//! 2. A collection first **condemns** what it saw no need for, with a mark beside each generation; then lists leases, holds and
//!    documents again; then removes what is still not needed. A mark stays for as long as its generation.
//! 3. Whoever is going to rely on a content first takes a lease, and then looks. A generation without a mark is **live** and will
//!    do. If there is none, it writes a new one, or copies a condemned one to a new name, on the store's side.
//!
//! Either the collection sees the lease, or it listed leases before there was one: then its mark was there before, and whoever
//! took the lease saw it. This needs a store in which a listing shows what was written before it began, which folders, S3 and
//! the services that speak its protocol are.
//!
//! A content that is needed may be left with several generations, or condemned ones only. A collection therefore copies a condemned
//! one where none is live, condemns all but one live generation of what is needed, and removes a condemned generation of it
//! that was condemned *before the second listing* if that shows another one live.
//!
//! **Claim.** Who took a lease on a content and then saw a live generation, or wrote one, finds the content there as long as
//! somebody needs it without a break. *Proof.* Let S be the generations that were live at that look, or appeared since. Assume that all
//! of S is removed. A collection that removes a generation because it is not needed condemned it before it listed leases, and listed
//! them before the lease was there: so it was condemned before the look, and is not in S. All of S is thus removed because another
//! generation was seen live. Take that of S which is condemned last. The one that was seen live instead was live after that,
//! so it is in S, and condemned later still. Contradiction.
//!
//! "Without a break": `put_document` takes leases on the document and its blobs, looks, and writes; `hold` does the same and then
//! writes the hold. Leases count for at least [`GRACE_MIN`] from then on, and an operation that took longer than half of that begins
//! anew. `release` takes a lease on the document before it removes the hold. Collections list leases before holds before
//! documents: where a lease is no longer seen, what was written under it is.
//!
//! # Crashes
//!
//! Documents go before the blobs that they refer to, and the hold comes after everything that it needs. So whatever is the last thing
//! that is done, no held document lacks a blob. Marks without a generation, stale leases and half-written files are removed
//! by later collections.
//!
//! # What must be true
//!
//! - Clocks of the machines that share a store differ by less than a minute or two.
//! - A single request does not take effect minutes after it was given up, and a listing takes less than the grace time.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use futures_util::{StreamExt, TryStreamExt, stream};
use hks_engine::Digest;
use object_store::path::Path;

use super::clock::Moment;
use super::generations::Generation;
use super::layout::{self, Kind, Mark, Name};
use super::objects::CONCURRENCY;
use super::{Error, Hold, Store, leftovers};

/// The shortest grace time: a build that takes longer between two steps is asked to repeat them, and clocks may differ a little.
pub const GRACE_MIN: Duration = Duration::from_secs(600);

/// For how long the store keeps what nobody holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Grace(Duration);

impl Grace {
    /// At least [`GRACE_MIN`].
    ///
    /// # Errors
    /// It is shorter.
    pub fn new(time: Duration) -> Result<Self, Error> {
        if time < GRACE_MIN {
            let (time, min) = (time.as_secs(), GRACE_MIN.as_secs());
            return Err(Error::Refused(format!("a grace time of {time} s is too short; it is {min} s or more")));
        }
        Ok(Self(time))
    }
}

impl Default for Grace {
    /// A day: a build that is found broken in the morning can be rolled back to.
    fn default() -> Self {
        Self(Duration::from_secs(86_400))
    }
}

/// Whether a collection removes anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sweep {
    /// What is not needed is removed.
    Remove,
    /// It is counted only, and nothing is written.
    Count,
}

/// What a collection removed, or would have.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Collected {
    /// Documents.
    pub documents: Removed,
    /// Blobs.
    pub blobs: Removed,
    /// Files that a crash left half written in a local store.
    pub leftovers: Removed,
    /// Holds of documents that are not there. The store never makes any: somebody else removed the documents. Their holders should
    /// build again.
    pub broken: Vec<Hold>,
}

/// How much was removed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Removed {
    /// Objects.
    pub objects: u64,
    /// Bytes of all of them.
    pub bytes: u64,
}

impl Removed {
    pub(super) fn add(&mut self, bytes: u64) {
        self.objects += 1;
        self.bytes += bytes;
    }
}

impl Store {
    /// Removes documents that nobody holds and blobs that no remaining document refers to, all older than the grace time: counted
    /// from when they were last put, held or released. Any number of collections may run at once.
    ///
    /// # Errors
    /// The store cannot be read or written, or a document that is needed is damaged, so that nobody knows what it refers to.
    /// What was removed until then was not needed.
    pub async fn collect(&self, grace: Grace, sweep: Sweep) -> Result<Collected, Error> {
        let now = self.clock.now();
        let mut references = HashMap::new();
        let before = self.inventory(now, grace).await?;
        let need = self.need(&before, &mut references).await?;
        let mut collected = Collected { broken: need.broken.clone(), ..Collected::default() };
        if let Some(folder) = self.folder.clone() {
            let swept = tokio::task::spawn_blocking(move || leftovers::sweep(&folder, grace.0, sweep)).await;
            collected.leftovers =
                swept.map_err(|_| self.too_slow("collect: the runtime is being shut down".into()))??;
        }
        if sweep == Sweep::Count {
            collected.documents = count(&before.documents.garbage(&need.documents));
            collected.blobs = count(&before.blobs.garbage(&need.blobs));
            return Ok(collected);
        }
        for (shelf, needed) in [(&before.documents, &need.documents), (&before.blobs, &need.blobs)] {
            self.revive(shelf, needed).await?;
        }
        let documents = self.condemn(&before.documents, &need.documents, now).await?;
        let blobs = self.condemn(&before.blobs, &need.blobs, now).await?;
        let after = self.inventory(now, grace).await?;
        let need = self.need(&after, &mut references).await?;
        collected.documents = self.remove(&after.documents, &documents, &need.documents).await?;
        collected.blobs = self.remove(&after.blobs, &blobs, &need.blobs).await?;
        for shelf in [&before.documents, &before.blobs] {
            self.objects.delete_all(shelf.stale_marks(now, grace)).await?;
        }
        self.objects.delete_all(before.stale_leases).await?;
        Ok(collected)
    }

    /// In the order that the argument asks for.
    async fn inventory(&self, now: Moment, grace: Grace) -> Result<Inventory, Error> {
        let mut leased = HashSet::new();
        let mut stale_leases = Vec::new();
        for object in self.objects.list(&Path::from(layout::LEASES)).await? {
            match layout::parse_lease(&object.location) {
                Some((at, digest)) if at.age_at(now) <= grace.0 => drop(leased.insert(digest)),
                Some(_) => stale_leases.push(object.location),
                None => {}
            }
        }
        let holds = self.holds().await?;
        let documents = self.shelf(Kind::Document).await?;
        let blobs = self.shelf(Kind::Blob).await?;
        Ok(Inventory { leased, stale_leases, holds, documents, blobs })
    }

    async fn shelf(&self, kind: Kind) -> Result<Shelf, Error> {
        let mut shelf = Shelf { kind, contents: HashMap::new(), marks: Vec::new() };
        for object in self.objects.list(&Path::from(kind.folder())).await? {
            let Some(Name { digest, generation, mark }) = Name::parse(&object.location) else { continue };
            match mark {
                Some((mark, at)) => shelf.marks.push((digest, generation, mark, at)),
                None => {
                    let found = Generation { id: generation, bytes: object.size, mark: None };
                    shelf.contents.entry(digest).or_default().push(found);
                }
            }
        }
        for (digest, id, mark, _) in &shelf.marks {
            let generations = shelf.contents.get_mut(digest).into_iter().flatten();
            generations.filter(|found| found.id == *id).for_each(|found| found.mark = found.mark.max(Some(*mark)));
        }
        shelf.contents.values_mut().for_each(|generations| generations.sort_by(|a, b| a.id.cmp(&b.id)));
        Ok(shelf)
    }

    /// `references` remembers what documents refer to: they never change.
    async fn need(&self, inventory: &Inventory, references: &mut HashMap<Digest, Vec<Digest>>) -> Result<Need, Error> {
        let held = inventory.holds.iter().map(|hold| hold.artifact);
        let leased =
            inventory.leased.iter().copied().filter(|leased| inventory.documents.contents.contains_key(leased));
        let documents: HashSet<Digest> = held.chain(leased).collect();
        let unread: Vec<Digest> = documents.iter().copied().filter(|needed| !references.contains_key(needed)).collect();
        let read = stream::iter(unread).map(|digest| async move {
            match self.document(digest).await {
                Ok(document) => Ok(Some((digest, document.references))),
                Err(Error::Missing { .. }) => Ok(None),
                Err(error) => Err(error),
            }
        });
        let read: Vec<_> = read.buffer_unordered(CONCURRENCY).try_collect().await?;
        references.extend(read.into_iter().flatten());
        let broken = inventory.holds.iter().filter(|hold| !references.contains_key(&hold.artifact)).cloned().collect();
        let referred = documents.iter().filter_map(|document| references.get(document)).flatten();
        let blobs = referred.chain(&inventory.leased).copied().collect();
        Ok(Need { documents, blobs, broken })
    }

    /// Gives what is needed a live generation again, so that a later collection can remove the condemned ones.
    async fn revive(&self, shelf: &Shelf, needed: &HashSet<Digest>) -> Result<(), Error> {
        let condemned = shelf.contents.iter().filter(|(digest, generations)| {
            let condemned = generations.iter().any(|found| found.mark == Some(Mark::Condemned));
            needed.contains(digest) && condemned && !generations.iter().any(Generation::is_live)
        });
        let condemned: Vec<Digest> = condemned.map(|(digest, _)| *digest).collect();
        let kind = shelf.kind;
        let revivals = stream::iter(condemned).map(|digest| async move {
            match self.ensure_live(kind, digest).await {
                // Nobody needs it any more, or a reader has found it damaged just now.
                Err(Error::Missing { .. } | Error::Damaged { .. }) => Ok(()),
                other => other,
            }
        });
        revivals.buffer_unordered(CONCURRENCY).try_collect().await
    }

    /// What is condemned when this returns: by us, or by others before the first listing.
    async fn condemn(
        &self,
        shelf: &Shelf,
        needed: &HashSet<Digest>,
        now: Moment,
    ) -> Result<HashSet<(Digest, String)>, Error> {
        let garbage = shelf.garbage(needed);
        let live = garbage.iter().filter(|(_, generation)| generation.is_live());
        let live: Vec<_> = live.map(|(digest, generation)| (*digest, generation.id.clone())).collect();
        let kind = shelf.kind;
        let marks = stream::iter(live)
            .map(|(digest, id)| async move { self.put_mark(kind, digest, &id, Mark::Condemned, now).await });
        let written: Result<(), Error> = marks.buffer_unordered(CONCURRENCY).try_collect().await;
        written?;
        let by_us = garbage.into_iter().map(|(digest, generation)| (digest, generation.id.clone()));
        let by_others = shelf.marks.iter().map(|(digest, id, ..)| (*digest, id.clone()));
        Ok(by_us.chain(by_others).collect())
    }

    async fn remove(
        &self,
        shelf: &Shelf,
        condemned: &HashSet<(Digest, String)>,
        needed: &HashSet<Digest>,
    ) -> Result<Removed, Error> {
        let mut removed = Removed::default();
        let mut objects = Vec::new();
        for (digest, generations) in &shelf.contents {
            let expendable = !needed.contains(digest) || generations.iter().any(Generation::is_live);
            let gone = generations.iter().filter(|found| condemned.contains(&(*digest, found.id.clone())));
            for generation in gone.filter(|_| expendable) {
                removed.add(generation.bytes);
                objects.push(shelf.kind.object(*digest, &generation.id));
            }
        }
        self.objects.delete_all(objects).await?;
        Ok(removed)
    }
}

/// What one look at the store found.
struct Inventory {
    /// Who has a fresh lease.
    leased: HashSet<Digest>,
    stale_leases: Vec<Path>,
    holds: Vec<Hold>,
    documents: Shelf,
    blobs: Shelf,
}

/// All objects of one kind.
struct Shelf {
    kind: Kind,
    /// The oldest generation first.
    contents: HashMap<Digest, Vec<Generation>>,
    marks: Vec<(Digest, String, Mark, Moment)>,
}

impl Shelf {
    /// All generations of what is not needed. Of what is: all but the oldest that is live, or all but none if none is.
    fn garbage(&self, needed: &HashSet<Digest>) -> Vec<(Digest, &Generation)> {
        let mut garbage = Vec::new();
        for (digest, generations) in &self.contents {
            let kept = needed.contains(digest).then(|| generations.iter().find(|found| found.is_live()));
            let kept = match kept {
                None => None,
                Some(Some(live)) => Some(&live.id),
                Some(None) => continue,
            };
            let others = generations.iter().filter(|generation| Some(&generation.id) != kept);
            garbage.extend(others.map(|generation| (*digest, generation)));
        }
        garbage
    }

    /// Marks whose generation is gone, and has been for so long that nobody is in the middle of a listing that showed it.
    fn stale_marks(&self, now: Moment, grace: Grace) -> Vec<Path> {
        let gone = self.marks.iter().filter(|(digest, id, _, at)| {
            let there = self.contents.get(digest).into_iter().flatten().any(|found| found.id == *id);
            !there && at.age_at(now) > grace.0
        });
        gone.map(|(digest, id, mark, at)| self.kind.mark(*digest, id, *mark, *at)).collect()
    }
}

/// What must stay.
struct Need {
    documents: HashSet<Digest>,
    blobs: HashSet<Digest>,
    broken: Vec<Hold>,
}

fn count(garbage: &[(Digest, &Generation)]) -> Removed {
    let mut removed = Removed::default();
    garbage.iter().for_each(|(_, generation)| removed.add(generation.bytes));
    removed
}

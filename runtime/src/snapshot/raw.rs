//! The only `unsafe` of the runtime: mapping memory, finding written pages, and Wasmtime's traits for memory and stacks.
//!
//! What is safe about a [`Region`]: it owns its addresses from `reserve` to drop, every method checks that what it touches
//! lies inside, and Rust references into it are only made by methods that borrow it. Wasmtime and the guest write to it
//! through the pointer of [`Region::pointer`], but only while the store that it was made for runs; see [`Memory`].
#![expect(unsafe_code, reason = "this is the one place")]

use std::ffi::c_void;
use std::fs::File;
use std::io::{Error, ErrorKind, Result};
use std::ops::Range;
use std::os::fd::{AsFd, OwnedFd};
use std::ptr::{self, NonNull};
use std::sync::Arc;

use memmap2::{Mmap, MmapOptions};
use rustix::fs::{MemfdFlags, SealFlags, fcntl_add_seals, memfd_create};
use rustix::io::Errno;
use rustix::ioctl::{Ioctl, IoctlOutput, Opcode};
use rustix::mm::{Advice, MapFlags, MprotectFlags, ProtFlags, madvise, mmap, mmap_anonymous, mprotect, munmap};
use rustix::process::{Pid, getpid};
use wasmtime::{LinearMemory, MemoryCreator, MemoryType, StackCreator, StackMemory};

use super::PAGE_BYTES;
use super::places::{Places, Ticket};
use super::stacks::Stacks;

/// Reserved addresses between two guards. Nothing in it can be touched until it is mapped or opened.
pub(crate) struct Region {
    /// The first usable address.
    start: NonNull<u8>,
    bytes: usize,
    guard_bytes: usize,
}

// SAFETY: a region owns its addresses, and has no state that belongs to a thread.
unsafe impl Send for Region {}
// SAFETY: methods that change what is mapped or written take it mutably.
unsafe impl Sync for Region {}

impl Region {
    /// Reserves `bytes`, with `guard_bytes` on either side; both are whole pages.
    pub(crate) fn reserve(bytes: usize, guard_bytes: usize) -> Result<Self> {
        check_whole_pages(bytes)?;
        check_whole_pages(guard_bytes)?;
        let total = guard_bytes.checked_mul(2).and_then(|guards| guards.checked_add(bytes));
        let total = total.filter(|total| *total > 0).ok_or(ErrorKind::InvalidInput)?;
        let flags = MapFlags::PRIVATE | MapFlags::NORESERVE;
        // SAFETY: a fresh anonymous mapping at an address of the kernel's choice takes nobody's memory away.
        let first = unsafe { mmap_anonymous(ptr::null_mut(), total, ProtFlags::empty(), flags) }?;
        // SAFETY: the guard lies within the mapping that was just made.
        let start = unsafe { first.cast::<u8>().add(guard_bytes) };
        Ok(Self { start: NonNull::new(start).ok_or(ErrorKind::OutOfMemory)?, bytes, guard_bytes })
    }

    /// How many bytes can be used at most.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// For those who access the memory without Rust's knowledge.
    pub(crate) fn pointer(&self) -> *mut u8 {
        self.start.as_ptr()
    }

    /// The addresses of the guard before it.
    pub(crate) fn guard(&self) -> Range<*mut u8> {
        let start = self.start.as_ptr();
        // SAFETY: the guard was reserved together with the region.
        unsafe { start.sub(self.guard_bytes)..start }
    }

    /// Maps `file` from `offset` on over `range`, readable and privately writable.
    pub(crate) fn map(&mut self, range: Range<usize>, file: &SealedFile, offset: usize) -> Result<()> {
        let address = self.address(&range)?;
        if range.is_empty() {
            return Ok(());
        }
        if offset.checked_add(range.len()).is_none_or(|end| end > file.bytes().len().next_multiple_of(PAGE_BYTES)) {
            return Err(Error::new(ErrorKind::InvalidInput, "the file ends before the range"));
        }
        let access = ProtFlags::READ | ProtFlags::WRITE;
        let flags = MapFlags::PRIVATE | MapFlags::FIXED | MapFlags::NORESERVE;
        // SAFETY: the addresses are ours, and nobody has a reference into them, since `self` is borrowed mutably.
        unsafe { mmap(address, range.len(), access, flags, file.file.as_fd(), (file.start + offset) as u64) }?;
        Ok(())
    }

    /// Makes `range` readable and writable.
    pub(crate) fn open(&mut self, range: Range<usize>) -> Result<()> {
        let address = self.address(&range)?;
        // SAFETY: the addresses are ours; more access takes nothing away from anybody.
        Ok(unsafe { mprotect(address, range.len(), MprotectFlags::READ | MprotectFlags::WRITE) }?)
    }

    /// Gives the memory of `range` back and makes it inaccessible. It must not have been mapped from a file.
    pub(crate) fn close(&mut self, range: Range<usize>) -> Result<()> {
        let address = self.address(&range)?;
        self.discard(range.clone())?;
        // SAFETY: the addresses are ours, and nobody has a reference into them, since `self` is borrowed mutably.
        Ok(unsafe { mprotect(address, range.len(), MprotectFlags::empty()) }?)
    }

    /// Gives back what was written to `range`: it is again what was mapped there, or zero.
    pub(crate) fn discard(&mut self, range: Range<usize>) -> Result<()> {
        let address = self.address(&range)?;
        if range.is_empty() {
            return Ok(());
        }
        // SAFETY: the addresses are ours, mapped privately, and nobody has a reference into them.
        Ok(unsafe { madvise(address, range.len(), Advice::LinuxDontNeed) }?)
    }

    /// What lies in `range`, which was mapped or opened before.
    pub(crate) fn read(&self, range: Range<usize>) -> Result<&[u8]> {
        let address = self.address(&range)?;
        // SAFETY: the range is inside, the callers in this module's parent only read what they mapped or opened, and no
        // guest runs while the region is borrowed: it belongs to a slot, and `Memory` says when a slot is touched.
        Ok(unsafe { std::slice::from_raw_parts(address.cast::<u8>(), range.len()) })
    }

    /// Writes `bytes` at `offset`, which was mapped or opened before.
    pub(crate) fn write(&mut self, offset: usize, bytes: &[u8]) -> Result<()> {
        let end = offset.checked_add(bytes.len()).ok_or(ErrorKind::InvalidInput)?;
        let address = self.inside(offset..end)?;
        // SAFETY: the target is inside, writable, and exclusively borrowed, so `bytes` cannot overlap with it.
        unsafe { ptr::copy_nonoverlapping(bytes.as_ptr(), address.cast::<u8>(), bytes.len()) };
        Ok(())
    }

    /// The next runs of written pages in `range`, and where to go on.
    pub(crate) fn scan(&self, pagemap: &Pagemap, range: Range<usize>, found: &mut [PageRun]) -> Result<(usize, usize)> {
        let address = self.address(&range)? as u64;
        let end = address + range.len() as u64;
        let (count, walked) = pagemap.scan(address, end, found)?;
        let first = self.start.as_ptr() as u64;
        for run in &mut found[..count] {
            if run.start < address || run.start > run.end || run.end > end {
                return Err(ErrorKind::InvalidData.into());
            }
            run.start -= first;
            run.end -= first;
        }
        Ok((count, usize::try_from(walked - first).map_err(|_| ErrorKind::InvalidData)?))
    }

    /// Lets opening `range` fail: a file is there that may only be read.
    #[cfg(test)]
    pub(super) fn obstruct(&mut self, range: Range<usize>) -> Result<()> {
        let address = self.address(&range)?;
        let (file, flags) = (File::open("/proc/self/exe")?, MapFlags::SHARED | MapFlags::FIXED);
        // SAFETY: the addresses are ours, and nobody has a reference into them, since `self` is borrowed mutably.
        unsafe { mmap(address, range.len(), ProtFlags::empty(), flags, file.as_fd(), 0) }?;
        Ok(())
    }

    /// Lets giving `range` back fail: it is locked.
    #[cfg(test)]
    pub(super) fn lock(&mut self, range: Range<usize>) -> Result<()> {
        let address = self.address(&range)?;
        // SAFETY: the addresses are ours, and locking does not change what is there.
        Ok(unsafe { rustix::mm::mlock(address, range.len()) }?)
    }

    fn address(&self, range: &Range<usize>) -> Result<*mut c_void> {
        check_whole_pages(range.start)?;
        check_whole_pages(range.end)?;
        self.inside(range.clone())
    }

    fn inside(&self, range: Range<usize>) -> Result<*mut c_void> {
        if range.start > range.end || range.end > self.bytes {
            let message = format!("{range:?} is not within the {} bytes that were reserved", self.bytes);
            return Err(Error::new(ErrorKind::InvalidInput, message));
        }
        // SAFETY: it lies within the reserved addresses, or at their end.
        Ok(unsafe { self.start.as_ptr().add(range.start) }.cast())
    }
}

impl Drop for Region {
    fn drop(&mut self) {
        // SAFETY: exactly what `reserve` mapped, with everything that was mapped over it since. Nobody has a reference into
        // it, and its owner has told Wasmtime's side goodbye: see `Memory`.
        let unmapped = unsafe {
            let first = self.start.as_ptr().sub(self.guard_bytes);
            munmap(first.cast(), self.bytes + 2 * self.guard_bytes)
        };
        debug_assert!(unmapped.is_ok(), "{unmapped:?}");
    }
}

fn check_whole_pages(bytes: usize) -> Result<()> {
    if bytes.is_multiple_of(PAGE_BYTES) {
        return Ok(());
    }
    Err(Error::new(ErrorKind::InvalidInput, format!("{bytes} is no multiple of a page")))
}

/// A part of a file that does not change any more.
pub(crate) struct SealedFile {
    file: File,
    start: usize,
    view: Mmap,
}

impl SealedFile {
    /// The memory image of an artifact, which `hks_engine` has verified through this very descriptor.
    pub(crate) fn of_artifact(file: &File, range: Range<usize>) -> Result<Self> {
        check_whole_pages(range.start)?;
        let file = file.try_clone()?;
        // SAFETY: only this user can write the file, and we ourselves only ever replace it, by renaming; the machine code that
        // runs is mapped from the same file under the same condition.
        let view = unsafe { MmapOptions::new().offset(range.start as u64).len(range.len()).map_copy_read_only(&file) }?;
        Ok(Self { file, start: range.start, view })
    }

    /// Makes a file without a name of so many bytes, lets `fill` write it, and seals it: nobody can change it any more, this
    /// process included.
    pub(crate) fn create(bytes: usize, fill: impl FnOnce(&File) -> Result<()>) -> Result<Self> {
        let file = File::from(anonymous_file()?);
        file.set_len(bytes as u64)?;
        fill(&file)?;
        fcntl_add_seals(&file, SealFlags::WRITE | SealFlags::SHRINK | SealFlags::GROW | SealFlags::SEAL)?;
        // SAFETY: its content can neither change nor shrink from here on, which the kernel sees to.
        let view = unsafe { MmapOptions::new().len(bytes).map_copy_read_only(&file) }?;
        Ok(Self { file, start: 0, view })
    }

    /// Its content.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.view
    }
}

/// A file in memory that cannot be executed, which `vm.memfd_noexec` may demand, where the kernel knows of that (6.3).
fn anonymous_file() -> rustix::io::Result<OwnedFd> {
    let flags = MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING;
    match memfd_create("hks-snapshot", flags | MemfdFlags::NOEXEC_SEAL) {
        Err(Errno::INVAL) => memfd_create("hks-snapshot", flags),
        created => created,
    }
}

/// Neighbouring pages that were written, as PAGEMAP_SCAN reports them (`struct page_region`): byte offsets in a region.
#[repr(C)]
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct PageRun {
    pub(crate) start: u64,
    pub(crate) end: u64,
    categories: u64,
}

impl PageRun {
    /// Numbers of the pages.
    pub(crate) fn pages(&self) -> Range<usize> {
        self.start as usize / PAGE_BYTES..self.end as usize / PAGE_BYTES
    }

    /// They are the kernel's page of zeros. Reading memory that is no file's maps it, and so does the kernel when it finds
    /// that a page has become zero (KSM, and splitting huge pages): so it does not mean that the page was not written.
    pub(crate) fn is_shared_zeros(&self) -> bool {
        self.categories & PAGE_IS_PFNZERO != 0
    }
}

/// Asks the kernel which pages this process has of its own: `ioctl(PAGEMAP_SCAN)` of Linux 6.7,
/// <https://docs.kernel.org/admin-guide/mm/pagemap.html>.
pub(crate) struct Pagemap {
    file: File,
    /// The file stays that of the process which opened it, also in its forks.
    process: Pid,
}

/// `struct pm_scan_arg` of `linux/fs.h`.
#[repr(C)]
struct ScanArgument {
    size: u64,
    flags: u64,
    start: u64,
    end: u64,
    walk_end: u64,
    vec: u64,
    vec_len: u64,
    max_pages: u64,
    category_inverted: u64,
    category_mask: u64,
    category_anyof_mask: u64,
    return_mask: u64,
}

const PAGE_IS_FILE: u64 = 1 << 2;
const PAGE_IS_PRESENT: u64 = 1 << 3;
const PAGE_IS_SWAPPED: u64 = 1 << 4;
const PAGE_IS_PFNZERO: u64 = 1 << 5;

impl Pagemap {
    /// Opens the map of this process.
    pub(crate) fn open() -> Result<Self> {
        Ok(Self { file: File::open("/proc/self/pagemap")?, process: getpid() })
    }

    /// Pages of [start, end) that are not the file's, in memory or swapped out. Returns how many runs were found and the
    /// address up to which it looked. A child after a fork gets an error, since it would be told of its parent's pages.
    fn scan(&self, start: u64, end: u64, found: &mut [PageRun]) -> Result<(usize, u64)> {
        if getpid() != self.process {
            return Err(Error::other("the memory of a process was used in its fork"));
        }
        let mut argument = ScanArgument {
            size: size_of::<ScanArgument>() as u64,
            flags: 0,
            start,
            end,
            walk_end: 0,
            vec: found.as_mut_ptr() as u64,
            vec_len: found.len() as u64,
            max_pages: 0,
            category_inverted: PAGE_IS_FILE,
            category_mask: PAGE_IS_FILE,
            category_anyof_mask: PAGE_IS_PRESENT | PAGE_IS_SWAPPED,
            return_mask: PAGE_IS_PFNZERO,
        };
        // SAFETY: the argument has the kernel's layout and says its own size; `found` is borrowed for the whole call, and
        // the kernel writes at most `vec_len` entries to it.
        let count = unsafe { rustix::ioctl::ioctl(&self.file, Scan(&mut argument)) }?;
        if count > found.len() || argument.walk_end < start || argument.walk_end > end {
            return Err(ErrorKind::InvalidData.into());
        }
        Ok((count, argument.walk_end))
    }
}

struct Scan<'a>(&'a mut ScanArgument);

// SAFETY: PAGEMAP_SCAN is `_IOWR('f', 16, struct pm_scan_arg)`; it returns a number, and reads and writes the argument.
unsafe impl Ioctl for Scan<'_> {
    type Output = usize;

    const IS_MUTATING: bool = true;

    fn opcode(&self) -> Opcode {
        rustix::ioctl::opcode::read_write::<ScanArgument>(b'f', 16)
    }

    fn as_ptr(&mut self) -> *mut c_void {
        ptr::from_mut(self.0).cast()
    }

    unsafe fn output_from_ptr(output: IoctlOutput, _: *mut c_void) -> rustix::io::Result<usize> {
        usize::try_from(output).map_err(|_| Errno::INVAL)
    }
}

/// A linear memory in Wasmtime's hands. The slot behind it stays in the ticket, which is asked again when it is dropped.
///
/// This is the one who says when a slot is touched: between the creation of the memory and its drop it belongs to the
/// store, and the ticket reads it only while it borrows that store mutably, so that no guest runs.
pub(super) struct Memory(pub(super) Arc<Ticket>);

// SAFETY: the address and the capacity never change while it lives, `byte_size` is what is accessible, growing opens exactly
// the new part or fails, and the region has the guards that were asked for on both ends.
unsafe impl LinearMemory for Memory {
    fn byte_size(&self) -> usize {
        self.0.size()
    }

    fn byte_capacity(&self) -> usize {
        self.0.capacity()
    }

    fn grow_to(&mut self, new_size: usize) -> wasmtime::Result<()> {
        Ok(self.0.grow_to(new_size)?)
    }

    fn as_ptr(&self) -> *mut u8 {
        self.0.pointer()
    }
}

impl Drop for Memory {
    fn drop(&mut self) {
        self.0.finish();
    }
}

/// A linear memory that no snapshot describes: it begins with zeros, and is unmapped at the end.
pub(super) struct Plain {
    pub(super) region: Region,
    pub(super) size: usize,
}

// SAFETY: as for `Memory`; the region is its own.
unsafe impl LinearMemory for Plain {
    fn byte_size(&self) -> usize {
        self.size
    }

    fn byte_capacity(&self) -> usize {
        self.region.bytes()
    }

    fn grow_to(&mut self, new_size: usize) -> wasmtime::Result<()> {
        self.region.open(self.size..new_size.next_multiple_of(PAGE_BYTES))?;
        self.size = new_size;
        Ok(())
    }

    fn as_ptr(&self) -> *mut u8 {
        self.region.pointer()
    }
}

/// What an engine asks for memory.
pub(crate) struct Memories(pub(crate) Arc<Places>);

// SAFETY: both kinds of memory reserve what is asked for with the guard behind it (and the same before it), never move, and
// fail rather than give less.
unsafe impl MemoryCreator for Memories {
    fn new_memory(
        &self,
        ty: MemoryType,
        minimum: usize,
        _: Option<usize>,
        reserved: Option<usize>,
        guard: usize,
    ) -> std::result::Result<Box<dyn LinearMemory>, String> {
        // On 64-bit hosts 32-bit memories are asked for whole, so that nothing ever has to move.
        let reserved = reserved.filter(|bytes| *bytes >= 1 << 32).ok_or("a memory of a size that is not reserved")?;
        if ty.is_64() || ty.is_shared() {
            return Err("a memory of another kind than 32-bit and unshared".into());
        }
        match self.0.memory(minimum, reserved, guard) {
            Ok(super::places::NewMemory::Slot(ticket)) => Ok(Box::new(Memory(ticket))),
            Ok(super::places::NewMemory::Plain(region)) => Ok(Box::new(Plain { region, size: minimum })),
            Err(error) => Err(format!("memory for an instance: {error}")),
        }
    }
}

/// What an engine asks for stacks.
pub(crate) struct StackPool(pub(crate) Arc<Stacks>);

/// A stack in Wasmtime's hands; it goes back to the pool.
struct Stack {
    region: Option<Region>,
    pool: Arc<Stacks>,
}

impl Stack {
    fn region(&self) -> &Region {
        self.region.as_ref().expect("taken only by drop")
    }
}

// SAFETY: the pool hands out each stack to one owner at a time, page-aligned, readable and writable, with a guard below it.
unsafe impl StackCreator for StackPool {
    fn new_stack(&self, size: usize, _: bool) -> wasmtime::Result<Box<dyn StackMemory>> {
        let region = self.0.take(size.next_multiple_of(PAGE_BYTES))?;
        Ok(Box::new(Stack { region: Some(region), pool: Arc::clone(&self.0) }))
    }
}

// SAFETY: as above; the addresses never change while it lives.
unsafe impl StackMemory for Stack {
    fn top(&self) -> *mut u8 {
        self.region().pointer().wrapping_add(self.region().bytes())
    }

    fn range(&self) -> Range<usize> {
        let start = self.region().pointer() as usize;
        start..start + self.region().bytes()
    }

    fn guard_range(&self) -> Range<*mut u8> {
        self.region().guard()
    }
}

impl Drop for Stack {
    fn drop(&mut self) {
        if let Some(region) = self.region.take() {
            self.pool.put(region);
        }
    }
}

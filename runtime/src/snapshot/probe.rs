//! Finds out whether the kernel tells which pages were written, by asking about some of which that is known.

use std::io::{Error, Result};

use super::PAGE_BYTES;
use super::raw::{PageRun, Pagemap, Region, SealedFile};

/// The pagemap of this process, if what it says is right.
pub(super) fn pagemap() -> Result<Pagemap> {
    let pagemap = Pagemap::open()?;
    let file = SealedFile::create(4 * PAGE_BYTES, |_| Ok(()))?;
    let mut region = Region::reserve(8 * PAGE_BYTES, PAGE_BYTES)?;
    region.map(0..4 * PAGE_BYTES, &file, 0)?;
    region.open(4 * PAGE_BYTES..8 * PAGE_BYTES)?;
    // One page of each half is written, another is only read.
    for (written, read) in [(1, 2), (6, 4)] {
        region.write(written * PAGE_BYTES, b"x")?;
        std::hint::black_box(region.read(read * PAGE_BYTES..(read + 1) * PAGE_BYTES)?.iter().max());
    }
    let mut found = [PageRun::default(); 8];
    let (count, walked) = region.scan(&pagemap, 0..8 * PAGE_BYTES, &mut found).map_err(|error| {
        Error::new(error.kind(), format!("the kernel cannot tell written pages (PAGEMAP_SCAN, Linux 6.7): {error}"))
    })?;
    let own: Vec<usize> = found[..count].iter().filter(|run| !run.is_shared_zeros()).flat_map(PageRun::pages).collect();
    // Pages that are no file's may come in larger pieces, so that more than one page is found there.
    let (of_file, others) = own.split_at(own.partition_point(|page| *page < 4));
    if of_file != [1] || !others.contains(&6) || walked != 8 * PAGE_BYTES {
        return Err(Error::other("PAGEMAP_SCAN does not tell the pages that were written"));
    }
    Ok(pagemap)
}

//! Rests the memory that a fused CPython starts from, so that executions write to less of it.
//!
//! Every page that an execution writes has to be copied, and put back afterwards. Two things spread writes over all of the
//! memory, although a program means none of them: new objects go into holes between those of the snapshot ([`heap`]), and
//! objects that are merely looked at are counted ([`immortals`]). [`image`] reads and writes the memory.
//!
//! Only words change: no address, no size, no code. All this knows the insides of one C library and of one CPython, which
//! the guest pins; every word is checked before anything is written, and whatever is not as expected is refused. After an
//! update of componentize-py, a refusal means that the insides have changed, and that this must learn them.

mod heap;
mod image;
mod immortals;
#[cfg(test)]
mod tests;

use std::fmt;

use anyhow::{Context as _, Result};

use self::image::Image;

/// What was done.
pub struct Done {
    plugged: heap::Plugged,
    immortals: immortals::Made,
}

impl fmt::Display for Done {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let heap::Plugged { chunks, holes, bytes } = self.plugged;
        let immortals::Made { made, were, dead } = self.immortals;
        write!(f, "{holes} holes ({bytes} bytes) among {chunks} chunks filled, ")?;
        write!(f, "{made} objects made immortal ({were} were, {dead} are gone)")
    }
}

/// The component with its memory at rest.
///
/// # Errors
/// Anything in the memory is not as this CPython and its C library leave it.
pub fn quiet(mut component: Vec<u8>) -> Result<(Vec<u8>, Done)> {
    let mut image = Image::read(&component)?;
    let holes = heap::holes(&image).context("the heap cannot be read")?;
    let immortals = immortals::make(&mut image, &holes).context("objects cannot be made immortal")?;
    let plugged = heap::plug(&mut image).context("the heap's holes cannot be filled")?;
    image.write(&mut component);
    Ok((component, Done { plugged, immortals }))
}

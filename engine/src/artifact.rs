use std::fmt;
use std::fs::File;
use std::ops::Range;
use std::os::fd::AsRawFd;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use wasmtime::component::Component;

use crate::Error;
use crate::split::Shape;

/// BLAKE3 digest of a component's bytes: what an artifact is named by.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Digest([u8; 32]);

impl Digest {
    /// The digest of `bytes`, on all cores.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        Self(*blake3::Hasher::new().update_rayon(bytes).finalize().as_bytes())
    }

    /// The digest of a file's content, on all cores.
    ///
    /// # Errors
    /// The file cannot be mapped or read.
    pub fn of_file(file: &File) -> std::io::Result<Self> {
        let path = format!("/proc/self/fd/{}", file.as_raw_fd());
        Ok(Self(*blake3::Hasher::new().update_mmap_rayon(path)?.finalize().as_bytes()))
    }

    pub(crate) fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Its 32 bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// As a text, like `Display`.
impl Serialize for Digest {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Digest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

impl FromStr for Digest {
    type Err = Error;

    /// Reads the 64 hexadecimal digits that `Display` writes.
    fn from_str(text: &str) -> Result<Self, Error> {
        let digest = blake3::Hash::from_hex(text).map_err(|error| Error::Engine(format!("digest: {error}")))?;
        Ok(Self(*digest.as_bytes()))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Machine code of one component, mapped and ready to be instantiated. Cheap to clone.
#[derive(Clone)]
pub struct Artifact {
    inner: Arc<Inner>,
}

struct Inner {
    component: Component,
    digest: Digest,
    shape: Shape,
    file: File,
    pages: Range<usize>,
}

impl Artifact {
    /// `pages` is where the image lies in `file`.
    pub(crate) fn new(component: Component, digest: Digest, shape: Shape, file: File, pages: Range<usize>) -> Self {
        Self { inner: Arc::new(Inner { component, digest, shape, file, pages }) }
    }

    /// The compiled component.
    #[must_use]
    pub fn component(&self) -> &Component {
        &self.inner.component
    }

    /// Digest of the component that it was compiled from.
    #[must_use]
    pub fn digest(&self) -> Digest {
        self.inner.digest
    }

    /// What its instances start with.
    #[must_use]
    pub fn shape(&self) -> &Shape {
        &self.inner.shape
    }

    /// Where the image is that [`Shape::memory`] begins with: a file, and a range of whole pages in it. What was verified is in
    /// this very file, which only this user can write, and which is only ever replaced as a whole.
    #[must_use]
    pub fn image(&self) -> (&File, Range<usize>) {
        (&self.inner.file, self.inner.pages.clone())
    }
}

impl fmt::Debug for Artifact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Artifact({})", self.inner.digest)
    }
}

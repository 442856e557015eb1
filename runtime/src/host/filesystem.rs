//! `wasi:filesystem` over the scratch folder: Wasmtime's implementation, which cannot leave the folder (cap-primitives),
//! with every operation that takes space charged to [`Scratch`] first.

use wasmtime::component::{HasData, Resource};
use wasmtime_wasi::filesystem::{Descriptor, Dir, FsPerms, OpenMode, WasiFilesystemCtxView};
use wasmtime_wasi::p2::bindings::filesystem::types::{
    self, Advice, DescriptorFlags, DescriptorStat, DescriptorType, DirectoryEntry, DirectoryEntryStream, ErrorCode,
    Filesize, HostDescriptor, HostDirectoryEntryStream, MetadataHashValue, NewTimestamp, OpenFlags, PathFlags,
};
use wasmtime_wasi::p2::bindings::filesystem::{preopens, types as fs_types};
use wasmtime_wasi::p2::bindings::io::streams::Error as IoError;
use wasmtime_wasi::p2::{
    DynInputStream, DynOutputStream, FsError, FsResult, OutputStream, Pollable, StreamError, StreamResult,
};

use crate::host::scratch::{ENTRY_BYTES, Full, Scratch};

/// Where guests see their folder.
const MOUNT: &str = "/tmp";

/// Files and folders that one guest may have open. Each is a descriptor of the host process, and with the streams that
/// belong to it up to three handles.
const OPEN_FILES_MAX: usize = 64;

/// The filesystem of one call into the host.
pub(crate) struct Filesystem<'a> {
    pub(crate) wasi: WasiFilesystemCtxView<'a>,
    pub(crate) scratch: &'a Scratch,
}

/// Names [`Filesystem`] to the linker.
pub(crate) struct HasFilesystem;

impl HasData for HasFilesystem {
    type Data<'a> = Filesystem<'a>;
}

impl Filesystem<'_> {
    fn charge(&self, bytes: u64) -> FsResult<()> {
        self.scratch.charge(bytes).map_err(|Full| ErrorCode::InsufficientSpace.into())
    }

    /// Charges what a file grows by when its content reaches `end`.
    fn charge_growth(&self, fd: &Resource<Descriptor>, end: u64) -> FsResult<()> {
        if let Descriptor::File(file) = self.wasi.table.get(fd)? {
            let length = file.file.metadata().map_or(0, |metadata| metadata.len());
            self.charge(end.saturating_sub(length))?;
        }
        Ok(())
    }

    fn charge_writes(&mut self, stream: Resource<DynOutputStream>) -> FsResult<Resource<DynOutputStream>> {
        let inner = self.wasi.table.delete(stream)?;
        let charged: DynOutputStream = Box::new(ChargedStream { inner, scratch: self.scratch.clone() });
        Ok(self.wasi.table.push(charged)?)
    }
}

impl preopens::Host for Filesystem<'_> {
    fn get_directories(&mut self) -> wasmtime::Result<Vec<(Resource<Descriptor>, String)>> {
        let folder = self.scratch.open_folder()?;
        // Files of one attempt are small and short-lived: an own thread for each operation would cost more than waiting.
        let may_block = true;
        let folder = Dir::new(folder, FsPerms::ReadWrite, OpenMode::READ | OpenMode::WRITE, may_block);
        Ok(vec![(self.wasi.table.push(Descriptor::Dir(folder))?, MOUNT.into())])
    }
}

impl types::Host for Filesystem<'_> {
    fn convert_error_code(&mut self, error: FsError) -> wasmtime::Result<ErrorCode> {
        self.wasi.convert_error_code(error)
    }

    fn filesystem_error_code(&mut self, error: Resource<IoError>) -> wasmtime::Result<Option<ErrorCode>> {
        self.wasi.filesystem_error_code(error)
    }
}

impl HostDescriptor for Filesystem<'_> {
    // What takes space.

    async fn open_at(
        &mut self,
        fd: Resource<Descriptor>,
        path_flags: PathFlags,
        path: String,
        open: OpenFlags,
        flags: DescriptorFlags,
    ) -> FsResult<Resource<Descriptor>> {
        if open.contains(OpenFlags::CREATE) {
            self.charge(ENTRY_BYTES)?;
        }
        if self.scratch.open_files() >= OPEN_FILES_MAX {
            // WASI has no word for too many open files.
            return Err(ErrorCode::InsufficientMemory.into());
        }
        let opened = self.wasi.open_at(fd, path_flags, path, open, flags).await?;
        self.scratch.opened(match self.wasi.table.get(&opened)? {
            Descriptor::File(file) => &file.file,
            Descriptor::Dir(folder) => &folder.dir,
        });
        Ok(opened)
    }

    async fn create_directory_at(&mut self, fd: Resource<Descriptor>, path: String) -> FsResult<()> {
        self.charge(ENTRY_BYTES)?;
        self.wasi.create_directory_at(fd, path).await
    }

    async fn symlink_at(&mut self, fd: Resource<Descriptor>, from: String, to: String) -> FsResult<()> {
        self.charge(ENTRY_BYTES)?;
        self.wasi.symlink_at(fd, from, to).await
    }

    async fn link_at(
        &mut self,
        fd: Resource<Descriptor>,
        flags: PathFlags,
        from: String,
        new_fd: Resource<Descriptor>,
        to: String,
    ) -> FsResult<()> {
        self.charge(ENTRY_BYTES)?;
        self.wasi.link_at(fd, flags, from, new_fd, to).await
    }

    async fn set_size(&mut self, fd: Resource<Descriptor>, size: Filesize) -> FsResult<()> {
        self.charge_growth(&fd, size)?;
        self.wasi.set_size(fd, size).await
    }

    async fn write(&mut self, fd: Resource<Descriptor>, bytes: Vec<u8>, offset: Filesize) -> FsResult<Filesize> {
        self.charge_growth(&fd, offset.saturating_add(bytes.len() as u64))?;
        self.wasi.write(fd, bytes, offset).await
    }

    fn write_via_stream(&mut self, fd: Resource<Descriptor>, offset: Filesize) -> FsResult<Resource<DynOutputStream>> {
        self.charge_growth(&fd, offset)?;
        let stream = self.wasi.write_via_stream(fd, offset)?;
        self.charge_writes(stream)
    }

    fn append_via_stream(&mut self, fd: Resource<Descriptor>) -> FsResult<Resource<DynOutputStream>> {
        let stream = self.wasi.append_via_stream(fd)?;
        self.charge_writes(stream)
    }

    // What does not. What leaves a trace, be it a time of access, marks the folder as used.

    async fn advise(&mut self, fd: Resource<Descriptor>, at: u64, len: u64, advice: Advice) -> FsResult<()> {
        self.wasi.advise(fd, at, len, advice).await
    }

    async fn sync_data(&mut self, fd: Resource<Descriptor>) -> FsResult<()> {
        // The folder does not outlive the attempt, so there is nothing to keep safe, and a disk to keep quiet.
        self.wasi.get_flags(fd).await.map(drop)
    }

    async fn sync(&mut self, fd: Resource<Descriptor>) -> FsResult<()> {
        self.wasi.get_flags(fd).await.map(drop)
    }

    async fn get_flags(&mut self, fd: Resource<Descriptor>) -> FsResult<DescriptorFlags> {
        self.wasi.get_flags(fd).await
    }

    async fn get_type(&mut self, fd: Resource<Descriptor>) -> FsResult<DescriptorType> {
        self.wasi.get_type(fd).await
    }

    async fn set_times(&mut self, fd: Resource<Descriptor>, a: NewTimestamp, m: NewTimestamp) -> FsResult<()> {
        self.scratch.mark_used();
        self.wasi.set_times(fd, a, m).await
    }

    async fn read(&mut self, fd: Resource<Descriptor>, len: Filesize, at: Filesize) -> FsResult<(Vec<u8>, bool)> {
        self.wasi.read(fd, len, at).await
    }

    async fn read_directory(&mut self, fd: Resource<Descriptor>) -> FsResult<Resource<DirectoryEntryStream>> {
        self.scratch.mark_used();
        self.wasi.read_directory(fd).await
    }

    async fn stat(&mut self, fd: Resource<Descriptor>) -> FsResult<DescriptorStat> {
        self.wasi.stat(fd).await
    }

    async fn stat_at(&mut self, fd: Resource<Descriptor>, flags: PathFlags, path: String) -> FsResult<DescriptorStat> {
        self.wasi.stat_at(fd, flags, path).await
    }

    async fn set_times_at(
        &mut self,
        fd: Resource<Descriptor>,
        flags: PathFlags,
        path: String,
        accessed: NewTimestamp,
        modified: NewTimestamp,
    ) -> FsResult<()> {
        self.scratch.mark_used();
        self.wasi.set_times_at(fd, flags, path, accessed, modified).await
    }

    fn drop(&mut self, fd: Resource<Descriptor>) -> wasmtime::Result<()> {
        HostDescriptor::drop(&mut self.wasi, fd)
    }

    async fn readlink_at(&mut self, fd: Resource<Descriptor>, path: String) -> FsResult<String> {
        self.wasi.readlink_at(fd, path).await
    }

    async fn remove_directory_at(&mut self, fd: Resource<Descriptor>, path: String) -> FsResult<()> {
        self.scratch.mark_used();
        self.wasi.remove_directory_at(fd, path).await
    }

    async fn rename_at(
        &mut self,
        fd: Resource<Descriptor>,
        from: String,
        new_fd: Resource<Descriptor>,
        to: String,
    ) -> FsResult<()> {
        self.scratch.mark_used();
        self.wasi.rename_at(fd, from, new_fd, to).await
    }

    async fn unlink_file_at(&mut self, fd: Resource<Descriptor>, path: String) -> FsResult<()> {
        self.scratch.mark_used();
        self.wasi.unlink_file_at(fd, path).await
    }

    fn read_via_stream(&mut self, fd: Resource<Descriptor>, at: Filesize) -> FsResult<Resource<DynInputStream>> {
        self.wasi.read_via_stream(fd, at)
    }

    async fn is_same_object(&mut self, a: Resource<Descriptor>, b: Resource<Descriptor>) -> wasmtime::Result<bool> {
        self.wasi.is_same_object(a, b).await
    }

    async fn metadata_hash(&mut self, fd: Resource<Descriptor>) -> FsResult<MetadataHashValue> {
        self.wasi.metadata_hash(fd).await
    }

    async fn metadata_hash_at(
        &mut self,
        fd: Resource<Descriptor>,
        flags: PathFlags,
        path: String,
    ) -> FsResult<MetadataHashValue> {
        self.wasi.metadata_hash_at(fd, flags, path).await
    }
}

impl HostDirectoryEntryStream for Filesystem<'_> {
    async fn read_directory_entry(
        &mut self,
        stream: Resource<fs_types::DirectoryEntryStream>,
    ) -> FsResult<Option<DirectoryEntry>> {
        self.wasi.read_directory_entry(stream).await
    }

    fn drop(&mut self, stream: Resource<fs_types::DirectoryEntryStream>) -> wasmtime::Result<()> {
        HostDirectoryEntryStream::drop(&mut self.wasi, stream)
    }
}

/// A stream into a file that pays for what it writes.
struct ChargedStream {
    inner: DynOutputStream,
    scratch: Scratch,
}

impl OutputStream for ChargedStream {
    fn write(&mut self, bytes: bytes::Bytes) -> StreamResult<()> {
        self.scratch.charge(bytes.len() as u64).map_err(|Full| {
            let full = std::io::Error::from(rustix::io::Errno::NOSPC);
            StreamError::LastOperationFailed(full.into())
        })?;
        self.inner.write(bytes)
    }

    fn flush(&mut self) -> StreamResult<()> {
        self.inner.flush()
    }

    fn check_write(&mut self) -> StreamResult<usize> {
        self.inner.check_write()
    }
}

#[wasmtime_wasi::async_trait]
impl Pollable for ChargedStream {
    async fn ready(&mut self) {
        self.inner.ready().await;
    }
}

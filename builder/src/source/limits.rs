/// How much a function may be made of. Every field is finite; what bounds a name is part of
/// [`RelativePath`](super::RelativePath), because a path outlives its tree.
///
/// All are enforced while reading: neither is allocated what a header announces, nor is read past a limit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceLimits {
    /// The archive as it is sent. As much as what is in it may take, for files that do not compress.
    pub archive_bytes_max: u64,
    /// Contents of all files together, with the extended headers of a tar and all that is skipped. A tree is kept in
    /// memory while it is built, and a function starts with it: a quarter of what AWS Lambda grants, who unpack to disk.
    pub expanded_bytes_max: u64,
    /// One file. Leaves room for code beside the largest.
    pub file_bytes_max: u64,
    /// Files of the tree. More is an installed environment, and that comes from the builder.
    pub files_max: u64,
    /// What an archive or a folder may list: files, folders, and what is skipped or ignored. Bounds the work for those that
    /// are not kept; four for each file that may be.
    pub entries_max: u64,
    /// How many times its size an archive may expand to. Source text comes to 3 to 10; DEFLATE ends at 1,032.
    pub expansion_ratio_max: u64,
    /// What an archive may expand to whatever its size, so that a small one with an empty table is not taken for a bomb.
    pub expansion_free_bytes: u64,
}

impl Default for SourceLimits {
    fn default() -> Self {
        Self {
            archive_bytes_max: 64 << 20,
            expanded_bytes_max: 64 << 20,
            file_bytes_max: 32 << 20,
            files_max: 10_000,
            entries_max: 40_000,
            expansion_ratio_max: 200,
            expansion_free_bytes: 1 << 20,
        }
    }
}

impl SourceLimits {
    /// What an archive of so many bytes may expand to.
    pub(super) fn expansion_max(&self, archive_bytes: u64) -> u64 {
        archive_bytes.saturating_mul(self.expansion_ratio_max).saturating_add(self.expansion_free_bytes)
    }
}

//! A C compiler for WebAssembly with its libraries: zig's, pinned with the tools of the JavaScript guest, which is compiled by it too.

use std::collections::BTreeMap;

use anyhow::{Result, ensure};

use super::Description;
use crate::guests::Guest;
use crate::workspace::Workspace;

/// Installs it. The builder knows that `zig` wants `cc` as its first argument.
pub(super) fn provide(workspace: &Workspace) -> Result<Vec<Description>> {
    let folder = Guest::Javascript.tools(workspace)?.packages(workspace)?.join("ziglang");
    let program = folder.join("zig");
    ensure!(program.is_file(), "{} is not there: delete the cache, and run this again", program.display());
    Ok(vec![Description {
        name: "clang",
        program,
        arguments: Vec::new(),
        environment: BTreeMap::new(),
        readable: vec![folder],
    }])
}

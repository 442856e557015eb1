use serde::{Deserialize, Serialize};

/// What a function is written in, or what it comes as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Runtime {
    /// CPython.
    Python,
    /// QuickJS-ng.
    Javascript,
    /// JavaScript, once its types are taken out.
    Typescript,
    /// Compiled to WebAssembly.
    Rust,
    /// Compiled to WebAssembly.
    Go,
    /// Compiled to WebAssembly.
    C,
    /// A WebAssembly component or module, as it is.
    Wasm,
    /// A container image, for what cannot run as WebAssembly.
    Container,
}

/// As in the manifest.
impl std::fmt::Display for Runtime {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Python => "python",
            Self::Javascript => "javascript",
            Self::Typescript => "typescript",
            Self::Rust => "rust",
            Self::Go => "go",
            Self::C => "c",
            Self::Wasm => "wasm",
            Self::Container => "container",
        })
    }
}

impl Runtime {
    /// Every one.
    pub const ALL: [Self; 8] =
        [Self::Python, Self::Javascript, Self::Typescript, Self::Rust, Self::Go, Self::C, Self::Wasm, Self::Container];

    /// Whether the platform can fetch packages for it that a manifest names. The others bring theirs in their own build.
    #[must_use]
    pub fn takes_packages(self) -> bool {
        matches!(self, Self::Python | Self::Javascript | Self::Typescript)
    }
}

use super::Error;

/// How large a component may be, before anything is compiled.
///
/// Compiling takes time and memory in proportion to functions and their bodies; all of it is bounded here, and the process
/// that compiles is bounded besides. Honest programs stay far below: a CPython with its standard library is 40 MB, in 14
/// modules, with some 20,000 functions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bounds {
    /// The file.
    pub bytes_max: u64,
    /// Core modules, the adapters and shims of `wit-component` among them.
    pub modules_max: u64,
    /// Components in the component.
    pub components_max: u64,
    /// Instances of modules and components, as they are written down.
    pub instances_max: u64,
    /// Memories that modules define. The runtime grants four.
    pub memories_max: u64,
    /// Tables that modules define. The runtime grants eight.
    pub tables_max: u64,
    /// Initial elements of all tables together, as the runtime grants.
    pub table_elements_max: u64,
    /// Functions of all modules.
    pub functions_max: u64,
    /// Types of all modules and components.
    pub types_max: u64,
    /// Globals of all modules.
    pub globals_max: u64,
    /// Names that are imported or exported, all together.
    pub names_max: u64,
    /// The longest of them. Mangled C++ has some of a few KiB.
    pub name_bytes_max: u64,
    /// One function's body. The interpreter loop of CPython has some 100 KiB.
    pub body_bytes_max: u64,
    /// Bodies of all functions.
    pub code_bytes_max: u64,
    /// Locals of one function, its parameters included.
    pub locals_max: u64,
    /// Targets of one `br_table`.
    pub branch_targets_max: u64,
    /// Targets of all `br_table`s of one function.
    pub branch_targets_in_body_max: u64,
    /// Blocks in each other. Go makes one for each point where a function can be resumed.
    pub nesting_max: u64,
}

impl Default for Bounds {
    fn default() -> Self {
        Self {
            bytes_max: 128 << 20,
            modules_max: 64,
            components_max: 64,
            instances_max: 512,
            memories_max: 4,
            tables_max: 8,
            table_elements_max: 40_000,
            functions_max: 200_000,
            types_max: 100_000,
            globals_max: 100_000,
            names_max: 50_000,
            name_bytes_max: 8 << 10,
            body_bytes_max: 2 << 20,
            code_bytes_max: 96 << 20,
            locals_max: 20_000,
            branch_targets_max: 20_000,
            branch_targets_in_body_max: 200_000,
            nesting_max: 20_000,
        }
    }
}

/// Refuses a number that is over its bound.
pub(super) fn check(what: &str, found: u64, max: u64) -> Result<(), Error> {
    if found <= max {
        return Ok(());
    }
    Err(Error::TooLarge(format!("{found} {what} are more than the maximum of {max}")))
}

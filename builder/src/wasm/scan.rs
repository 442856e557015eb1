//! One pass over all bytes: validates them for the engine, counts what is bounded, and notes what is imported and exported.

use wasmparser::{
    BinaryReaderError, Encoding, FuncToValidate, FuncValidatorAllocations, FunctionBody, Operator, OperatorsReader,
    Parser, Payload, ProducersSectionReader, SectionLimited, ValidPayload, Validator, ValidatorResources, WasmFeatures,
};

use super::bounds::check;
use super::error::Shown;
use super::packages::Uses;
use super::{Bounds, Error, features};

const PAGE_BYTES: u64 = 64 << 10;

/// What was found.
pub(super) struct Scan<'a> {
    pub(super) is_component: bool,
    /// Names that the outermost component imports.
    pub(super) imports: Vec<&'a str>,
    /// Names that it exports.
    pub(super) exports: Vec<&'a str>,
    /// In their order; of a core module, itself alone.
    pub(super) modules: Vec<Module<'a>>,
    pub(super) counts: Counts,
}

/// A core module.
#[derive(Default)]
pub(super) struct Module<'a> {
    pub(super) imports: Vec<Import<'a>>,
    pub(super) exports: Vec<&'a str>,
    /// Components that say in WIT what it imports and exports.
    pub(super) component_types: Vec<&'a [u8]>,
    pub(super) is_go: bool,
}

impl Module<'_> {
    pub(super) fn has_component_type(&self) -> bool {
        !self.component_types.is_empty()
    }
}

pub(super) struct Import<'a> {
    pub(super) module: &'a str,
    pub(super) name: &'a str,
}

/// Sums over all modules and components.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Counts {
    pub(super) modules: u64,
    pub(super) components: u64,
    pub(super) instances: u64,
    pub(super) memories: u64,
    pub(super) memory_bytes: u64,
    pub(super) tables: u64,
    pub(super) table_elements: u64,
    pub(super) functions: u64,
    pub(super) types: u64,
    pub(super) globals: u64,
    pub(super) names: u64,
    pub(super) code_bytes: u64,
}

/// # Errors
/// Not valid for the engine, or over a bound.
pub(super) fn scan<'a>(bytes: &'a [u8], bounds: &Bounds) -> Result<Scan<'a>, Error> {
    check("bytes", bytes.len() as u64, bounds.bytes_max)?;
    let mut uses = Uses::default();
    let scan = scan_with(bytes, bounds, features::ENGINE, &mut uses)?;
    uses.check()?;
    Ok(scan)
}

/// The types that a module says it follows: they are not run, so that they may use what the engine has not.
pub(super) fn scan_types(bytes: &[u8], bounds: &Bounds, uses: &mut Uses) -> Result<(), Error> {
    scan_with(bytes, bounds, WasmFeatures::all(), uses).map(drop)
}

fn scan_with<'a>(bytes: &'a [u8], bounds: &Bounds, features: WasmFeatures, uses: &mut Uses) -> Result<Scan<'a>, Error> {
    let mut scanner = Scanner { bounds, scan: Scan::new(), open: Vec::new(), allocations: Some(Default::default()) };
    let mut validator = Validator::new_with_features(features);
    let mut parser = Parser::new(0);
    parser.set_features(features);
    for payload in parser.parse_all(bytes) {
        let payload = payload.map_err(damaged)?;
        scanner.count(&payload)?;
        match validator.payload(&payload).map_err(damaged)? {
            ValidPayload::Func(function, body) => scanner.body(function, &body)?,
            ValidPayload::End(types) if scanner.open.is_empty() && scanner.scan.is_component => {
                uses.add(&types, &scanner.scan.imports, &scanner.scan.exports);
            }
            _ => {}
        }
    }
    Ok(scanner.scan)
}

/// What `wasmparser` says, in our words where they help more.
fn damaged(error: BinaryReaderError) -> Error {
    // The one that `wasmparser` does not name.
    let is_multi_memory = error.message() == "multiple memories";
    let missing = error.missing_wasm_feature().or(is_multi_memory.then_some(WasmFeatures::MULTI_MEMORY));
    if let Some(advice) = missing.and_then(features::advice) {
        return Error::Foreign(advice);
    }
    let (message, at) = (error.message(), error.offset());
    if message.starts_with("unexpected end") {
        return Error::Damaged(format!("it ends too early, at byte {at}; send it again, or build it again"));
    }
    Error::Damaged(format!("not valid WebAssembly, at byte {at}: {}", Shown(message)))
}

struct Scanner<'a, 'b> {
    bounds: &'b Bounds,
    scan: Scan<'a>,
    /// What is being read, from the outside in.
    open: Vec<Encoding>,
    /// Kept from one function to the next.
    allocations: Option<FuncValidatorAllocations>,
}

impl<'a> Scan<'a> {
    fn new() -> Self {
        let (imports, exports, modules) = Default::default();
        Self { is_component: false, imports, exports, modules, counts: Counts::default() }
    }
}

impl<'a> Scanner<'a, '_> {
    fn count(&mut self, payload: &Payload<'a>) -> Result<(), Error> {
        match payload {
            Payload::Version { encoding, .. } => self.begin(*encoding)?,
            Payload::End(_) => drop(self.open.pop()),
            Payload::TypeSection(types) => self.types(types.count())?,
            Payload::CoreTypeSection(types) => self.types(types.count())?,
            Payload::ComponentTypeSection(types) => self.types(types.count())?,
            Payload::InstanceSection(instances) => self.instances(instances.count())?,
            Payload::ComponentInstanceSection(instances) => self.instances(instances.count())?,
            Payload::FunctionSection(functions) => {
                add("functions", &mut self.scan.counts.functions, functions.count(), self.bounds.functions_max)?;
            }
            Payload::GlobalSection(globals) => {
                add("globals", &mut self.scan.counts.globals, globals.count(), self.bounds.globals_max)?;
            }
            Payload::ImportSection(imports) => self.module_imports(imports)?,
            Payload::ExportSection(exports) => self.module_exports(exports)?,
            Payload::MemorySection(memories) => self.memories(memories)?,
            Payload::TableSection(tables) => self.tables(tables)?,
            Payload::CustomSection(section) => self.custom(section),
            Payload::ComponentImportSection(imports) => {
                for import in imports.clone() {
                    let name = import.map_err(damaged)?.name.name;
                    self.name(name)?;
                    if self.open.len() == 1 {
                        self.scan.imports.push(name);
                    }
                }
            }
            Payload::ComponentExportSection(exports) => {
                for export in exports.clone() {
                    let name = export.map_err(damaged)?.name.name;
                    self.name(name)?;
                    if self.open.len() == 1 {
                        self.scan.exports.push(name);
                    }
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn begin(&mut self, encoding: Encoding) -> Result<(), Error> {
        let is_outermost = self.open.is_empty();
        self.open.push(encoding);
        let counts = &mut self.scan.counts;
        if encoding == Encoding::Module {
            self.scan.modules.push(Module::default());
            return add("modules", &mut counts.modules, 1_u32, self.bounds.modules_max);
        }
        if is_outermost {
            self.scan.is_component = true;
            return Ok(());
        }
        add("components", &mut counts.components, 1_u32, self.bounds.components_max)
    }

    fn types(&mut self, more: u32) -> Result<(), Error> {
        add("types", &mut self.scan.counts.types, more, self.bounds.types_max)
    }

    fn instances(&mut self, more: u32) -> Result<(), Error> {
        add("instances", &mut self.scan.counts.instances, more, self.bounds.instances_max)
    }

    fn name(&mut self, name: &str) -> Result<(), Error> {
        check("bytes of a name", name.len() as u64, self.bounds.name_bytes_max)?;
        add("imports and exports", &mut self.scan.counts.names, 1_u32, self.bounds.names_max)
    }

    fn module_imports(&mut self, imports: &wasmparser::ImportSectionReader<'a>) -> Result<(), Error> {
        for import in imports.clone().into_imports() {
            let import = import.map_err(damaged)?;
            self.name(import.module)?;
            self.name(import.name)?;
            if let Some(module) = self.scan.modules.last_mut() {
                module.imports.push(Import { module: import.module, name: import.name });
            }
        }
        Ok(())
    }

    fn module_exports(&mut self, exports: &wasmparser::ExportSectionReader<'a>) -> Result<(), Error> {
        for export in exports.clone() {
            let name = export.map_err(damaged)?.name;
            self.name(name)?;
            if let Some(module) = self.scan.modules.last_mut() {
                module.exports.push(name);
            }
        }
        Ok(())
    }

    fn memories(&mut self, memories: &wasmparser::MemorySectionReader<'a>) -> Result<(), Error> {
        add("memories", &mut self.scan.counts.memories, memories.count(), self.bounds.memories_max)?;
        for memory in memories.clone() {
            let bytes = memory.map_err(damaged)?.initial.saturating_mul(PAGE_BYTES);
            self.scan.counts.memory_bytes = self.scan.counts.memory_bytes.saturating_add(bytes);
        }
        Ok(())
    }

    fn tables(&mut self, tables: &wasmparser::TableSectionReader<'a>) -> Result<(), Error> {
        add("tables", &mut self.scan.counts.tables, tables.count(), self.bounds.tables_max)?;
        for table in tables.clone() {
            let elements = table.map_err(damaged)?.ty.initial;
            add("table elements", &mut self.scan.counts.table_elements, elements, self.bounds.table_elements_max)?;
        }
        Ok(())
    }

    /// Custom sections are hints: what cannot be read in them says nothing.
    fn custom(&mut self, section: &wasmparser::CustomSectionReader<'a>) {
        if self.open.last() != Some(&Encoding::Module) {
            return;
        }
        let Some(module) = self.scan.modules.last_mut() else { return };
        if section.name().starts_with("component-type") {
            module.component_types.push(section.data());
        }
        if let wasmparser::KnownCustom::Producers(producers) = section.as_known() {
            module.is_go |= is_made_by_go(producers).unwrap_or(false);
        }
    }

    /// Validates a function's body while counting what makes compilers slow.
    fn body(&mut self, function: FuncToValidate<ValidatorResources>, body: &FunctionBody<'_>) -> Result<(), Error> {
        let bounds = self.bounds;
        let bytes = body.as_bytes().len() as u64;
        check("bytes of one function", bytes, bounds.body_bytes_max)?;
        add("bytes of code", &mut self.scan.counts.code_bytes, bytes, bounds.code_bytes_max)?;
        let mut validator = function.into_validator(self.allocations.take().unwrap_or_default());
        let mut reader = body.get_binary_reader();
        reader.set_features(features::ENGINE);
        validator.read_locals(&mut reader).map_err(damaged)?;
        check("locals of one function", validator.len_locals().into(), bounds.locals_max)?;
        let mut operators = OperatorsReader::new(reader);
        let mut targets = 0;
        while !operators.eof() {
            let (operator, at) = operators.read_with_offset().map_err(damaged)?;
            validator.op(at, &operator).map_err(damaged)?;
            if let Operator::BrTable { targets: table } = &operator {
                check("targets of one br_table", table.len().into(), bounds.branch_targets_max)?;
                let max = bounds.branch_targets_in_body_max;
                add("branch targets of one function", &mut targets, table.len(), max)?;
            }
            check("blocks in each other", validator.control_stack_height().into(), bounds.nesting_max)?;
        }
        operators.finish().map_err(damaged)?;
        self.allocations = Some(validator.into_allocations());
        Ok(())
    }
}

fn add(what: &str, sum: &mut u64, more: impl Into<u64>, max: u64) -> Result<(), Error> {
    *sum = sum.saturating_add(more.into());
    check(what, *sum, max)
}

/// Go's own compiler. TinyGo is another matter.
fn is_made_by_go(producers: ProducersSectionReader<'_>) -> Result<bool, BinaryReaderError> {
    let names = |values: SectionLimited<'_, wasmparser::ProducersFieldValue<'_>>| {
        values.into_iter().any(|value| value.is_ok_and(|value| value.name == "Go cmd/compile"))
    };
    for field in producers {
        let field = field?;
        if field.name == "processed-by" && names(field.values) {
            return Ok(true);
        }
    }
    Ok(false)
}

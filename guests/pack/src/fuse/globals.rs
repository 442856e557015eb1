//! Tells globals that change from those that are constants in all but name.
//!
//! Position-independent code finds its data and its functions by globals (`__memory_base`, the entries of `GOT.mem` and
//! `GOT.func`) which the linking instance has set already. They are hundreds, and none of them is ever written again. As
//! constants they give segments constant places, which is what lets the host map memory instead of copying it.

use std::collections::{HashMap, HashSet};

use anyhow::{Context as _, Result, bail};
use wasmparser::{ConstExpr, Operator, ValType};

use super::module::Space;
use super::resolve::{Definition, Linked};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Value {
    I32(i32),
    I64(i64),
}

impl Value {
    pub(super) fn instruction(self) -> wasm_encoder::Instruction<'static> {
        match self {
            Self::I32(value) => wasm_encoder::Instruction::I32Const(value),
            Self::I64(value) => wasm_encoder::Instruction::I64Const(value),
        }
    }
}

/// What becomes of a global.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Global {
    Constant(Value),
    /// Its index in the fused module.
    Variable(u32),
}

#[derive(Default)]
pub(super) struct Globals {
    /// What each holds before any code has run.
    first_values: HashMap<Definition, Value>,
    pub(super) map: HashMap<Definition, Global>,
    pub(super) section: wasm_encoder::GlobalSection,
}

impl Globals {
    pub(super) fn new(linked: &Linked<'_, '_>) -> Result<Self> {
        let written = written(linked)?;
        let mut globals = Self::default();
        // in the order of the instances, so that what a global is made from has its value already
        for &module in &linked.order {
            let parsed = &linked.component.modules[module];
            for (index, global) in (parsed.first_own(Space::Global)..).zip(&parsed.globals) {
                let definition = Definition::Own { module, index };
                let value = globals
                    .evaluate(linked, module, &global.init_expr)
                    .with_context(|| format!("global {index} of core module {module} cannot be fused"))?;
                globals.first_values.insert(definition, value);
                let fate = if written.contains(&definition) {
                    globals.add_variable(global.ty.content_type, value)?
                } else {
                    Global::Constant(value)
                };
                globals.map.insert(definition, fate);
            }
        }
        Ok(globals)
    }

    /// The place of a segment.
    pub(super) fn offset(&self, linked: &Linked<'_, '_>, module: usize, expression: &ConstExpr<'_>) -> Result<u32> {
        match self.evaluate(linked, module, expression)? {
            Value::I32(value) => Ok(value.cast_unsigned()),
            Value::I64(_) => bail!("a segment's place has 64 bits"),
        }
    }

    /// The value of a constant expression of a module: globals in it have their first value.
    fn evaluate(&self, linked: &Linked<'_, '_>, module: usize, expression: &ConstExpr<'_>) -> Result<Value> {
        let mut stack = Vec::new();
        for operator in expression.get_operators_reader() {
            match operator? {
                Operator::I32Const { value } => stack.push(Value::I32(value)),
                Operator::I64Const { value } => stack.push(Value::I64(value)),
                Operator::GlobalGet { global_index } => {
                    let global = linked.resolve(module, Space::Global, global_index)?;
                    let value = self.first_values.get(&global).copied();
                    stack.push(value.with_context(|| format!("global {global_index} has no value yet: {global:?}"))?);
                }
                Operator::I32Add => match (stack.pop(), stack.pop()) {
                    (Some(Value::I32(b)), Some(Value::I32(a))) => stack.push(Value::I32(a.wrapping_add(b))),
                    other => bail!("cannot add {other:?}"),
                },
                Operator::End => {}
                other => bail!("a constant expression with {other:?}"),
            }
        }
        match stack[..] {
            [value] => Ok(value),
            _ => bail!("a constant expression leaves {} values", stack.len()),
        }
    }

    fn add_variable(&mut self, ty: ValType, value: Value) -> Result<Global> {
        let val_type = match ty {
            ValType::I32 => wasm_encoder::ValType::I32,
            ValType::I64 => wasm_encoder::ValType::I64,
            other => bail!("a global of the type {other} is written"),
        };
        let index = self.section.len();
        let start = match value {
            Value::I32(value) => wasm_encoder::ConstExpr::i32_const(value),
            Value::I64(value) => wasm_encoder::ConstExpr::i64_const(value),
        };
        self.section.global(wasm_encoder::GlobalType { val_type, mutable: true, shared: false }, &start);
        Ok(Global::Variable(index))
    }
}

/// The globals that some instruction writes.
fn written(linked: &Linked<'_, '_>) -> Result<HashSet<Definition>> {
    let mut written = HashSet::new();
    for module in linked.merged() {
        for body in &linked.component.modules[module].bodies {
            for operator in body.get_operators_reader()? {
                if let Operator::GlobalSet { global_index } = operator? {
                    written.insert(linked.resolve(module, Space::Global, global_index)?);
                }
            }
        }
    }
    Ok(written)
}

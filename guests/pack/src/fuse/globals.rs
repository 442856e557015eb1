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
    pub(super) map: HashMap<Definition, Global>,
    pub(super) section: wasm_encoder::GlobalSection,
}

impl Globals {
    pub(super) fn new(linked: &Linked<'_, '_>) -> Result<Self> {
        let written = written(linked)?;
        let mut globals = Self::default();
        for module in linked.merged() {
            let parsed = &linked.component.modules[module];
            for (index, global) in (parsed.first_own(Space::Global)..).zip(&parsed.globals) {
                let definition = Definition::Own { module, index };
                let value = evaluate(linked, module, &global.init_expr)?;
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

/// The value of a constant expression of a module: globals in it have their first value.
pub(super) fn evaluate(linked: &Linked<'_, '_>, module: usize, expression: &ConstExpr<'_>) -> Result<Value> {
    let mut stack = Vec::new();
    for operator in expression.get_operators_reader() {
        match operator? {
            Operator::I32Const { value } => stack.push(Value::I32(value)),
            Operator::I64Const { value } => stack.push(Value::I64(value)),
            Operator::GlobalGet { global_index } => stack.push(first_value(linked, module, global_index)?),
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

fn first_value(linked: &Linked<'_, '_>, module: usize, index: u32) -> Result<Value> {
    match linked.resolve(module, Space::Global, index)? {
        Definition::Own { module, index } => {
            let parsed = &linked.component.modules[module];
            let own = index - parsed.first_own(Space::Global);
            let global = parsed.globals.get(own as usize).with_context(|| format!("there is no global {index}"))?;
            evaluate(linked, module, &global.init_expr)
        }
        Definition::Canonical(_) => bail!("global {index} is a function"),
    }
}

/// The place of a segment.
pub(super) fn offset(linked: &Linked<'_, '_>, module: usize, expression: &ConstExpr<'_>) -> Result<u32> {
    match evaluate(linked, module, expression)? {
        Value::I32(value) => Ok(value.cast_unsigned()),
        Value::I64(_) => bail!("a segment's place has 64 bits"),
    }
}

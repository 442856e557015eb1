//! What has to hold for any bytes, and for any valid module.

use wasm_encoder::{Component, ComponentSectionId, InstanceSection, RawSection};

use super::{PAGE_BYTES, Split};

/// Bytes that may be a component: they are refused, or split into what is valid and has nothing left to be split off.
pub(crate) fn split(bytes: &[u8]) {
    if let Ok(split) = super::split(bytes) {
        check(&split);
    }
}

/// A valid module without imports, in a component. It is never refused.
pub(crate) fn split_module(module: &[u8]) {
    let mut instances = InstanceSection::new();
    instances.instantiate(0, [("", wasm_encoder::ModuleArg::Instance(0)); 0]);
    let mut component = Component::new();
    component.section(&RawSection { id: ComponentSectionId::CoreModule.into(), data: module }).section(&instances);
    let bytes = component.finish();
    let split = super::split(&bytes).expect("a valid component");
    check(&split);
}

fn check(split: &Split) {
    let memory = split.shape.memory.as_ref();
    assert!(split.pages.len().is_multiple_of(PAGE_BYTES));
    assert!(split.pages.len() as u64 <= memory.map_or(0, |memory| memory.bytes));
    let again = super::split(&split.component).expect("what came out is valid");
    assert!(again.pages.is_empty(), "nothing is left");
    assert_eq!(again.shape.memory.map(|memory| memory.bytes), memory.map(|memory| memory.bytes));
}

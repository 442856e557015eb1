//! What must hold for all bytes, for fuzz targets and property tests.

use hks_protocol::Limits;
use hks_protocol::manifest::Grants;

use super::{Bounds, Error, Offer, accept, recognise};

/// Takes bytes as a `.wasm`: either what comes out is a component that is accepted again as it stands, or an error that can
/// be shown.
///
/// # Panics
/// If neither is so.
pub fn check(wasm: &[u8]) {
    let offer = Offer::functions().with_http().with_commands().with_interpreters();
    let (grants, limits) = (Grants::default(), Limits::default());
    match accept(wasm.to_vec(), &offer, &grants, &limits) {
        Ok((component, shape)) => {
            assert!(shape.size_bytes == component.len() as u64);
            let again = accept(component, &offer, &grants, &limits);
            assert_eq!(again.expect("what was accepted is accepted again").1, shape);
        }
        Err(error) => show(&error),
    }
    if let Err(error) = recognise(wasm, &Bounds::default()) {
        show(&error);
    }
}

fn show(error: &Error) {
    let shown = error.to_string();
    assert!(!shown.contains(|c: char| c.is_control() && c != '\n'), "{shown:?}");
}

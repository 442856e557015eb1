//! What a panic says before it ends the instance.
//!
//! Functions are compiled to abort: nothing of them runs after a panic, so none can be a failure that the handler returns. The
//! host sees a trap, and reads in the log what it was: an error `Panic` with the message, and the place as its traceback.

/// Makes panics say what the host looks for, once for each instance. A function's own hook, set later, replaces it.
pub(crate) fn announce() {
    #[cfg(target_arch = "wasm32")]
    {
        static ONCE: std::sync::Once = std::sync::Once::new();
        ONCE.call_once(|| std::panic::set_hook(Box::new(|panic| eprintln!("{}", text(panic)))));
    }
}

#[cfg(target_arch = "wasm32")]
fn text(panic: &std::panic::PanicHookInfo<'_>) -> String {
    let message = panic.payload_as_str().unwrap_or("a value that is no text");
    match panic.location() {
        Some(place) => format!("Panic: {message}\n  at {place}"),
        None => format!("Panic: {message}"),
    }
}

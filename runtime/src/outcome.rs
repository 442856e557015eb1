//! From what an instance did to what its caller may know.

use hks_protocol::{ByteSize, Failure, Json, Limits, Outcome};
use wasmtime::Trap;
use wasmtime::component::ResourceTableError;

use crate::bindings::hks::function::types::Failure as GuestFailure;
use crate::bounded::TooLarge;
use crate::command::EXIT_ERROR;
use crate::deadline::Stopped;
use crate::host::exit_code;
use crate::memory::MemoryLimiter;
use crate::{Error, Result};

/// What the guest's own code returned.
pub(crate) type Returned = std::result::Result<String, GuestFailure>;

/// How an attempt ended, before its report is put together.
pub(crate) struct Ending {
    pub(crate) outcome: Outcome,
    pub(crate) value: Json,
    pub(crate) error: Option<Failure>,
}

impl Ending {
    fn failed(outcome: Outcome, name: &str, value: impl Into<String>) -> Self {
        let error = Failure { name: name.into(), value: value.into(), traceback: String::new() };
        Self { outcome, value: Json::null(), error: Some(error) }
    }
}

impl Ending {
    /// The same with what the guest wrote to stderr last, which says more than the trap that it ended in.
    ///
    /// Compiled code aborts in an instruction that says nothing, after it has said why. Where it has the form of a panic, as our
    /// SDK writes it, it is one: only the function's own failure is named by it.
    pub(crate) fn explained(mut self, last_lines: String) -> Self {
        let trapped = self.outcome == Outcome::Trapped;
        if let Some(error) = self.error.as_mut().filter(|_| trapped) {
            if let Some(message) = panic_message(&last_lines) {
                error.name = "Panic".into();
                error.value = message.into();
            }
            error.traceback = last_lines;
        }
        self
    }
}

/// `no` of `Panic: no`, line break, `  at src/lib.rs:3:5`. Messages may have lines of their own.
fn panic_message(last_lines: &str) -> Option<&str> {
    const MARK: &str = "Panic: ";
    let start = match last_lines.rfind("\nPanic: ") {
        Some(at) => at + 1,
        None => last_lines.starts_with(MARK).then_some(0)?,
    };
    let (message, place) = last_lines[start + MARK.len()..].rsplit_once("\n  at ")?;
    (!place.contains('\n')).then_some(message)
}

/// What decides between outcomes that look alike.
pub(crate) struct Evidence<'a> {
    pub(crate) limits: &'a Limits,
    pub(crate) memory: &'a MemoryLimiter,
    pub(crate) value_bytes_max: u64,
}

impl Evidence<'_> {
    /// The guest was stopped from outside.
    pub(crate) fn stopped(&self, stopped: Stopped) -> Ending {
        match stopped {
            Stopped::Canceled => Ending::failed(Outcome::Canceled, "Canceled", "the execution was canceled"),
            Stopped::Deadline => {
                let timeout = self.limits.timeout();
                let value = format!("the function ran longer than its timeout of {timeout:?}");
                Ending::failed(Outcome::TimedOut, "TimeoutExceeded", value)
            }
        }
    }

    /// The guest returned by itself.
    pub(crate) fn returned(&self, returned: Returned) -> Ending {
        match returned {
            Err(failure) => self.raised(failure),
            Ok(text) if text.len() as u64 > self.value_bytes_max => self.output_too_large(),
            // Function code can reach into the interpreter's driver, so what it hands out is believed to be anything.
            Ok(text) => match Json::parse("value", text) {
                Ok(value) => Ending { outcome: Outcome::Succeeded, value, error: None },
                Err(error) => Ending::failed(Outcome::Failed, "InvalidResultError", error.to_string()),
            },
        }
    }

    fn raised(&self, failure: GuestFailure) -> Ending {
        // Programs that get no more memory usually end with a code of their own.
        let out_of_memory = ["MemoryError", "OutOfMemoryError", EXIT_ERROR].contains(&failure.name.as_str());
        if out_of_memory && self.memory.refused_bytes().is_some() {
            let mut ending = self.out_of_memory();
            if let Some(error) = &mut ending.error {
                error.traceback = failure.traceback;
            }
            return ending;
        }
        let error = Failure { name: failure.name, value: failure.value, traceback: failure.traceback };
        Ending { outcome: Outcome::Failed, value: Json::null(), error: Some(error) }
    }

    /// The call ended in a trap, or the host refused something in a way that ends the guest.
    pub(crate) fn trapped(&self, error: &wasmtime::Error) -> Ending {
        if let Some(code) = exit_code(error) {
            return Ending::failed(
                Outcome::Exited,
                "ProcessExit",
                format!("the function ended its process with {code}"),
            );
        }
        match error.downcast_ref::<Trap>() {
            Some(Trap::OutOfFuel) => self.out_of_fuel(),
            Some(Trap::StackOverflow) => {
                let value = "the function's calls were nested deeper than the stack of its instance";
                Ending::failed(Outcome::StackOverflow, "StackOverflow", value)
            }
            Some(_) if self.memory.refused_bytes().is_some() => self.out_of_memory(),
            Some(trap) => Ending::failed(Outcome::Trapped, "Trap", trap.to_string()),
            None if error.downcast_ref::<TooLarge>().is_some() => self.output_too_large(),
            None if is_oversized_transfer(error) => self.output_too_large(),
            None => Ending::failed(Outcome::Trapped, "Trap", misuse(error).unwrap_or(error.root_cause().to_string())),
        }
    }

    /// The instance could not be made.
    pub(crate) fn not_instantiated(&self, error: &wasmtime::Error) -> Result<Ending> {
        if let Some(wanted) = self.memory.refused_bytes() {
            let (needs, limit) = (ByteSize(wanted), ByteSize(self.limits.memory_bytes()));
            let value = format!("the function needs {needs} of memory to start, and its limit is {limit}");
            return Ok(Ending::failed(Outcome::OutOfMemory, "OutOfMemory", value));
        }
        // A start function is guest code like any other.
        if error.downcast_ref::<Trap>().is_some() {
            return Ok(self.trapped(error));
        }
        if is_excess(error) {
            return Err(Error::Refused(error.root_cause().to_string()));
        }
        Err(Error::Host(format!("instantiate: {error:#}")))
    }

    fn out_of_fuel(&self) -> Ending {
        let value = format!("the function used up its fuel of {}", self.limits.fuel());
        Ending::failed(Outcome::OutOfFuel, "FuelExhausted", value)
    }

    fn out_of_memory(&self) -> Ending {
        let value = format!("the function used up its memory of {}", ByteSize(self.limits.memory_bytes()));
        Ending::failed(Outcome::OutOfMemory, "OutOfMemory", value)
    }

    fn output_too_large(&self) -> Ending {
        let limit = ByteSize(self.limits.output_bytes());
        let value = format!("the result, or a text that was logged at once, exceeds the output limit of {limit}");
        Ending::failed(Outcome::OutputTooLarge, "OutputTooLarge", value)
    }
}

/// What guests may hand to the host in one call, besides what the output limit allows for the value.
pub(crate) const TRANSFER_BYTES: usize = 1 << 20;

/// What a guest did wrong with what it has of the host, in words.
fn misuse(error: &wasmtime::Error) -> Option<String> {
    let words = match error.downcast_ref::<ResourceTableError>()? {
        ResourceTableError::Full => "the function has too many files, streams and timers open at once",
        ResourceTableError::HasChildren => {
            "the function closed a handle from which another that is still open was made, as a body before its stream"
        }
        ResourceTableError::NotPresent | ResourceTableError::WrongType => {
            "the function used a handle that it does not have"
        }
    };
    Some(words.into())
}

/// More instances, tables or memories than the store grants. Like the next, an error of Wasmtime that has no type, only
/// this text, which the tests hold.
fn is_excess(error: &wasmtime::Error) -> bool {
    error.root_cause().to_string().starts_with("resource limit exceeded")
}

/// A text that was too large to be handed over.
fn is_oversized_transfer(error: &wasmtime::Error) -> bool {
    error.root_cause().to_string().contains("fuel allocated for hostcalls has been exhausted")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_what_the_guest_said_last() {
        assert_eq!(panic_message("Panic: no\n  at src/lib.rs:3:5"), Some("no"));
        assert_eq!(panic_message("a\nPanic: one\n  at a:1:1\nPanic: two\nlines\n  at b:2:2"), Some("two\nlines"));
        for text in ["", "Panic: no", "Panic: no\n  at a:1:1\nmore", "No Panic: no\n  at a:1:1"] {
            assert_eq!(panic_message(text), None, "{text}");
        }
    }

    #[test]
    fn only_a_trap_is_explained_by_it() {
        let said = || "Panic: no\n  at a:1:1".to_owned();
        let error = Ending::failed(Outcome::Trapped, "Trap", "unreachable").explained(said()).error.unwrap();
        assert_eq!((error.name.as_str(), error.value.as_str(), error.traceback), ("Panic", "no", said()));
        let error = Ending::failed(Outcome::OutOfFuel, "FuelExhausted", "").explained(said()).error.unwrap();
        assert_eq!((error.name.as_str(), error.traceback.as_str()), ("FuelExhausted", ""));
    }
}

//! Compiles one component, in a process of its own: the tests' program for `Compiler::Child`.

use std::process::ExitCode;

fn main() -> ExitCode {
    match std::env::args_os().nth(1) {
        Some(order) => hks_builder::compile_command(&order),
        None => {
            eprintln!("hks-compile is started by the builder, with what to compile as its argument");
            ExitCode::from(2)
        }
    }
}

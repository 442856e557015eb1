//! The handler that tests build: it doubles a number, and fails in every way that there is.

use std::fmt;

use hks_sdk::Context;
use serde::{Deserialize, Serialize};

#[derive(Deserialize)]
struct Event {
    input: i64,
}

#[derive(Serialize)]
struct Doubled {
    result: i64,
}

#[derive(Debug)]
struct NegativeError(i64);

impl fmt::Display for NegativeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} is below zero", self.0)
    }
}

impl std::error::Error for NegativeError {}

#[hks_sdk::handler]
fn handler(event: Event, ctx: Context) -> Result<Doubled, NegativeError> {
    println!("doubling in attempt {}", ctx.attempt);
    match event.input {
        0 => panic!("nothing to double"),
        negative if negative < 0 => Err(NegativeError(negative)),
        input => Ok(Doubled { result: input * 2 }),
    }
}

#[allow(dead_code, reason = "as an example it is a program; as a function it is a library")]
fn main() {}

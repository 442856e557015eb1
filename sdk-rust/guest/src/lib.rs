//! For functions in Rust that run on HKS Functions.
//!
//! ```
//! use hks_sdk::Context;
//! use serde::{Deserialize, Serialize};
//!
//! #[derive(Deserialize)]
//! struct Order {
//!     price: f64,
//!     count: u32,
//! }
//!
//! #[derive(Serialize)]
//! struct Bill {
//!     total: f64,
//! }
//!
//! #[hks_sdk::handler]
//! fn handler(order: Order, ctx: Context) -> Result<Bill, std::num::TryFromIntError> {
//!     println!("attempt {} has {} ms left", ctx.attempt, ctx.remaining_time_ms());
//!     Ok(Bill { total: order.price * f64::from(order.count) })
//! }
//! ```
//!
//! - **Event and value** are any types of serde. An event that does not fit ends as an `InvalidEventError` that says where.
//! - **Errors** of any type are the function's failure: named as their type, with their message, and their sources as the
//!   traceback. A panic ends the instance, and is an error `Panic`.
//! - **Logs** are what is printed, by `println!` and `eprintln!`.
//! - **HTTP**: [`http::Request`] and [`http::Response`] are the event and the value of a function with an HTTP trigger.
//! - **Rich results**, such as charts and tables: [`display`].
//!
//! Environment variables, `/tmp`, time and randomness are where `std` has them. Functions have no threads and no sockets.
//!
//! On a developer's own machine everything compiles and runs too, so that `cargo test` can call the handler.

mod block_on;
mod call;
mod context;
mod display;
mod failure;
pub mod http;
mod panic;
#[doc(hidden)]
pub mod returned;

#[doc(hidden)]
#[allow(missing_docs, unreachable_pub, unsafe_op_in_unsafe_fn, clippy::all, clippy::unwrap_used, reason = "generated")]
pub mod bindings;

pub use context::{Context, Trigger};
pub use display::{DisplayError, Rich, display};
pub use hks_sdk_macros::handler;

// Generated code, of the bindings and of the macro, names this crate as its users do.
extern crate self as hks_sdk;

/// For what `#[handler]` expands to. Not for anybody else: it changes without notice.
#[doc(hidden)]
pub mod __private {
    pub use serde::de::IgnoredAny as Ignored;
    pub use wit_bindgen::rt;

    pub use crate::bindings;
    pub use crate::bindings::exports::hks::function::handler::Guest;
    pub use crate::bindings::hks::function::types::Failure;
    pub use crate::block_on::block_on;
    pub use crate::call::{call, is_event, is_value};
    pub use crate::returned;
}

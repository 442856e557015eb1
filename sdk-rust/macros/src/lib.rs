//! The attribute `#[hks_sdk::handler]`. Use it through the crate `hks-sdk`.

use proc_macro::TokenStream;

mod handler;
mod signature;

/// Makes the function that it stands on the one that is called.
///
/// ```ignore
/// #[hks_sdk::handler]
/// fn handler(event: Order, ctx: hks_sdk::Context) -> Result<Receipt, OrderError> {
/// ```
///
/// - The event is of any type that implements `serde::Deserialize`. An event that does not fit is an `InvalidEventError`
///   that says where.
/// - The context may be left out, or be taken as `&Context`; so may the event, then with the context.
/// - What is returned is of any type that implements `serde::Serialize`, or a `Result` of that and of any error.
/// - `async fn` is run to its end on the spot: there is nothing else to do in an instance of one's own.
///
/// One function of a crate has it.
#[proc_macro_attribute]
pub fn handler(arguments: TokenStream, item: TokenStream) -> TokenStream {
    handler::expand(arguments.into(), item.into()).into()
}

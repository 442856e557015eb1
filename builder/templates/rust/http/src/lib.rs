//! Greets whoever the path names.

use hks_sdk::http::{Request, Response};

#[hks_sdk::handler]
fn handler(request: Request) -> Response {
    let name = request.path_parameter("name").unwrap_or("World");
    let greeting = request.query("greeting").unwrap_or("Hello");
    Response::text(format!("{greeting}, {name}!")).with_header("cache-control", "no-store")
}

//! `wasi:http` for guests that answer requests: the requests, responses and bodies themselves. Nothing here sends any.
//!
//! `wasi:http/outgoing-handler` is linked, because toolchains import it for every server, and each call of it is denied before
//! it is looked at.

use wasmtime::component::{Linker, Resource};
use wasmtime_wasi_http::p2::bindings::LinkOptions;
use wasmtime_wasi_http::p2::bindings::http::types::{self, ErrorCode};
use wasmtime_wasi_http::p2::types::{HostFutureIncomingResponse, HostOutgoingRequest};
use wasmtime_wasi_http::{
    RequestOptions, WasiBody, WasiHttp, WasiHttpCtx, WasiHttpCtxView, WasiHttpHooks, WasiHttpView,
};

use crate::host::Guest;

/// Names and values of one set of headers. Guests have as many sets as they may have handles, and these are not counted
/// as their memory.
pub(crate) const HEADER_BYTES_MAX: usize = 64 << 10;

/// What a guest may write to a body at once; two such pieces wait for their reader. Small for the same reason.
const CHUNK_BYTES: usize = 32 << 10;

const OUTGOING_HANDLER: &str = "wasi:http/outgoing-handler@0.2.12";

/// What a guest that speaks HTTP acts on, besides its handles.
pub(crate) struct Http {
    context: WasiHttpCtx,
    hooks: Hooks,
}

impl Http {
    pub(crate) fn new() -> Self {
        let mut context = WasiHttpCtx::new();
        context.set_field_size_limit(HEADER_BYTES_MAX);
        Self { context, hooks: Hooks }
    }
}

impl WasiHttpView for Guest {
    fn http(&mut self) -> WasiHttpCtxView<'_> {
        let Http { context: ctx, hooks } = &mut self.http;
        WasiHttpCtxView { hooks, table: self.wasi.table(), ctx }
    }
}

/// Links requests and responses, and an `outgoing-handler` that denies.
pub(crate) fn link(linker: &mut Linker<Guest>) -> wasmtime::Result<()> {
    let options = LinkOptions::default();
    types::add_to_linker::<Guest, WasiHttp>(linker, &options.into(), Guest::http)?;
    linker.instance(OUTGOING_HANDLER)?.func_wrap("handle", |mut store, request| Ok((deny(store.data_mut(), request)?,)))
}

type Outgoing = (Resource<HostOutgoingRequest>, Option<Resource<RequestOptions>>);

/// Sends nothing. What the guest handed over is gone all the same, as it would be otherwise.
fn deny(
    guest: &mut Guest,
    (request, options): Outgoing,
) -> wasmtime::Result<Result<Resource<HostFutureIncomingResponse>, ErrorCode>> {
    let table = guest.wasi.table();
    table.delete(request)?;
    options.map(|options| table.delete(options)).transpose()?;
    Ok(Err(ErrorCode::HttpRequestDenied))
}

struct Hooks;

type Wait<T> = Box<dyn Future<Output = wasmtime_wasi_http::Result<T>> + Send>;

impl WasiHttpHooks for Hooks {
    /// The one way out of the library. Guests do not even reach its `outgoing-handler`.
    fn send_request(
        &mut self,
        _: http::Request<WasiBody>,
        _: Option<RequestOptions>,
        _: Wait<()>,
    ) -> Wait<(http::Response<WasiBody>, Wait<()>)> {
        Box::new(std::future::ready(Err(wasmtime_wasi_http::Error::HttpRequestDenied)))
    }

    fn p2_outgoing_body_chunk_size(&mut self) -> usize {
        CHUNK_BYTES
    }
}

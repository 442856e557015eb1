//! One request to one instance, and its response while it is written.

use std::pin::pin;

use bytes::Bytes;
use http_body::Body;
use tokio::sync::oneshot;
use wasmtime::Store;
use wasmtime::component::{Resource, TypedFunc};
use wasmtime_wasi_http::p2::bindings::http::types::{ErrorCode, Scheme};
use wasmtime_wasi_http::p2::body::HyperOutgoingBody;
use wasmtime_wasi_http::p2::types::{HostIncomingRequest, HostResponseOutparam};
use wasmtime_wasi_http::{Error, WasiHttpView};

use crate::host::Guest;

/// `handle` of `wasi:http/incoming-handler`.
pub(crate) type Handle = TypedFunc<(Resource<HostIncomingRequest>, Resource<HostResponseOutparam>), ()>;

/// A response, whose body may still be written.
pub(crate) type Response = http::Response<HyperOutgoingBody>;

/// What came of a request.
pub(crate) enum Answer<T> {
    /// What was made of the response.
    Taken(T),
    /// The guest said that there is none, and why.
    Refused(ErrorCode),
    /// The guest came back without a word.
    Nothing,
}

/// Hands `request` to the guest, and the guest's response to `take` as soon as there is one.
///
/// The guest waits where it has written more than was read, so both make progress here together. It ends when the guest has
/// come back *and* the response is taken. What a guest that came back has not finished can be finished by nobody, so it ends
/// there. An error of `take` ends the guest; a trap of the guest ends `take`, whatever it has so far.
pub(crate) async fn exchange<B, T, F>(
    store: &mut Store<Guest>,
    handle: &Handle,
    request: http::Request<B>,
    take: impl FnOnce(Response) -> F,
) -> wasmtime::Result<Answer<T>>
where
    B: Body<Data = Bytes, Error: Into<Error>> + Send + 'static,
    F: Future<Output = wasmtime::Result<T>>,
{
    let (send, receive) = oneshot::channel();
    let mut http = store.data_mut().http();
    let request = http.new_incoming_request(Scheme::Http, request)?;
    let response = http.new_response_outparam(send)?;
    let mut taking = pin!(async move {
        match receive.await {
            Ok(Ok(response)) => take(response).await.map(Answer::Taken),
            Ok(Err(code)) => Ok(Answer::Refused(code)),
            Err(_) => Ok(Answer::Nothing),
        }
    });
    let mut taken = None;
    {
        let mut guest = pin!(handle.call_async(&mut *store, (request, response)));
        loop {
            tokio::select! {
                biased;
                returned = &mut guest => break returned?,
                answer = &mut taking, if taken.is_none() => taken = Some(answer?),
            }
        }
    }
    store.data_mut().wasi.close();
    match taken {
        Some(answer) => Ok(answer),
        None => taking.await,
    }
}

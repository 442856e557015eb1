//! From a response to the value of an execution: `{"statusCode", "headers", "body", "isBase64Encoded"}`, as AWS Lambda has it.

use std::collections::BTreeMap;

use base64::display::Base64Display;
use base64::engine::general_purpose::STANDARD as BASE64;
use http::header::{CONTENT_LENGTH, SET_COOKIE};
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use http_body_util::BodyExt;
use serde::Serialize;
use serde::ser::Serializer;
use wasmtime_wasi_http::p2::bindings::http::types::ErrorCode;

use super::exchange::{Answer, Response};
use super::failure;
use crate::bindings::hks::function::types::Failure;
use crate::bounded::{Bounded, json};

/// Of what a guest says about its own failure.
const REASON_CHARS_MAX: usize = 4096;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Value<'a> {
    status_code: u16,
    headers: BTreeMap<&'a str, String>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    multi_value_headers: BTreeMap<&'a str, Vec<String>>,
    body: Content<'a>,
    is_base64_encoded: bool,
}

enum Content<'a> {
    Text(&'a str),
    Bytes(&'a [u8]),
}

impl Serialize for Content<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Text(text) => serializer.serialize_str(text),
            Self::Bytes(bytes) => serializer.collect_str(&Base64Display::new(bytes, &BASE64)),
        }
    }
}

/// Reads the response to a request of that method to its end. What exceeds `bytes_max`, as the value's text, is an error.
pub(crate) async fn into_value(
    response: Response,
    method: &Method,
    bytes_max: u64,
) -> wasmtime::Result<Result<String, Failure>> {
    let (head, mut body) = response.into_parts();
    let mut bytes = Bounded::new(bytes_max);
    while let Some(frame) = body.frame().await {
        match frame.map(http_body::Frame::into_data) {
            Ok(Ok(data)) => bytes.extend(&data)?,
            // Trailers, for which the value has no place.
            Ok(Err(_)) => {}
            Err(_) => {
                return Ok(Err(incomplete(
                    "its body was dropped before it was finished, or is not as long as it says",
                )));
            }
        }
    }
    let bytes = bytes.into_bytes();
    if !has_its_length(&head.headers, head.status, method, bytes.len()) {
        return Ok(Err(incomplete("its body is not as long as its content-length says")));
    }
    Ok(Ok(value(head.status, &head.headers, &bytes, bytes_max)?))
}

/// What is made of an answer.
pub(crate) fn of_answer(answer: Answer<Result<String, Failure>>) -> Result<String, Failure> {
    match answer {
        Answer::Taken(value) => value,
        Answer::Refused(code) => Err(refused(&code)),
        Answer::Nothing => Err(failure(
            "NoResponseError",
            "the function came back without a response; call response-outparam.set before handle returns",
        )),
    }
}

/// The guest's own error, by the name that WASI has for it.
fn refused(code: &ErrorCode) -> Failure {
    let shown = format!("{code:?}");
    let shown = shown.strip_prefix("ErrorCode::").unwrap_or(&shown);
    let name = shown.split('(').next().unwrap_or(shown);
    let reason = match code {
        ErrorCode::InternalError(Some(reason)) => reason.clone(),
        _ => format!("the function answered with the error {shown}"),
    };
    failure(name, reason.chars().take(REASON_CHARS_MAX).collect::<String>())
}

fn incomplete(reason: &str) -> Failure {
    failure("HttpResponseIncomplete", format!("the response is not complete: {reason}"))
}

/// Whoever passes the response on would otherwise have two lengths to choose from.
fn has_its_length(headers: &HeaderMap, status: StatusCode, method: &Method, length: usize) -> bool {
    let said = headers.get(CONTENT_LENGTH);
    let of_another = length == 0 && (*method == Method::HEAD || status == StatusCode::NOT_MODIFIED);
    of_another || said.is_none_or(|said| said.to_str().is_ok_and(|said| said.parse() == Ok(length)))
}

fn value(
    status: StatusCode,
    headers: &HeaderMap,
    body: &[u8],
    bytes_max: u64,
) -> Result<String, crate::bounded::TooLarge> {
    let (mut joined, mut multi_value_headers) = (BTreeMap::new(), BTreeMap::new());
    for name in headers.keys() {
        let values: Vec<String> = headers.get_all(name).iter().map(text).collect();
        if name == SET_COOKIE {
            // Cookies have commas of their own, so they cannot be joined: one name has one of them, the list has all.
            joined.insert(name.as_str(), values.last().cloned().unwrap_or_default());
            multi_value_headers.insert(name.as_str(), values);
        } else {
            joined.insert(name.as_str(), values.join(", "));
        }
    }
    let content = str::from_utf8(body).map_or(Content::Bytes(body), Content::Text);
    let is_base64_encoded = matches!(content, Content::Bytes(_));
    let value =
        Value { status_code: status.as_u16(), headers: joined, multi_value_headers, body: content, is_base64_encoded };
    json(&value, bytes_max)
}

/// Header values are bytes: UTF-8 by custom, Latin-1 by history.
fn text(value: &HeaderValue) -> String {
    let bytes = value.as_bytes();
    str::from_utf8(bytes).map_or_else(|_| bytes.iter().copied().map(char::from).collect(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;
    use http_body_util::Full;

    fn read(response: http::Response<&'static [u8]>, method: &Method, bytes_max: u64) -> Result<String, String> {
        let response = response
            .map(|body| Full::new(Bytes::from_static(body)).map_err(wasmtime_wasi_http::Error::from).boxed_unsync());
        let here = tokio::runtime::Builder::new_current_thread().build().unwrap();
        match here.block_on(into_value(response, method, bytes_max)) {
            Ok(value) => value.map_err(|failure| failure.name),
            Err(error) => Err(error.to_string()),
        }
    }

    fn response(headers: &[(&'static str, &[u8])], body: &'static [u8]) -> http::Response<&'static [u8]> {
        let mut response = http::Response::new(body);
        for (name, value) in headers {
            response.headers_mut().append(*name, HeaderValue::from_bytes(value).unwrap());
        }
        response
    }

    #[test]
    fn repeated_headers_are_joined_but_cookies_are_not() {
        let headers: [(_, &[u8]); 5] = [
            ("vary", b"a"),
            ("set-cookie", b"a=1"),
            ("Vary", b"b"),
            ("set-cookie", b"b=2; Expires=Wed, 1"),
            ("x", b"\xe4"),
        ];
        let value = read(response(&headers, "ä\n".as_bytes()), &Method::GET, 1000).unwrap();
        assert_eq!(
            value,
            "{\"statusCode\":200,\"headers\":{\"set-cookie\":\"b=2; Expires=Wed, 1\",\"vary\":\"a, b\",\"x\":\"ä\"},\
             \"multiValueHeaders\":{\"set-cookie\":[\"a=1\",\"b=2; Expires=Wed, 1\"]},\
             \"body\":\"ä\\n\",\"isBase64Encoded\":false}"
        );
    }

    #[test]
    fn a_body_that_is_no_text_is_in_base64() {
        let value = read(response(&[], b"\xff\x00"), &Method::GET, 1000).unwrap();
        assert_eq!(value, r#"{"statusCode":200,"headers":{},"body":"/wA=","isBase64Encoded":true}"#);
    }

    #[test]
    fn all_of_the_value_counts() {
        let length = read(response(&[("x", b"1")], b"\xff"), &Method::GET, 1000).unwrap().len() as u64;
        assert!(read(response(&[("x", b"1")], b"\xff"), &Method::GET, length).is_ok());
        assert_eq!(
            read(response(&[("x", b"1")], b"\xff"), &Method::GET, length - 1),
            Err("more than the output limit".into())
        );
        assert_eq!(read(response(&[], &[b'a'; 100]), &Method::GET, 99), Err("more than the output limit".into()));
    }

    #[test]
    fn a_length_that_is_not_the_bodys_is_refused() {
        let incomplete = Err("HttpResponseIncomplete".to_owned());
        for length in [&b"1"[..], b"3", b"x", b"-2"] {
            assert_eq!(read(response(&[("content-length", length)], b"ab"), &Method::GET, 1000), incomplete);
        }
        assert!(read(response(&[("content-length", b"2")], b"ab"), &Method::GET, 1000).is_ok());
        assert!(read(response(&[("content-length", b"2")], b""), &Method::HEAD, 1000).is_ok());
        assert_eq!(read(response(&[("content-length", b"2")], b""), &Method::GET, 1000), incomplete);
    }

    #[test]
    fn errors_have_the_names_of_wasi() {
        let shown = |code| {
            let Failure { name, value, .. } = refused(&code);
            (name, value)
        };
        assert_eq!(shown(ErrorCode::InternalError(Some("no\n".into()))), ("InternalError".into(), "no\n".into()));
        assert_eq!(shown(ErrorCode::LoopDetected).0, "LoopDetected");
        let (name, value) = shown(ErrorCode::HttpResponseBodySize(Some(7)));
        assert_eq!((name.as_str(), value.contains("HttpResponseBodySize(Some(7))")), ("HttpResponseBodySize", true));
    }
}

//! From an event to the request that an HTTP component gets.
//!
//! A proxy event (`httpMethod` and `path`) is the request that it describes; any other value is the body of a `POST /`. Events come
//! from outside: what would be read as something else on its way (line breaks in headers, a path that holds a query, a second
//! length) is refused by name, or replaced.

use std::borrow::Cow;
use std::fmt::Write;

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use bytes::Bytes;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE, HOST};
use http::uri::Authority;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Uri};
use http_body_util::Full;
use serde::Deserialize;
use serde::de::IgnoredAny;

use super::failure;
use super::pairs::Pairs;
use crate::bindings::hks::function::types::Failure;
use crate::host::HEADER_BYTES_MAX;

/// A request with its whole body.
pub(crate) type Request = http::Request<Full<Bytes>>;

/// Whom a request is to that names nobody.
const AUTHORITY: &str = "localhost";

/// Longer than any method that is registered.
const METHOD_BYTES_MAX: usize = 32;

/// What makes an event a request.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Marks {
    http_method: Option<IgnoredAny>,
    path: Option<IgnoredAny>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ProxyEvent<'a> {
    #[serde(borrow)]
    http_method: Cow<'a, str>,
    #[serde(borrow)]
    path: Cow<'a, str>,
    headers: Option<Pairs>,
    multi_value_headers: Option<Pairs>,
    query_string_parameters: Option<Pairs>,
    multi_value_query_string_parameters: Option<Pairs>,
    body: Option<String>,
    is_base64_encoded: Option<bool>,
}

/// The request that an event stands for. A failure says what is wrong with it.
pub(crate) fn from_event(event: &str) -> Result<Request, Failure> {
    let request = if is_proxy_event(event).map_err(|error| error.to_string()).map_err(invalid)? {
        let event = serde_json::from_str(event).map_err(|error| invalid(error.to_string()))?;
        from_proxy_event(event)
    } else {
        from_value(event)
    };
    request.map_err(invalid)
}

fn invalid(reason: String) -> Failure {
    failure("InvalidRequestError", format!("the event is not a request that can be sent: {reason}"))
}

/// Only its outermost names are looked at.
fn is_proxy_event(event: &str) -> serde_json::Result<bool> {
    if !event.trim_start().starts_with('{') {
        return Ok(false);
    }
    let marks: Marks = serde_json::from_str(event)?;
    Ok(marks.http_method.is_some() && marks.path.is_some())
}

fn from_value(event: &str) -> Result<Request, String> {
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    build(Method::POST, AUTHORITY, "/", headers, Some(Bytes::copy_from_slice(event.as_bytes())))
}

fn from_proxy_event(event: ProxyEvent<'_>) -> Result<Request, String> {
    let method = method(&event.http_method)?;
    let headers = headers(event.multi_value_headers.or(event.headers).unwrap_or_default())?;
    let query = event.multi_value_query_string_parameters.or(event.query_string_parameters).unwrap_or_default();
    let target = target(&event.path, &query)?;
    let body = match event.body {
        Some(body) if event.is_base64_encoded == Some(true) => {
            let decoded = BASE64.decode(body.as_bytes());
            Some(Bytes::from(decoded.map_err(|error| format!("its body is not base64: {error}"))?))
        }
        body => body.map(Bytes::from),
    };
    let authority = headers.get(HOST).and_then(authority).unwrap_or_else(|| AUTHORITY.into());
    build(method, &authority, &target, headers, body)
}

fn build(
    method: Method,
    authority: &str,
    target: &str,
    mut headers: HeaderMap,
    body: Option<Bytes>,
) -> Result<Request, String> {
    let uri = Uri::builder().scheme("http").authority(authority).path_and_query(target).build();
    let uri = uri.map_err(|error| format!("its path and query: {error}"))?;
    // The body is here, and has one length.
    headers.remove(CONTENT_LENGTH);
    if let Some(body) = &body {
        headers.insert(CONTENT_LENGTH, body.len().into());
    }
    let mut request = http::Request::new(Full::new(body.unwrap_or_default()));
    *request.method_mut() = method;
    *request.uri_mut() = uri;
    *request.headers_mut() = headers;
    Ok(request)
}

fn method(name: &str) -> Result<Method, String> {
    match Method::from_bytes(name.as_bytes()) {
        Ok(method) if name.len() <= METHOD_BYTES_MAX => Ok(method),
        _ => Err(format!("httpMethod {} is not a method", shown(name))),
    }
}

fn headers(pairs: Pairs) -> Result<HeaderMap, String> {
    let mut headers = HeaderMap::new();
    let mut bytes = 0;
    for (name, value) in pairs.iter() {
        bytes += name.len() + value.len();
        if bytes > HEADER_BYTES_MAX {
            return Err(format!("its headers have more than {} KiB", HEADER_BYTES_MAX >> 10));
        }
        let key = HeaderName::from_bytes(name.as_bytes())
            .map_err(|_| format!("{} is not the name of a header", shown(name)))?;
        // The value may be a secret.
        let value = HeaderValue::from_bytes(value.as_bytes())
            .map_err(|_| format!("the header {key} holds a line break or another control character"))?;
        headers.append(key, value);
    }
    Ok(headers)
}

/// Who a `host` header says that the request is to, if it is that and nothing else.
fn authority(host: &HeaderValue) -> Option<String> {
    let host = host.to_str().ok()?;
    let authority: Authority = host.parse().ok()?;
    (!authority.host().is_empty() && !host.contains('@')).then(|| host.to_owned())
}

/// Path and query as they stand in a request. The path is given so; what may not stand in it is encoded.
fn target(path: &str, query: &Pairs) -> Result<String, String> {
    if !path.starts_with('/') {
        return Err(format!("its path {} does not begin with /", shown(path)));
    }
    if path.contains(['?', '#']) {
        return Err("its path holds a ? or #; give the query as queryStringParameters, or encode it".into());
    }
    if path.chars().any(char::is_control) {
        return Err("its path holds a line break or another control character".into());
    }
    let mut target = String::with_capacity(path.len());
    encode(&mut target, path, |byte| byte.is_ascii_graphic() && !b"\"<>\\^`{|}".contains(&byte));
    for (at, (name, value)) in query.iter().enumerate() {
        let is_unreserved = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
        target.push(if at == 0 { '?' } else { '&' });
        encode(&mut target, name, is_unreserved);
        target.push('=');
        encode(&mut target, value, is_unreserved);
    }
    Ok(target)
}

/// Appends `text`; all bytes but those that `stays` become `%` and two digits.
fn encode(to: &mut String, text: &str, stays: impl Fn(u8) -> bool) {
    for byte in text.bytes() {
        if stays(byte) {
            to.push(char::from(byte));
        } else {
            write!(to, "%{byte:02X}").expect("a String takes everything");
        }
    }
}

/// The beginning of a text that somebody sent, without anything that could act on a terminal.
fn shown(text: &str) -> String {
    const CHARS_MAX: usize = 60;
    let clipped: String = text.chars().take(CHARS_MAX).collect();
    format!("{clipped:?}{}", if clipped.len() < text.len() { "…" } else { "" })
}

#[cfg(test)]
mod tests {
    use super::*;
    use http_body_util::BodyExt;
    use serde_json::json;

    fn parsed(event: serde_json::Value) -> Request {
        from_event(&event.to_string()).unwrap_or_else(|failure| panic!("{}", failure.value))
    }

    fn refused(event: serde_json::Value) -> String {
        let failure = from_event(&event.to_string()).unwrap_err();
        assert_eq!(failure.name, "InvalidRequestError");
        failure.value
    }

    fn body(request: Request) -> Vec<u8> {
        let collected = futures_lite_block_on(request.into_body().collect());
        collected.unwrap().to_bytes().to_vec()
    }

    fn futures_lite_block_on<T>(work: impl Future<Output = T>) -> T {
        tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(work)
    }

    #[test]
    fn a_proxy_event_is_the_request_that_it_describes() {
        let request = parsed(json!({
            "httpMethod": "PUT", "path": "/a b/ä%2F", "headers": {"Host": "example.com:8080", "X-A": "1", "Content-Length": "99"},
            "queryStringParameters": {"q": "x&y=ü", "r": ["1", "2"]}, "pathParameters": null,
            "body": "aGk=", "isBase64Encoded": true, "requestContext": {"deep": [1]}, "stage": 1,
        }));
        assert_eq!(request.method(), Method::PUT);
        assert_eq!(request.uri(), "http://example.com:8080/a%20b/%C3%A4%2F?q=x%26y%3D%C3%BC&r=1&r=2");
        assert_eq!(request.headers()["x-a"], "1");
        assert_eq!(request.headers().get_all(CONTENT_LENGTH).iter().collect::<Vec<_>>(), ["2"]);
        assert_eq!(body(request), b"hi");
    }

    #[test]
    fn lists_of_values_take_the_place_of_single_ones() {
        let request = parsed(json!({
            "httpMethod": "GET", "path": "/",
            "headers": {"accept": "b"}, "multiValueHeaders": {"accept": ["a", "b"]},
            "queryStringParameters": {"x": "2"}, "multiValueQueryStringParameters": {"x": ["1", "2"]},
        }));
        assert_eq!(request.headers().get_all("accept").iter().collect::<Vec<_>>(), ["a", "b"]);
        assert_eq!(request.uri().query(), Some("x=1&x=2"));
        assert!(!request.headers().contains_key(CONTENT_LENGTH), "a request without a body has no length");
    }

    #[test]
    fn any_other_event_is_the_body_of_a_post() {
        for event in ["null", "42", r#"[{"httpMethod":"GET","path":"/"}]"#, r#"{"path":"/"}"#, " {\"httpMethod\":null}"]
        {
            let request = from_event(event).unwrap();
            assert_eq!((request.method(), request.uri().path()), (&Method::POST, "/"));
            assert_eq!(request.headers()[CONTENT_TYPE], "application/json");
            assert_eq!(body(request), event.as_bytes());
        }
    }

    #[test]
    fn a_host_that_is_none_is_not_believed() {
        for host in ["", "a b", "user@example.com", "a/b", "exa\u{e4}mple"] {
            let event = json!({"httpMethod": "GET", "path": "/", "headers": {"host": host}});
            assert_eq!(parsed(event).uri().authority().unwrap(), AUTHORITY, "{host:?}");
        }
    }

    #[test]
    fn what_could_be_read_as_another_request_is_refused() {
        let event = |change: serde_json::Value| {
            let mut event = json!({"httpMethod": "GET", "path": "/"});
            event.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
            event
        };
        let cases = [
            (json!({"httpMethod": "GET / HTTP/1.1\r\nx:"}), "is not a method"),
            (json!({"httpMethod": "G".repeat(33)}), "is not a method"),
            (json!({"httpMethod": 1}), "integer `1`"),
            (json!({"path": "a"}), "does not begin with /"),
            (json!({"path": "http://evil/"}), "does not begin with /"),
            (json!({"path": "/?a=1"}), "queryStringParameters"),
            (json!({"path": "/\r\nx: y"}), "control character"),
            (json!({"path": format!("/{}", "a".repeat(70_000))}), "too long"),
            (json!({"headers": {"x": "a\r\ny: b"}}), "header x holds a line break"),
            (json!({"headers": {"x": "a\u{0}"}}), "control character"),
            (json!({"headers": {"x\r\ny": "a"}}), "not the name of a header"),
            (json!({"headers": {"": "a"}}), "not the name of a header"),
            (json!({"headers": {"x": 1}}), "expected a text"),
            (json!({"headers": {"x": "a".repeat(70_000)}}), "64 KiB"),
            (json!({"headers": {"x": vec!["a"; 300]}}), "more than 256"),
            (json!({"headers": []}), "expected names"),
            (json!({"body": {}}), "expected a string"),
            (json!({"body": "a", "isBase64Encoded": true}), "not base64"),
        ];
        for (change, reason) in cases {
            let said = refused(event(change.clone()));
            assert!(said.contains(reason), "{change}: {said}");
        }
        let twice = from_event(r#"{"httpMethod":"GET","path":"/","path":"/b"}"#).unwrap_err().value;
        assert!(twice.contains("duplicate field `path`"), "{twice}");
    }

    proptest::proptest! {
        #[test]
        fn no_event_panics_or_breaks_a_line(
            method in "\\PC{0,8}",
            path in "/.{0,20}",
            name in ".{0,10}",
            value in ".{0,20}",
            query in ".{0,20}",
        ) {
            let event = json!({
                "httpMethod": method, "path": path, "headers": {name: value}, "queryStringParameters": {query.clone(): query},
            });
            if let Ok(request) = from_event(&event.to_string()) {
                let mut texts = vec![request.method().to_string(), request.uri().to_string()];
                texts.extend(request.headers().values().map(|value| String::from_utf8_lossy(value.as_bytes()).into()));
                proptest::prop_assert!(texts.iter().all(|text| !text.contains(['\r', '\n', '\0'])), "{texts:?}");
            }
        }
    }
}

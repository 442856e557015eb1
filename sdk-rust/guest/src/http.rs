//! The event and the value of a function that is called by HTTP.
//!
//! ```
//! use hks_sdk::http::{Error, Request, Response};
//!
//! #[hks_sdk::handler]
//! fn handler(request: Request) -> Result<Response, Error> {
//!     match request.method.as_str() {
//!         "GET" => Ok(Response::text(format!("Hello, {}!", request.query("name").unwrap_or("World")))),
//!         "POST" => Response::json(&request.json::<Vec<i64>>()?.iter().sum::<i64>()),
//!         _ => Ok(Response::text("GET or POST").with_status(405)),
//!     }
//! }
//! ```

use std::collections::BTreeMap;
use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

/// A request. What is absent is empty.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[non_exhaustive]
pub struct Request {
    /// As in `GET`.
    #[serde(rename = "httpMethod", deserialize_with = "or_default")]
    pub method: String,
    /// Below the function's own address; begins with `/`.
    #[serde(deserialize_with = "or_default")]
    pub path: String,
    /// See also [`header`](Self::header).
    #[serde(deserialize_with = "or_default")]
    pub headers: BTreeMap<String, String>,
    /// Parameters behind the `?`.
    #[serde(rename = "queryStringParameters", deserialize_with = "or_default")]
    pub query: BTreeMap<String, String>,
    /// What stood for the `{names}` of the route.
    #[serde(rename = "pathParameters", deserialize_with = "or_default")]
    pub path_parameters: BTreeMap<String, String>,
    /// The body as it was sent, or in base64 if it is no text. See [`bytes`](Self::bytes) and [`json`](Self::json).
    #[serde(deserialize_with = "or_default")]
    pub body: String,
    /// Whether `body` is in base64.
    #[serde(deserialize_with = "or_default")]
    pub is_base64_encoded: bool,
    /// What else is known about it.
    pub request_context: Value,
}

/// `null` is what an absent field is.
fn or_default<'de, D: Deserializer<'de>, T: Deserialize<'de> + Default>(reader: D) -> Result<T, D::Error> {
    Option::deserialize(reader).map(Option::unwrap_or_default)
}

impl Request {
    /// A header by its name, in any case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(given, _)| given.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// A parameter behind the `?`.
    #[must_use]
    pub fn query(&self, name: &str) -> Option<&str> {
        self.query.get(name).map(String::as_str)
    }

    /// What stood for `{name}` in the route.
    #[must_use]
    pub fn path_parameter(&self, name: &str) -> Option<&str> {
        self.path_parameters.get(name).map(String::as_str)
    }

    /// The bytes of the body.
    ///
    /// # Errors
    /// A body that says it is base64 and is not.
    pub fn bytes(&self) -> Result<Vec<u8>, Error> {
        if !self.is_base64_encoded {
            return Ok(self.body.clone().into_bytes());
        }
        STANDARD.decode(&self.body).map_err(|error| Error(format!("the body is not base64: {error}")))
    }

    /// The body as data.
    ///
    /// # Errors
    /// What does not fit, and where.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, Error> {
        let bytes = self.bytes()?;
        let mut reader = serde_json::Deserializer::from_slice(&bytes);
        let body = serde_path_to_error::deserialize(&mut reader).map_err(|error| {
            let path = error.path().to_string();
            let at = if path == "." { String::new() } else { format!(" at {path}") };
            Error(format!("the body does not fit{at}: {}", error.into_inner()))
        })?;
        reader.end().map_err(|error| Error(format!("the body does not fit: {error}")))?;
        Ok(body)
    }
}

/// A response: the value of a handler.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Response {
    /// As in 200.
    pub status_code: u16,
    /// Names and values.
    pub headers: BTreeMap<String, String>,
    /// Text, or base64.
    pub body: String,
    /// Whether `body` is in base64.
    pub is_base64_encoded: bool,
}

impl Response {
    /// 200, without a body.
    #[must_use]
    pub fn new() -> Self {
        Self { status_code: 200, headers: BTreeMap::new(), body: String::new(), is_base64_encoded: false }
    }

    /// Plain text.
    #[must_use]
    pub fn text(text: impl Into<String>) -> Self {
        Self::typed("text/plain; charset=utf-8", text.into())
    }

    /// A page.
    #[must_use]
    pub fn html(html: impl Into<String>) -> Self {
        Self::typed("text/html; charset=utf-8", html.into())
    }

    /// Data.
    ///
    /// # Errors
    /// What is no JSON, such as a map whose keys are no texts.
    pub fn json(data: &impl Serialize) -> Result<Self, Error> {
        let text = serde_json::to_string(data).map_err(|error| Error(format!("the response is no JSON: {error}")))?;
        Ok(Self::typed("application/json", text))
    }

    /// Bytes of any type, as in `image/png`.
    #[must_use]
    pub fn bytes(content_type: impl Into<String>, bytes: &[u8]) -> Self {
        Self { is_base64_encoded: true, ..Self::typed(content_type, STANDARD.encode(bytes)) }
    }

    /// To another address, with 302.
    #[must_use]
    pub fn redirect(location: impl Into<String>) -> Self {
        Self::new().with_status(302).with_header("location", location)
    }

    /// The same with another status.
    #[must_use]
    pub fn with_status(mut self, status_code: u16) -> Self {
        self.status_code = status_code;
        self
    }

    /// The same with a header more.
    #[must_use]
    pub fn with_header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.insert(name.into(), value.into());
        self
    }

    fn typed(content_type: impl Into<String>, body: String) -> Self {
        Self { body, ..Self::new() }.with_header("content-type", content_type)
    }
}

impl Default for Response {
    fn default() -> Self {
        Self::new()
    }
}

/// A body that is not what it should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Error(String);

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Error {}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(text: &str) -> Request {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn the_proxy_event_is_a_request() {
        let request = request(
            r#"{"httpMethod": "POST", "path": "/a/7", "headers": {"content-type": "x"}, "queryStringParameters": {"q": "1"},
                "pathParameters": {"id": "7"}, "body": "[1]", "isBase64Encoded": false, "requestContext": {"ip": "::1"}}"#,
        );
        assert_eq!((request.method.as_str(), request.path.as_str()), ("POST", "/a/7"));
        assert_eq!(request.header("Content-Type"), Some("x"));
        assert_eq!((request.query("q"), request.path_parameter("id")), (Some("1"), Some("7")));
        assert_eq!(request.json::<Vec<u8>>().unwrap(), [1]);
        assert_eq!(request.request_context["ip"], "::1");
    }

    #[test]
    fn what_is_absent_or_null_is_empty() {
        let request = request(r#"{"httpMethod": "GET", "body": null, "queryStringParameters": null, "headers": null}"#);
        assert_eq!((request.body.as_str(), request.query("q"), request.header("a")), ("", None, None));
    }

    #[test]
    fn bodies_say_what_is_wrong_with_them() {
        let binary = request(r#"{"body": "AQID", "isBase64Encoded": true}"#);
        assert_eq!(binary.bytes().unwrap(), [1, 2, 3]);
        let text = |body: &str, base64| {
            let request = Request { body: body.into(), is_base64_encoded: base64, ..Request::default() };
            request.json::<BTreeMap<String, u8>>().unwrap_err().to_string()
        };
        assert!(text("?", true).starts_with("the body is not base64"));
        assert!(text(r#"{"a": "b"}"#, false).starts_with("the body does not fit at a: invalid type: string"));
        assert!(text("{} {}", false).contains("trailing characters"));
    }

    #[test]
    fn responses_are_the_proxy_result() {
        let json = serde_json::to_string(&Response::json(&[1]).unwrap().with_status(201)).unwrap();
        let expected =
            r#"{"statusCode":201,"headers":{"content-type":"application/json"},"body":"[1]","isBase64Encoded":false}"#;
        assert_eq!(json, expected);
        let image = Response::bytes("image/png", &[1, 2, 3]);
        assert_eq!((image.body.as_str(), image.is_base64_encoded), ("AQID", true));
    }
}

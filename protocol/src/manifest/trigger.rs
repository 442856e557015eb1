//! How a function is called from outside, apart from its schedules.

use serde::{Deserialize, Serialize};

use super::bounded::{List, Whole};
use super::route::Route;
use super::text::text;

/// Answers HTTP requests at the function's own address.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct HttpTrigger {
    /// The kind of trigger.
    #[serde(rename = "type")]
    pub kind: TriggerKind,
    /// Which paths below the function's address it answers, such as `/orders/{id}` or `/files/{path+}`; all of them when
    /// absent. Parameters arrive in `pathParameters`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<Route>,
    /// Which methods it answers; all of them when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub methods: Option<List<Method, 1, 7>>,
    /// Who may call it. With `token`, the default, a request needs a token of the project.
    #[serde(default)]
    pub auth: Access,
    /// Which web pages of other origins may call it; none when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cors: Option<Cors>,
}

/// The kinds of triggers that there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum TriggerKind {
    /// HTTP requests.
    Http,
}

/// Who may call a function over HTTP.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Access {
    /// Anybody. The function checks its callers itself, or does not mind them.
    Public,
    /// Whoever has a token or an API key of the project.
    #[default]
    Token,
}

/// A method of HTTP (RFC 9110; PATCH is of RFC 5789).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "UPPERCASE")]
#[expect(missing_docs, reason = "the names are the standard's")]
pub enum Method {
    Get,
    Head,
    Post,
    Put,
    Patch,
    Delete,
    Options,
}

/// Which web pages of other origins may call a function, by the CORS protocol of <https://fetch.spec.whatwg.org>. The
/// methods are those of the trigger.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Cors {
    /// Origins that may call, such as `https://app.example.com`, or `*` for all.
    pub origins: List<Origin, 1, { Cors::LENGTH_MAX }>,
    /// Request headers that they may send, beyond those that are always allowed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub headers: Option<List<HeaderName, 0, { Cors::LENGTH_MAX }>>,
    /// Response headers that they may read, beyond those that are always allowed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expose_headers: Option<List<HeaderName, 0, { Cors::LENGTH_MAX }>>,
    /// Whether cookies and authorization may be sent along. Not together with the origin `*`.
    #[serde(default)]
    pub credentials: bool,
    /// How long a browser may remember the answer, in seconds; 0 asks each time, and 5 is the default of the standard.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_age_s: Option<Whole<0, { Cors::AGE_S_MAX }>>,
}

impl Cors {
    /// Each list is sent, or searched, in a request; a page that needs more wants `*`.
    pub const LENGTH_MAX: usize = 32;
    /// A day, the longest that any browser keeps it.
    pub const AGE_S_MAX: u64 = 86_400;
}

text! {
    /// An origin as a browser sends it: scheme, host, and the port where it is not the scheme's own.
    Origin { field: "origins", bytes_max: 300, check: check_origin }
}

text! {
    /// The name of an HTTP header: a token of RFC 9110.
    HeaderName { field: "headers", bytes_max: 64, check: check_header, pattern: "^[-A-Za-z0-9!#$%&'*+.^_`|~]+$" }
}

fn check_origin(text: &str) -> Result<(), String> {
    if text == "*" {
        return Ok(());
    }
    let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-.:[]".contains(&byte);
    if rest.is_some_and(|host| !host.is_empty() && host.bytes().all(plain)) {
        return Ok(());
    }
    Err(format!("{text:?} is not an origin: write https://host, without a path and in lower case, or *"))
}

fn check_header(text: &str) -> Result<(), String> {
    let token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    if text.bytes().all(token) {
        return Ok(());
    }
    Err(format!("{text:?} is not the name of a header"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_function_is_private_unless_it_says_otherwise() {
        let trigger: HttpTrigger = serde_json::from_str(r#"{"type": "http"}"#).unwrap();
        assert_eq!(trigger.auth, Access::Token);
        assert_eq!(trigger.cors, None);
    }

    #[test]
    fn origins_are_written_as_browsers_send_them() {
        for good in ["*", "https://app.example.com", "http://localhost:3000", "http://[::1]:8080"] {
            assert!(Origin::try_from(good.to_string()).is_ok(), "{good}");
        }
        for bad in [
            "",
            "app.example.com",
            "https://",
            "https://a/",
            "https://A.com",
            "ftp://a",
            "https://*.a.com",
            "null",
            "https://a b",
        ] {
            assert!(Origin::try_from(bad.to_string()).is_err(), "{bad}");
        }
    }
}

//! What a function may reach beyond its own computation. Nothing is reachable that is not listed.

use serde::{Deserialize, Serialize};

use super::bounded::List;
use super::text::text;

/// What a function may reach beyond its own computation; nothing that is not listed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Grants {
    /// Hosts that it may send HTTP requests to: `api.example.com`, `api.example.com:8443`, or `*.example.com` for all names
    /// below one. Without a port, 80 and 443 are meant. Names that lead to loopback, private or link-local addresses are
    /// refused when they are called.
    #[serde(default)]
    pub http: List<HostPattern, 0, { Grants::HOSTS_MAX }>,
}

impl Grants {
    /// Each request is compared with all of them.
    pub const HOSTS_MAX: usize = 64;
}

text! {
    /// A host that may be called: a full name in lower case, with `*.` in front for all names below it, and with a port
    /// where it is neither 80 nor 443. No scheme, no path, no address.
    HostPattern {
        field: "http",
        bytes_max: 261,
        check: check_pattern,
        pattern: "^(\\*\\.)?([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\\.)+[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(:[1-9][0-9]{0,4})?$"
    }
}

impl HostPattern {
    /// Whether a request to `host`, a name without a dot at its end, and `port` is granted.
    #[must_use]
    pub fn allows(&self, host: &str, port: u16) -> bool {
        let (pattern, granted) = split(self.as_str());
        granted.map_or(port == 80 || port == 443, |text| text == port.to_string()) && matches(pattern, host)
    }
}

/// A wildcard stands for at least one label, so that `*.example.com` does not grant `example.com` itself.
fn matches(pattern: &str, host: &str) -> bool {
    let Some(parent) = pattern.strip_prefix('*') else { return pattern.eq_ignore_ascii_case(host) };
    host.len() > parent.len()
        && host.get(host.len() - parent.len()..).is_some_and(|end| end.eq_ignore_ascii_case(parent))
}

fn split(text: &str) -> (&str, Option<&str>) {
    text.split_once(':').map_or((text, None), |(host, port)| (host, Some(port)))
}

fn check_pattern(text: &str) -> Result<(), String> {
    if text.contains("://") {
        return Err(format!("{text:?} has a scheme: write the host alone, such as api.example.com"));
    }
    if text.contains(['/', '?', '#', '@']) {
        return Err(format!("{text:?} is more than a host: write it alone, such as api.example.com"));
    }
    if text == "*" {
        return Err("* would grant every host: list those that the function needs".into());
    }
    if text.matches(':').count() > 1 || text.starts_with('[') {
        return Err(format!("{text:?} is an address: grants name hosts, such as api.example.com"));
    }
    let (host, port) = split(text);
    port.map_or(Ok(()), check_port)?;
    check_host(host)
}

fn check_port(text: &str) -> Result<(), String> {
    match text.parse::<u16>() {
        Ok(port) if port > 0 && port.to_string() == text => Ok(()),
        _ => Err(format!("{text:?} is not a port between 1 and 65535")),
    }
}

fn check_host(host: &str) -> Result<(), String> {
    let name = host.strip_prefix("*.").unwrap_or(host);
    if name.len() > 253 {
        return Err("more than the 253 letters of a host's name".into());
    }
    if name.contains('*') {
        return Err(format!("{host:?} has a * that is not the whole first part: write *.example.com"));
    }
    if !name.is_ascii() {
        return Err(format!("{host:?} is not ASCII: write its xn-- form"));
    }
    let labels: Vec<&str> = name.split('.').collect();
    if let Some(label) = labels.iter().find(|label| !is_label(label)) {
        return Err(format!("{host:?} is not a host: {label:?} is not lower-case letters, digits and inner dashes"));
    }
    let last = labels.last().copied().unwrap_or_default();
    if is_number(last) {
        return Err(format!("{host:?} is an address: grants name hosts, such as api.example.com"));
    }
    if labels.len() < 2 || last == "localhost" {
        return Err(format!("{host:?} is not a full name, such as api.example.com"));
    }
    Ok(())
}

fn is_label(label: &str) -> bool {
    let inner = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    (1..=63).contains(&label.len()) && label.bytes().all(inner) && !label.starts_with('-') && !label.ends_with('-')
}

/// URL parsers read a host whose last part is such a number as an IPv4 address (<https://url.spec.whatwg.org>, "ends in a
/// number"), in decimal, octal or hexadecimal.
fn is_number(label: &str) -> bool {
    let hex = label.strip_prefix("0x").is_some_and(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()));
    hex || label.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn pattern(text: &str) -> Result<HostPattern, String> {
        HostPattern::try_from(text.to_string()).map_err(|error| error.reason().to_string())
    }

    #[test]
    fn only_what_is_listed_is_granted() {
        let cases = [
            ("api.example.com", "api.example.com", 443, true),
            ("api.example.com", "API.example.COM", 80, true),
            ("api.example.com", "api.example.com", 8443, false),
            ("api.example.com:8443", "api.example.com", 8443, true),
            ("api.example.com:8443", "api.example.com", 443, false),
            ("api.example.com", "api.example.com.evil.org", 443, false),
            ("*.example.com", "api.example.com", 443, true),
            ("*.example.com", "a.b.example.com", 443, true),
            ("*.example.com", "example.com", 443, false),
            ("*.example.com", "evilexample.com", 443, false),
            ("*.example.com", "", 443, false),
            ("*.example.com", "ä.example.com", 443, true),
        ];
        for (text, host, port, expected) in cases {
            assert_eq!(pattern(text).unwrap().allows(host, port), expected, "{text} {host}:{port}");
        }
    }

    #[test]
    fn what_is_not_a_hosts_full_name_is_refused_with_what_to_write() {
        let cases = [
            ("https://api.example.com", "has a scheme"),
            ("api.example.com/v1", "more than a host"),
            ("user@example.com", "more than a host"),
            ("*", "every host"),
            ("a.*.com", "not the whole first part"),
            ("*a.example.com", "not the whole first part"),
            ("*.com", "not a full name"),
            ("localhost", "not a full name"),
            ("a.localhost", "not a full name"),
            ("127.0.0.1", "an address"),
            ("127.0.0.1:80", "an address"),
            ("1.0x7f", "an address"),
            ("a.0x", "an address"),
            ("[::1]", "an address"),
            ("::1", "an address"),
            ("API.example.com", "lower-case"),
            ("api..com", "lower-case"),
            ("api.example.com.", "lower-case"),
            ("-a.example.com", "lower-case"),
            ("bücher.example", "xn--"),
            ("api.example.com:", "not a port"),
            ("api.example.com:0", "not a port"),
            ("api.example.com:080", "not a port"),
            ("api.example.com:65536", "not a port"),
        ];
        for (text, reason) in cases {
            let error = pattern(text).unwrap_err();
            assert!(error.contains(reason), "{text}: {error}");
        }
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "[*.:a-z0-9äA-Z\\[\\]/-]{0,40}", host in ".{0,20}", port in any::<u16>()) {
            if let Ok(pattern) = pattern(&text) {
                let _ = pattern.allows(&host, port);
            }
        }
    }
}

//! Rich results: what a person should see of an execution, besides its value.

use std::collections::BTreeMap;
use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;
use serde_json::Value;

/// One result in one or more formats. Whoever shows it takes the best that it can show.
///
/// ```
/// # fn main() -> Result<(), hks_sdk::DisplayError> {
/// hks_sdk::display(hks_sdk::Rich::new().markdown("**42** orders").text("42 orders"))?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Rich(BTreeMap<&'static str, Value>);

impl Rich {
    /// In no format yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Plain text.
    #[must_use]
    pub fn text(self, text: impl Into<String>) -> Self {
        self.with("text", text.into())
    }

    /// A fragment of HTML. It is shown apart from the page that it stands in.
    #[must_use]
    pub fn html(self, html: impl Into<String>) -> Self {
        self.with("html", html.into())
    }

    /// Markdown.
    #[must_use]
    pub fn markdown(self, markdown: impl Into<String>) -> Self {
        self.with("markdown", markdown.into())
    }

    /// An image as SVG.
    #[must_use]
    pub fn svg(self, svg: impl Into<String>) -> Self {
        self.with("svg", svg.into())
    }

    /// A formula.
    #[must_use]
    pub fn latex(self, latex: impl Into<String>) -> Self {
        self.with("latex", latex.into())
    }

    /// A script for who shows it.
    #[must_use]
    pub fn javascript(self, script: impl Into<String>) -> Self {
        self.with("javascript", script.into())
    }

    /// The bytes of a PNG file.
    #[must_use]
    pub fn png(self, bytes: &[u8]) -> Self {
        self.with("png", STANDARD.encode(bytes))
    }

    /// The bytes of a JPEG file.
    #[must_use]
    pub fn jpeg(self, bytes: &[u8]) -> Self {
        self.with("jpeg", STANDARD.encode(bytes))
    }

    /// The bytes of a PDF file.
    #[must_use]
    pub fn pdf(self, bytes: &[u8]) -> Self {
        self.with("pdf", STANDARD.encode(bytes))
    }

    /// Data.
    ///
    /// # Errors
    /// What is no JSON, such as a map whose keys are no texts.
    pub fn json(self, data: &impl Serialize) -> Result<Self, DisplayError> {
        let data = serde_json::to_value(data).map_err(|error| DisplayError(error.to_string()))?;
        Ok(self.with("json", data))
    }

    fn with(mut self, format: &'static str, content: impl Into<Value>) -> Self {
        self.0.insert(format, content.into());
        self
    }
}

/// A text is plain text.
impl<T: Into<String>> From<T> for Rich {
    fn from(text: T) -> Self {
        Self::new().text(text)
    }
}

/// Why something is not shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DisplayError(String);

impl fmt::Display for DisplayError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a result cannot be shown: {}", self.0)
    }
}

impl std::error::Error for DisplayError {}

/// Adds a result to the report of the execution. On a developer's own machine it is printed.
///
/// # Errors
/// What the host does not take: no format, or more than the output limit.
pub fn display(rich: impl Into<Rich>) -> Result<(), DisplayError> {
    publish(&Value::from_iter(rich.into().0).to_string()).map_err(DisplayError)
}

#[cfg(target_arch = "wasm32")]
fn publish(formats: &str) -> Result<(), String> {
    crate::bindings::hks::function::output::publish(formats)
}

#[cfg(not(target_arch = "wasm32"))]
fn publish(formats: &str) -> Result<(), String> {
    println!("{formats}");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_have_the_names_of_the_contract() {
        let rich = Rich::new().html("<b>").png(&[1, 2, 3]).json(&[1]).unwrap();
        assert_eq!(Value::from_iter(rich.0).to_string(), r#"{"html":"<b>","json":[1],"png":"AQID"}"#);
        assert_eq!(Rich::from("hi"), Rich::new().text("hi"));
    }
}

use super::text::{check_visible, text};

text! {
    /// Where a function begins: `file` or `file:function`, such as `src/app.py:handler`. The file is relative to the
    /// folder of `function.yaml`, with `/` between its parts.
    Handler { field: "handler", bytes_max: 512, check: check_handler }
}

impl Handler {
    /// The file, relative to the manifest's folder.
    pub fn file(&self) -> &str {
        split(self.as_str()).0
    }

    /// The function in it, if it is named.
    pub fn function(&self) -> Option<&str> {
        split(self.as_str()).1
    }
}

fn split(text: &str) -> (&str, Option<&str>) {
    text.rsplit_once(':').map_or((text, None), |(file, function)| (file, Some(function)))
}

fn check_handler(text: &str) -> Result<(), String> {
    check_visible(text)?;
    let (file, function) = split(text);
    check_file(file)?;
    function.map_or(Ok(()), check_function)
}

/// Nothing that could lead out of the function's own folder.
fn check_file(file: &str) -> Result<(), String> {
    let part_is_plain = |part: &str| !part.is_empty() && part != "." && part != "..";
    if !file.contains(['\\', ':']) && file.split('/').all(part_is_plain) {
        return Ok(());
    }
    Err(format!("{file:?} is not a file below this folder, such as main.py or src/app.js"))
}

fn check_function(name: &str) -> Result<(), String> {
    let starts_well = name.starts_with(|first: char| first.is_alphabetic() || first == '_' || first == '$');
    if starts_well && name.chars().all(|c| c.is_alphanumeric() || c == '_' || c == '$') {
        return Ok(());
    }
    Err(format!("{name:?} is not the name of a function"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_and_its_function_are_told_apart() {
        let parts = |text: &str| {
            let handler = Handler::try_from(text.to_string()).unwrap();
            (handler.file().to_string(), handler.function().map(str::to_string))
        };
        assert_eq!(parts("main.py"), ("main.py".into(), None));
        assert_eq!(parts("src/app.js:onEvent"), ("src/app.js".into(), Some("onEvent".into())));
    }

    #[test]
    fn nothing_leads_out_of_the_folder() {
        for text in [
            "",
            "/etc/passwd",
            "../a.py",
            "a/../b.py",
            "./a.py",
            "a//b.py",
            "C:\\a.py",
            "a\\b.py",
            "a.py:",
            "a.py:1x",
            ":f",
            "a:b:c",
        ] {
            assert!(Handler::try_from(text.to_string()).is_err(), "{text}");
        }
    }
}

use super::text::text;

text! {
    /// Which paths below the function's address it answers: `/orders/{id}` takes one part of the path as a parameter,
    /// `/files/{path+}` takes all that is left. Parameters arrive in `pathParameters`.
    Route { field: "path", bytes_max: 512, check: check_route, pattern: "^/" }
}

/// Paths that people write have a handful of parts; a router's work grows with them.
const PARTS_MAX: usize = 32;

impl Route {
    /// The parts between the slashes.
    pub fn parts(&self) -> impl Iterator<Item = RoutePart<'_>> {
        self.as_str().split('/').skip(1).filter(|part| !part.is_empty()).map(part)
    }
}

/// One part of a [`Route`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RoutePart<'a> {
    /// Only this text.
    Text(&'a str),
    /// Any one part; it is handed over by this name.
    One(&'a str),
    /// All parts that are left, at least one; always the last.
    Rest(&'a str),
}

fn part(text: &str) -> RoutePart<'_> {
    match text.strip_prefix('{').and_then(|inner| inner.strip_suffix('}')) {
        None => RoutePart::Text(text),
        Some(inner) => inner.strip_suffix('+').map_or(RoutePart::One(inner), RoutePart::Rest),
    }
}

fn check_route(text: &str) -> Result<(), String> {
    let Some(rest) = text.strip_prefix('/') else { return Err("must start with /".into()) };
    if rest.is_empty() {
        return Ok(());
    }
    let parts: Vec<&str> = rest.split('/').collect();
    if parts.len() > PARTS_MAX {
        return Err(format!("more than {PARTS_MAX} parts"));
    }
    let mut names = Vec::new();
    for (index, &text) in parts.iter().enumerate() {
        match part(text) {
            RoutePart::Text(text) => check_text(text)?,
            RoutePart::Rest(name) if index + 1 < parts.len() => {
                return Err(format!("{{{name}+}} takes all that is left, so it must be the last part"));
            }
            RoutePart::One(name) | RoutePart::Rest(name) => check_parameter(name, &mut names)?,
        }
    }
    Ok(())
}

fn check_text(text: &str) -> Result<(), String> {
    // What RFC 3986 allows in a path as it is; percent signs are left out, because they would give one path two spellings.
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=:@".contains(&byte);
    match text {
        "" => Err("has an empty part: // or a / at the end".into()),
        "." | ".." => Err(format!("{text} cannot be a part of a path")),
        _ if text.bytes().all(plain) => Ok(()),
        _ => {
            Err(format!("{text:?} is not a part of a path: write letters, digits, -._~ or a parameter such as {{id}}"))
        }
    }
}

fn check_parameter<'a>(name: &'a str, names: &mut Vec<&'a str>) -> Result<(), String> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
    if name.is_empty() || !name.bytes().all(plain) {
        return Err(format!("{{{name}}} is not a parameter: its name needs letters, digits, - or _"));
    }
    if names.contains(&name) {
        return Err(format!("{{{name}}} is there twice"));
    }
    names.push(name);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_texts_and_parameters() {
        let parts = |text: &str| {
            let route = Route::try_from(text.to_string()).unwrap();
            route.parts().map(|part| format!("{part:?}")).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(parts("/"), "");
        assert_eq!(parts("/orders/{id}"), r#"Text("orders") One("id")"#);
        assert_eq!(parts("/{bucket}/{path+}"), r#"One("bucket") Rest("path")"#);
    }

    #[test]
    fn ambiguous_paths_are_refused() {
        let long = "/a".repeat(33);
        for text in [
            "", "a", "//", "/a/", "/a//b", "/../b", "/.", "/{}", "/{a", "/{a}b", "/{a b}", "/{a}/{a}", "/{a+}/b",
            "/%61", "/a?b", "/a#b", "/ä", &long,
        ] {
            assert!(Route::try_from(text.to_string()).is_err(), "{text}");
        }
    }
}

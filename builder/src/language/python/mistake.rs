//! A module of the function's own that does not compile, told as compilers do: file, line, what is wrong, the line itself.

use hks_protocol::Failure;

/// What the interpreter calls the text that it compiles.
const FILE: &str = "File \"<function>\", line ";

/// The message for a text that does not compile. `file` is the user's.
pub(crate) fn mistake(file: &str, failure: &Failure) -> String {
    let Failure { name, value, traceback } = failure;
    let (number, shown) = placed(traceback).unwrap_or_default();
    // The message ends with where it was: " (<function>, line 3)".
    let value = value.split(" (<function>, line ").next().unwrap_or_default();
    let line = number.map(|number| format!("{number}:")).unwrap_or_default();
    let shown: String = shown.iter().map(|line| format!("\n{line}")).collect();
    format!("{file}:{line} {name}: {value}{shown}")
}

/// The number of the line, and the line with the mark below it.
fn placed(traceback: &str) -> Option<(Option<u64>, Vec<&str>)> {
    let (_, rest) = traceback.split_once(FILE)?;
    let mut lines = rest.lines();
    let number = lines.next()?.trim().parse().ok();
    Some((number, lines.take_while(|line| line.starts_with("    ")).collect()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(value: &str, traceback: &str) -> String {
        mistake("src/app.py", &Failure { name: "SyntaxError".into(), value: value.into(), traceback: traceback.into() })
    }

    #[test]
    fn the_line_is_shown_with_its_number() {
        let traceback = "  File \"<function>\", line 3\n    x = (1,\n        ^\nSyntaxError: '(' was never closed\n";
        assert_eq!(
            told("'(' was never closed (<function>, line 3)", traceback),
            "src/app.py:3: SyntaxError: '(' was never closed\n    x = (1,\n        ^"
        );
    }

    #[test]
    fn a_mistake_without_a_place_names_the_file() {
        let value = "source code string cannot contain null bytes";
        assert_eq!(told(value, &format!("SyntaxError: {value}\n")), format!("src/app.py: SyntaxError: {value}"));
    }
}

//! The command line: four options, all of them required.

use std::{ffi::OsString, path::PathBuf};

use anyhow::{Context as _, Result, bail};

const USAGE: &str = "usage: hks-guest-pack --module MODULE.wasm --wit DIRECTORY --world NAME --output COMPONENT.wasm";

/// What to pack, and for which world.
#[derive(Debug)]
pub(crate) struct Arguments {
    /// A core module that exports its initialisation.
    pub(crate) module: PathBuf,
    /// The directory of the WIT package.
    pub(crate) wit: PathBuf,
    /// The world of that package which the module implements.
    pub(crate) world: String,
    /// Where the component goes; replaced if it exists.
    pub(crate) output: PathBuf,
}

impl Arguments {
    /// Reads `--name value` pairs.
    pub(crate) fn parse(words: impl IntoIterator<Item = OsString>) -> Result<Self> {
        let (mut module, mut wit, mut world, mut output) = (None, None, None, None);
        let mut words = words.into_iter();
        while let Some(name) = words.next() {
            let slot = match name.to_str() {
                Some("--module") => &mut module,
                Some("--wit") => &mut wit,
                Some("--world") => &mut world,
                Some("--output") => &mut output,
                _ => bail!("unknown argument {name:?}; {USAGE}"),
            };
            let value = words.next().with_context(|| format!("{name:?} needs a value; {USAGE}"))?;
            if slot.replace(value).is_some() {
                bail!("{name:?} is given twice; {USAGE}");
            }
        }
        Ok(Self {
            module: required(module, "--module")?.into(),
            wit: required(wit, "--wit")?.into(),
            world: required(world, "--world")?.to_string_lossy().into_owned(),
            output: required(output, "--output")?.into(),
        })
    }
}

fn required(value: Option<OsString>, name: &str) -> Result<OsString> {
    value.with_context(|| format!("{name} is missing; {USAGE}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(words: &[&str]) -> Result<Arguments> {
        Arguments::parse(words.iter().map(OsString::from))
    }

    #[test]
    fn options_are_read_in_any_order() {
        let words = ["--output", "c", "--world", "w", "--wit", "d", "--module", "m"];
        let arguments = parse(&words).unwrap();
        assert_eq!((arguments.module, arguments.output), ("m".into(), "c".into()));
        assert_eq!((arguments.wit, arguments.world), ("d".into(), "w".to_owned()));
    }

    #[test]
    fn mistakes_are_named() {
        for (words, mistake) in [
            (&["--module", "m"][..], "--wit is missing"),
            (&["--module"][..], "needs a value"),
            (&["--module", "m", "--module", "n"][..], "given twice"),
            (&["--frobnicate"][..], "unknown argument \"--frobnicate\""),
        ] {
            let message = parse(words).unwrap_err().to_string();
            assert!(message.contains(mistake), "{message}");
        }
    }
}

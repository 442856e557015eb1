//! The command line: options with values, all of them required.

use std::{ffi::OsString, path::PathBuf};

use anyhow::{Context as _, Result, bail};

const USAGE: &str = "usage: hks-guest-pack --module MODULE.wasm --wit DIRECTORY --world NAME --output COMPONENT.wasm
       hks-guest-pack fuse --input COMPONENT.wasm --output COMPONENT.wasm
       hks-guest-pack quiet --input COMPONENT.wasm --output COMPONENT.wasm";

/// What to do.
#[derive(Debug)]
pub(crate) enum Command {
    Pack(Pack),
    Fuse(Files),
    Quiet(Files),
}

/// What to pack, and for which world.
#[derive(Debug)]
pub(crate) struct Pack {
    /// A core module that exports its initialisation.
    pub(crate) module: PathBuf,
    /// The directory of the WIT package.
    pub(crate) wit: PathBuf,
    /// The world of that package which the module implements.
    pub(crate) world: String,
    /// Where the component goes; replaced if it exists.
    pub(crate) output: PathBuf,
}

/// What to fuse, or whose memory to rest.
#[derive(Debug)]
pub(crate) struct Files {
    /// A component that links several modules, or one that was fused.
    pub(crate) input: PathBuf,
    /// Where the component goes; replaced if it exists.
    pub(crate) output: PathBuf,
}

impl Command {
    /// Reads `--name value` pairs, after the word `fuse` or `quiet` if that is what to do.
    pub(crate) fn parse(words: impl IntoIterator<Item = OsString>) -> Result<Self> {
        let mut words = words.into_iter().peekable();
        for (name, command) in [("fuse", Self::Fuse as fn(Files) -> Self), ("quiet", Self::Quiet)] {
            if words.next_if(|word| word == name).is_some() {
                let [input, output] = values(words, ["--input", "--output"])?;
                return Ok(command(Files { input: input.into(), output: output.into() }));
            }
        }
        let [module, wit, world, output] = values(words, ["--module", "--wit", "--world", "--output"])?;
        let world = world.to_string_lossy().into_owned();
        Ok(Self::Pack(Pack { module: module.into(), wit: wit.into(), world, output: output.into() }))
    }
}

/// The values of the options `names`, in the order of the names.
fn values<const COUNT: usize>(
    mut words: impl Iterator<Item = OsString>,
    names: [&str; COUNT],
) -> Result<[OsString; COUNT]> {
    let mut values = [const { None }; COUNT];
    while let Some(name) = words.next() {
        let Some(place) = names.iter().position(|known| name == *known) else {
            bail!("unknown argument {name:?}; {USAGE}");
        };
        let value = words.next().with_context(|| format!("{name:?} needs a value; {USAGE}"))?;
        if values[place].replace(value).is_some() {
            bail!("{name:?} is given twice; {USAGE}");
        }
    }
    if let Some(place) = values.iter().position(Option::is_none) {
        bail!("{} is missing; {USAGE}", names[place]);
    }
    Ok(values.map(|value| value.expect("none is missing")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(words: &[&str]) -> Result<Command> {
        Command::parse(words.iter().map(OsString::from))
    }

    #[test]
    fn options_are_read_in_any_order() {
        let words = ["--output", "c", "--world", "w", "--wit", "d", "--module", "m"];
        let Command::Pack(arguments) = parse(&words).unwrap() else { panic!("that is how to pack") };
        assert_eq!((arguments.module, arguments.output), ("m".into(), "c".into()));
        assert_eq!((arguments.wit, arguments.world), ("d".into(), "w".to_owned()));
    }

    #[test]
    fn fuse_has_options_of_its_own() {
        let words = ["fuse", "--output", "o", "--input", "i"];
        let Command::Fuse(arguments) = parse(&words).unwrap() else { panic!("that is how to fuse") };
        assert_eq!((arguments.input, arguments.output), ("i".into(), "o".into()));
    }

    #[test]
    fn quiet_takes_the_same_options() {
        let Command::Quiet(arguments) = parse(&["quiet", "--input", "i", "--output", "o"]).unwrap() else {
            panic!("that is how to rest a memory")
        };
        assert_eq!((arguments.input, arguments.output), ("i".into(), "o".into()));
    }

    #[test]
    fn mistakes_are_named() {
        for (words, mistake) in [
            (&["--module", "m"][..], "--wit is missing"),
            (&["--module"][..], "needs a value"),
            (&["--module", "m", "--module", "n"][..], "given twice"),
            (&["--frobnicate"][..], "unknown argument \"--frobnicate\""),
            (&["fuse", "--input", "i"][..], "--output is missing"),
            (&["fuse", "--module", "m"][..], "unknown argument \"--module\""),
        ] {
            let message = parse(words).unwrap_err().to_string();
            assert!(message.contains(mistake), "{message}");
        }
    }
}

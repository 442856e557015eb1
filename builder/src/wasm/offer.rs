//! What guests are offered, as data. What is not in an [`Offer`] does not exist for them.

use hks_protocol::manifest::Grants;

use super::{Bounds, Reason, World};

/// What a server offers to the `.wasm` files of its functions.
///
/// It is written down apart from the runtime, so that a component is refused where it is deployed; the runtime links what
/// it links, and refuses the rest again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offer {
    /// Interfaces that can be imported, or are known and cannot.
    pub interfaces: Vec<Interface>,
    /// What is called, and how.
    pub worlds: Vec<World>,
    /// How large a component may be.
    pub bounds: Bounds,
}

/// An interface by name and version.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Interface {
    /// As in `wasi:cli/stdout`; with `*` at its end, all that begin so and are not named before.
    pub name: &'static str,
    /// A version that imports must be compatible with.
    pub version: &'static str,
    /// Who gets it.
    pub standing: Standing,
}

/// Who gets an interface.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// Every function.
    Offered,
    /// Functions with an entry in `grants.http`.
    NeedsHttpGrant,
    /// Nobody, and why.
    Withheld(&'static str),
}

/// The version of WASI that Wasmtime 48 links; guests of any other 0.2 are compatible.
const WASI: &str = "0.2.12";
/// The version of `wit/function.wit`.
pub(super) const OURS: &str = "0.1.0";

const HTTP_GRANT: &str = "grants:\n  http:\n    - api.example.com";
const NO_SOCKETS: &str = "functions open no sockets; call hosts through wasi:http/outgoing-handler, with grants.http";

/// What the runtime links for functions: `runtime/src/host/`. Every call of `wasi:sockets` is refused there: C libraries and
/// CPython name it in programs that never open one, so an import says nothing about what a program does.
const LINKED: [&str; 27] = [
    "wasi:cli/environment",
    "wasi:cli/exit",
    "wasi:cli/stderr",
    "wasi:cli/stdin",
    "wasi:cli/stdout",
    "wasi:cli/terminal-input",
    "wasi:cli/terminal-output",
    "wasi:cli/terminal-stderr",
    "wasi:cli/terminal-stdin",
    "wasi:cli/terminal-stdout",
    "wasi:clocks/monotonic-clock",
    "wasi:clocks/wall-clock",
    "wasi:filesystem/preopens",
    "wasi:filesystem/types",
    "wasi:io/error",
    "wasi:io/poll",
    "wasi:io/streams",
    "wasi:random/insecure",
    "wasi:random/insecure-seed",
    "wasi:random/random",
    "wasi:sockets/instance-network",
    "wasi:sockets/ip-name-lookup",
    "wasi:sockets/network",
    "wasi:sockets/tcp",
    "wasi:sockets/tcp-create-socket",
    "wasi:sockets/udp",
    "wasi:sockets/udp-create-socket",
];

const LINKED_OF_OURS: [&str; 6] = [
    "hks:function/clock",
    "hks:function/entropy",
    "hks:function/environment",
    "hks:function/output",
    "hks:function/packages",
    "hks:function/types",
];

impl Offer {
    /// What the runtime of this version runs: functions, commands and HTTP components.
    ///
    /// `wasi:http/outgoing-handler` is offered to all of them, and each request is denied when it is made (`HTTP-request-denied`),
    /// whatever the manifest grants. Toolchains import it for every server (componentize-py, jco), so to withhold it
    /// would refuse programs that never call anybody, and to ask for a grant would promise what there is not yet. Nothing
    /// is less safe for it: the runtime has nothing that could send.
    #[must_use]
    pub fn runtime() -> Self {
        Self::functions().with_commands().serving(Standing::Offered)
    }

    /// Functions that are components of our world, with WASI 0.2 without network.
    #[must_use]
    pub fn functions() -> Self {
        let offered = |version| move |name| Interface { name, version, standing: Standing::Offered };
        let wasi = LINKED.map(offered(WASI));
        let ours = LINKED_OF_OURS.map(offered(OURS));
        // The first that has the name counts, so this is for those of other versions of WASI.
        let sockets = Interface { name: "wasi:sockets/*", version: WASI, standing: Standing::Withheld(NO_SOCKETS) };
        let interfaces = ours.into_iter().chain(wasi).chain([sockets]).collect();
        Self { interfaces, worlds: vec![World::Function], bounds: Bounds::default() }
    }

    /// The same with HTTP: components of `wasi:http/proxy`, and requests for functions that are granted hosts.
    #[must_use]
    pub fn with_http(self) -> Self {
        self.serving(Standing::NeedsHttpGrant)
    }

    fn serving(mut self, outgoing: Standing) -> Self {
        let http = |name, standing| Interface { name, version: WASI, standing };
        self.interfaces.push(http("wasi:http/types", Standing::Offered));
        self.interfaces.push(http("wasi:http/outgoing-handler", outgoing));
        self.worlds.push(World::HttpProxy);
        self
    }

    /// The same with programs that read the event from stdin and write the value to stdout.
    #[must_use]
    pub fn with_commands(mut self) -> Self {
        self.worlds.push(World::Command);
        self
    }

    /// The same with language runtimes. For the ones that we ship, not for what users bring.
    #[must_use]
    pub fn with_interpreters(mut self) -> Self {
        self.worlds.push(World::Interpreter);
        self
    }

    /// Why a function with these grants does not get that import; `None` if it does.
    pub(super) fn denies(&self, import: &str, grants: &Grants) -> Option<Reason> {
        let (name, version) = import.split_once('@').unwrap_or((import, ""));
        let Some(interface) = self.interfaces.iter().find(|interface| interface.names(name)) else {
            return Some(Reason::Unknown);
        };
        match interface.standing {
            Standing::Withheld(why) => Some(Reason::Withheld(why)),
            _ if !are_compatible(version, interface.version) => {
                Some(Reason::Version { offered: format!("{name}@{}", interface.version) })
            }
            Standing::NeedsHttpGrant if grants.http.is_empty() => Some(Reason::NeedsGrant { manifest: HTTP_GRANT }),
            Standing::NeedsHttpGrant | Standing::Offered => None,
        }
    }
}

impl Interface {
    fn names(&self, name: &str) -> bool {
        match self.name.strip_suffix('*') {
            Some(start) => name.starts_with(start),
            None => name == self.name,
        }
    }
}

/// Whether one may stand for the other, as linkers of components see it: equal but for what semantic versioning lets vary.
pub(super) fn are_compatible(one: &str, other: &str) -> bool {
    one == other || matches!((track(one), track(other)), (Some(one), Some(other)) if one == other)
}

/// `0.2` of 0.2.3, `1` of 1.2.3, nothing of what is not released.
fn track(version: &str) -> Option<(u64, u64)> {
    let mut numbers = version.splitn(3, '.').map(|number| number.parse().ok());
    let (major, minor, patch): (u64, u64, u64) = (numbers.next()??, numbers.next()??, numbers.next()??);
    match (major, minor) {
        (0, 0) => (patch == 0).then_some((0, 0)),
        (0, minor) => Some((0, minor)),
        (major, _) => Some((major, 0)),
    }
}

#[cfg(test)]
mod tests {
    use super::are_compatible;

    #[test]
    fn versions_are_compatible_on_one_track() {
        let cases = [
            ("0.2.0", "0.2.12", true),
            ("0.2.99", "0.2.12", true),
            ("0.3.0", "0.2.12", false),
            ("0.2.0-rc-2023-12-05", "0.2.12", false),
            ("1.2.0", "1.9.3", true),
            ("2.0.0", "1.9.3", false),
            ("0.0.1", "0.0.2", false),
            ("", "0.2.12", false),
            ("0.2", "0.2.12", false),
        ];
        for (one, other, expected) in cases {
            assert_eq!(are_compatible(one, other), expected, "{one} {other}");
        }
    }
}

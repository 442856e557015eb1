//! What package clients need of their user in order to reach registries.

use std::path::{Path, PathBuf};

/// What package clients need to reach their registries: the operator's, never a function's.
///
/// Code of packages does not run where it is seen, but tools that fetch them do: no credentials belong here which a function's
/// author must not use.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NetworkAccess {
    /// Variables, such as a proxy's address or an index.
    pub environment: Vec<(String, String)>,
    /// Files, such as certificates and configuration of clients.
    pub readable: Vec<PathBuf>,
}

/// Variables of proxies and certificates, in upper case; clients read both cases.
const SHARED: [&str; 8] = [
    "ALL_PROXY",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "NO_PROXY",
    "SSL_CERT_DIR",
    "SSL_CERT_FILE",
    "CURL_CA_BUNDLE",
    "REQUESTS_CA_BUNDLE",
];

/// Variables of single clients by what they begin with: pip and uv, npm, cargo, Go.
const BEGINNINGS: [&str; 7] =
    ["PIP_", "UV_", "NPM_CONFIG_", "NODE_EXTRA_CA_CERTS", "CARGO_HTTP_", "CARGO_REGISTRIES_", "GOPROXY"];

/// More of Go, whose names have no beginning in common.
const EXACT: [&str; 5] = ["GOSUMDB", "GONOSUMDB", "GOPRIVATE", "GONOPROXY", "GOINSECURE"];

/// Configuration of clients below their user's home.
const FILES: [&str; 6] =
    [".npmrc", ".cargo/config.toml", ".config/pip/pip.conf", ".pip/pip.conf", ".config/uv/uv.toml", ".config/go/env"];

/// The same for the whole machine.
const SYSTEM_FILES: [&str; 3] = ["/etc/pip.conf", "/etc/npmrc", "/etc/uv/uv.toml"];

impl NetworkAccess {
    /// What the clients of one user have, by the variables and the home of that user: proxies, certificates, indexes.
    pub fn of_clients(variables: impl IntoIterator<Item = (String, String)>, home: Option<&Path>) -> Self {
        let environment: Vec<(String, String)> =
            variables.into_iter().filter(|(name, value)| !value.is_empty() && is_of_clients(name)).collect();
        let named = environment.iter().map(|(_, value)| PathBuf::from(value)).filter(|path| path.is_absolute());
        let own = home.into_iter().flat_map(|home| FILES.map(|file| home.join(file)));
        let candidates = named.chain(own).chain(SYSTEM_FILES.map(PathBuf::from));
        let readable = candidates.filter(|path| path.exists()).collect();
        let mut access = Self { environment, readable };
        access.name_files(home);
        access
    }

    /// Files of cargo's configuration among them: it only looks for some by itself.
    pub(crate) fn cargo_configuration(&self) -> Vec<PathBuf> {
        let is_cargos = |file: &&PathBuf| file.ends_with(FILES[1]);
        self.readable.iter().filter(is_cargos).cloned().collect()
    }

    /// Tools have another home than their user, so they are told where the user's files are.
    fn name_files(&mut self, home: Option<&Path>) {
        let Some(home) = home else { return };
        let told = [("NPM_CONFIG_USERCONFIG", FILES[0]), ("PIP_CONFIG_FILE", FILES[2]), ("UV_CONFIG_FILE", FILES[4])];
        for (name, file) in told {
            let file = home.join(file);
            let is_set = self.environment.iter().any(|(set, _)| set.eq_ignore_ascii_case(name));
            if let (false, true, Some(file)) = (is_set, file.is_file(), file.to_str()) {
                self.environment.push((name.to_owned(), file.to_owned()));
            }
        }
    }
}

fn is_of_clients(name: &str) -> bool {
    let upper = name.to_ascii_uppercase();
    SHARED.contains(&upper.as_str())
        || EXACT.contains(&name)
        || BEGINNINGS.iter().any(|beginning| upper.starts_with(beginning))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_clients_read_is_taken() {
        let variables = [
            ("HTTPS_PROXY", "http://proxy"),
            ("https_proxy", "http://proxy"),
            ("PIP_INDEX_URL", "https://index"),
            ("npm_config_registry", "https://registry"),
            ("GOPROXY", "off"),
            ("PATH", "/bin"),
            ("AWS_SECRET_ACCESS_KEY", "s3cret"),
            ("CARGO_MANIFEST_DIR", "/"),
            ("NO_PROXY", ""),
        ];
        let owned = variables.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let access = NetworkAccess::of_clients(owned, None);
        let names: Vec<_> = access.environment.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["HTTPS_PROXY", "https_proxy", "PIP_INDEX_URL", "npm_config_registry", "GOPROXY"]);
    }

    #[test]
    fn files_of_the_home_are_named_and_may_be_read() {
        let home = tempfile::tempdir().unwrap();
        std::fs::write(home.path().join(".npmrc"), "registry=https://registry").unwrap();
        let access = NetworkAccess::of_clients([], Some(home.path()));
        let npmrc = home.path().join(".npmrc");
        assert!(access.readable.contains(&npmrc));
        let named = ("NPM_CONFIG_USERCONFIG".to_owned(), npmrc.to_str().unwrap().to_owned());
        assert_eq!(access.environment, [named]);
    }
}

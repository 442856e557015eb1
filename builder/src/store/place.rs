//! Where a store is: a folder of this machine, or a bucket of an S3-compatible service.
//!
//! All that is needed is said here. The environment is not read: only the outermost layer knows whose it is.

use std::fmt;
use std::fs::{DirBuilder, Permissions};
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use object_store::ObjectStore;
use object_store::aws::{AmazonS3Builder, AmazonS3ConfigKey};
use object_store::local::LocalFileSystem;
use object_store::prefix::PrefixStore;

use super::Error;

/// Where a store is.
#[derive(Debug, Clone)]
pub enum Place {
    /// A folder, made if there is none. Only this user may enter it.
    Folder(PathBuf),
    /// A bucket, which must exist.
    S3(Bucket),
}

/// A bucket of Amazon S3 or of a service that speaks its protocol.
#[derive(Debug, Clone)]
pub struct Bucket {
    /// The bucket's name.
    pub name: String,
    /// The folder in the bucket that is the store; empty for all of it.
    pub prefix: String,
    /// As in `eu-central-1`. Services that have none take `us-east-1`.
    pub region: String,
    /// Where the service is, as in `https://s3.example.org`; Amazon's if there is none.
    pub endpoint: Option<String>,
    /// Whether an endpoint may be `http://`. Keys are not sent, but code and its results are seen, and can be changed, on the way.
    pub plain_http: PlainHttp,
    /// Whether the bucket is part of the host's name or of the path.
    pub addressing: Addressing,
    /// What requests are signed with.
    pub credentials: Credentials,
}

/// Whether HTTP without encryption is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum PlainHttp {
    /// An endpoint is `https://`.
    #[default]
    Refused,
    /// It may be `http://`, for services on this machine or in a closed network.
    Allowed,
}

/// How the bucket is named in a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Addressing {
    /// `https://host/bucket/object`, which all services understand.
    #[default]
    Path,
    /// `https://bucket.host/object`.
    Host,
}

/// What requests to a bucket are signed with.
#[derive(Clone)]
pub enum Credentials {
    /// A pair of keys.
    Keys {
        /// Its name.
        access_key_id: String,
        /// The secret.
        secret_access_key: String,
        /// For temporary keys.
        session_token: Option<String>,
    },
    /// A role of Amazon's, which a token in a file stands for, as Kubernetes writes it.
    WebIdentity {
        /// The file, which is read again when the keys run out.
        token_file: PathBuf,
        /// The role.
        role_arn: String,
    },
    /// The role of the machine that this runs on, asked for at Amazon's metadata service.
    Instance,
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Keys { access_key_id, .. } => write!(f, "Keys({access_key_id}, …)"),
            Self::WebIdentity { role_arn, .. } => write!(f, "WebIdentity({role_arn})"),
            Self::Instance => f.write_str("Instance"),
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Folder(folder) => write!(f, "store {}", folder.display()),
            Self::S3(bucket) => write!(f, "store s3://{}/{}", bucket.name, bucket.prefix),
        }
    }
}

impl Place {
    pub(super) fn open(&self) -> Result<Arc<dyn ObjectStore>, Error> {
        match self {
            Self::Folder(folder) => open_folder(folder),
            Self::S3(bucket) => bucket.open(),
        }
    }
}

fn open_folder(folder: &Path) -> Result<Arc<dyn ObjectStore>, Error> {
    let error = |action| {
        let path = folder.to_owned();
        move |source| Error::Folder { action, path, source }
    };
    DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(error("make"))?;
    let mode = std::fs::metadata(folder).map_err(error("read"))?.permissions().mode();
    if mode & 0o077 != 0 {
        std::fs::set_permissions(folder, Permissions::from_mode(0o700)).map_err(error("protect"))?;
    }
    Ok(Arc::new(local(folder)?.with_fsync(true)))
}

/// The same folder, for what need not be on its disk when a call returns.
pub(super) fn unsynced(folder: &Path) -> Result<Arc<dyn ObjectStore>, Error> {
    Ok(Arc::new(local(folder)?))
}

fn local(folder: &Path) -> Result<LocalFileSystem, Error> {
    LocalFileSystem::new_with_prefix(folder).map_err(|error| Error::Folder {
        action: "open",
        path: folder.to_owned(),
        source: std::io::Error::other(error),
    })
}

impl Bucket {
    fn open(&self) -> Result<Arc<dyn ObjectStore>, Error> {
        self.check()?;
        // One of the two for all of this process; an earlier choice of somebody else is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let mut builder = AmazonS3Builder::new()
            .with_bucket_name(&self.name)
            .with_region(&self.region)
            .with_allow_http(self.plain_http == PlainHttp::Allowed)
            .with_virtual_hosted_style_request(self.addressing == Addressing::Host);
        if let Some(endpoint) = &self.endpoint {
            builder = builder.with_endpoint(endpoint);
        }
        builder = match &self.credentials {
            Credentials::Keys { access_key_id, secret_access_key, session_token } => {
                let builder = builder.with_access_key_id(access_key_id).with_secret_access_key(secret_access_key);
                match session_token {
                    Some(token) => builder.with_token(token),
                    None => builder,
                }
            }
            Credentials::WebIdentity { token_file, role_arn } => builder
                .with_config(AmazonS3ConfigKey::WebIdentityTokenFile, token_file.to_string_lossy())
                .with_config(AmazonS3ConfigKey::RoleArn, role_arn),
            Credentials::Instance => builder,
        };
        let bucket = builder.build().map_err(|error| self.refused(&error.to_string()))?;
        Ok(Arc::new(PrefixStore::new(bucket, self.prefix.as_str())))
    }

    fn check(&self) -> Result<(), Error> {
        let endpoint = self.endpoint.as_deref().unwrap_or("https://");
        if endpoint.starts_with("http://") && self.plain_http == PlainHttp::Refused {
            return Err(self.refused(&format!("{endpoint} is not encrypted; use https://, or allow plain HTTP")));
        }
        if !endpoint.starts_with("http://") && !endpoint.starts_with("https://") {
            return Err(self.refused(&format!("endpoint {endpoint:?} does not begin with https://")));
        }
        let named = [("bucket", &self.name), ("region", &self.region)];
        match named.iter().find(|(_, value)| value.is_empty() || value.contains('/')) {
            Some((what, value)) => Err(self.refused(&format!("{value:?} is no {what}"))),
            None => Ok(()),
        }
    }

    fn refused(&self, reason: &str) -> Error {
        Error::Refused(format!("bucket {:?}: {reason}", self.name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bucket(endpoint: &str) -> Bucket {
        Bucket {
            name: "artifacts".into(),
            prefix: "a/b".into(),
            region: "us-east-1".into(),
            endpoint: Some(endpoint.into()),
            plain_http: PlainHttp::Refused,
            addressing: Addressing::Path,
            credentials: Credentials::Keys {
                access_key_id: "id".into(),
                secret_access_key: "very secret".into(),
                session_token: Some("very secret too".into()),
            },
        }
    }

    #[test]
    fn plain_http_is_taken_only_where_it_is_allowed() {
        let plain = bucket("http://127.0.0.1:9");
        assert!(plain.open().unwrap_err().to_string().contains("allow plain HTTP"));
        assert!(Bucket { plain_http: PlainHttp::Allowed, ..plain }.open().is_ok());
        assert!(bucket("https://127.0.0.1:9").open().is_ok());
        assert!(bucket("s3.example.org").open().unwrap_err().to_string().contains("does not begin with"));
    }

    #[test]
    fn a_bucket_without_a_name_is_refused() {
        let error = Bucket { name: String::new(), ..bucket("https://127.0.0.1:9") }.open().unwrap_err();
        assert!(error.to_string().contains("is no bucket"), "{error}");
    }

    #[test]
    fn secrets_are_not_shown() {
        let shown = format!("{:?} {}", bucket("https://x"), Place::S3(bucket("https://x")));
        assert!(!shown.contains("secret"), "{shown}");
    }

    #[test]
    fn the_folder_is_private() {
        let folder = tempfile::tempdir().unwrap();
        let store = folder.path().join("a/store");
        Place::Folder(store.clone()).open().unwrap();
        assert_eq!(std::fs::metadata(store).unwrap().permissions().mode() & 0o777, 0o700);
    }
}

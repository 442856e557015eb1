//! The suite against a server that speaks S3's protocol, over HTTP on loopback.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use super::*;

/// Names the program, which `cargo xtask test` installs.
const SERVER: &str = "HKS_S3_SERVER";

/// A server with one empty bucket, as long as this lives.
struct Server {
    process: Child,
    endpoint: String,
}

impl Server {
    fn start() -> Self {
        let program = std::env::var_os(SERVER).unwrap_or_else(|| "moto_server".into());
        let mut process = Command::new(&program)
            .args(["-H", "127.0.0.1", "-p", "0"])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| {
                panic!("cannot start {program:?}: {error}; run `cargo xtask test --only rust`, which installs it, or set {SERVER}")
            });
        let mut lines = BufReader::new(process.stderr.take().unwrap()).lines().map_while(Result::ok);
        let endpoint = lines.find_map(|line| line.split_once("Running on ").map(|(_, at)| at.trim().to_owned()));
        // It says a line for each request, and must not wait for somebody to read it.
        std::thread::spawn(move || lines.for_each(drop));
        let server = Self { process, endpoint: endpoint.unwrap_or_default() };
        assert!(server.endpoint.starts_with("http://127.0.0.1:"), "{program:?} ended without listening");
        server
    }

    fn bucket(&self, prefix: &str) -> Bucket {
        Bucket {
            name: "artifacts".into(),
            prefix: prefix.into(),
            region: "us-east-1".into(),
            endpoint: Some(self.endpoint.clone()),
            plain_http: PlainHttp::Allowed,
            addressing: Addressing::Path,
            credentials: Credentials::Keys {
                access_key_id: "test".into(),
                secret_access_key: "test".into(),
                session_token: None,
            },
        }
    }

    /// A request that the store itself never makes.
    async fn make_bucket(&self) {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let answer = reqwest::Client::new().put(format!("{}/artifacts", self.endpoint)).send().await.unwrap();
        assert!(answer.status().is_success(), "{answer:?}");
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[tokio::test]
async fn an_s3_service_conforms() {
    let server = Server::start();
    server.make_bucket().await;
    for (name, test) in conformance::ALL {
        println!("{name}");
        let place = Place::S3(server.bucket(name));
        test(&Fixture::over(place.open().unwrap(), None).await).await;
    }
}

#[tokio::test]
async fn a_store_opens_without_a_prefix_and_says_which_bucket_is_missing() {
    let server = Server::start();
    server.make_bucket().await;
    let store = Store::open(&Place::S3(server.bucket(""))).await.unwrap();
    let digest = store.put(Bytes::from_static(b"content")).await.unwrap();
    assert_eq!(store.blob(digest, 7).await.unwrap(), "content");
    let missing = Bucket { name: "missing".into(), ..server.bucket("") };
    let error = Store::open(&Place::S3(missing)).await.unwrap_err();
    assert!(error.to_string().contains("s3://missing"), "{error}");
}

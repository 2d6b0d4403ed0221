//! TLS between the store and its server.

use std::net::TcpListener;

use super::*;

/// A cluster that speaks TLS as `localhost`, with a certificate that only this file vouches for.
struct Encrypted {
    _cluster: Cluster,
    folder: tempfile::TempDir,
    port: u16,
}

impl Encrypted {
    fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
        let (certificate, key) = (folder.path().join("tls.crt"), folder.path().join("tls.key"));
        std::fs::write(&certificate, made.cert.pem()).unwrap();
        std::fs::write(&key, made.signing_key.serialize_pem()).unwrap();
        // A port that is free now may be taken when the cluster is made: this one always is.
        let taken = TcpListener::bind("127.0.0.1:0").unwrap();
        let wanted = taken.local_addr().unwrap().port().to_string();
        let [certificate, key] = [&certificate, &key].map(|path| path.to_str().unwrap().to_owned());
        let cluster = Cluster::start_with(&["--tls", &certificate, &key, &wanted]);
        let (_, port) = cluster.url.split_once("port=").expect("the script says where it listens");
        let port = port.split('&').next().unwrap().parse().unwrap();
        Self { _cluster: cluster, folder, port }
    }

    fn address(&self, host: &str, tls: &str) -> PostgresAddress {
        format!("postgres://hearth@{host}:{}/postgres?{tls}", self.port).parse().unwrap()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_is_encrypted_where_that_is_asked_and_verified_where_that_is() {
    const IS_ENCRYPTED: &str = "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()";
    let server = Encrypted::start();
    let trusted = format!("sslmode=verify-full&sslrootcert={}/tls.crt", server.folder.path().display());
    for (host, tls, encrypted) in [
        ("localhost", "sslmode=disable", "f"),
        ("127.0.0.1", "sslmode=require", "t"),
        ("localhost", trusted.as_str(), "t"),
    ] {
        let address = server.address(host, tls);
        assert_eq!(ask(&address, IS_ENCRYPTED).as_deref(), Some(encrypted), "{tls}");
        let store = open(&address).await;
        put(&store, 1).await.unwrap();
        assert_eq!(numbers(&store).await, [1]);
    }
    for (host, tls) in [("127.0.0.1", trusted.as_str()), ("localhost", "sslmode=verify-full")] {
        let refused = PostgresStore::open(&server.address(host, tls), &World::real()).await;
        let reason = refused.err().expect("the certificate proves nothing").to_string();
        assert!(reason.contains("certificate"), "{reason}");
    }
    let missing = server.address("localhost", "sslmode=verify-full&sslrootcert=/nowhere/ca.pem");
    let refused = PostgresStore::open(&missing, &World::real()).await;
    assert!(refused.err().unwrap().to_string().contains("/nowhere/ca.pem"));
}

//! A provider that is spoken to as all of them are in truth: over TLS.

use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring::default_provider;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};

use crate::support::{Setup, Shop, eventually_async};

/// A certificate for `localhost`, as `dir/cert.pem` and `dir/key.pem`; `None`: this machine has no `openssl`, which comes with Debian's
/// PostgreSQL.
fn certificate(dir: &Path) -> Option<ServerConfig> {
    let made = Command::new("openssl")
        .args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"])
        .args(["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"])
        .args(["-addext", "basicConstraints=critical,CA:FALSE", "-keyout", "key.pem", "-out", "cert.pem"])
        .current_dir(dir)
        .output()
        .ok()?;
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let cert = CertificateDer::from_pem_file(dir.join("cert.pem")).unwrap();
    let key = PrivateKeyDer::from_pem_file(dir.join("key.pem")).unwrap();
    let versions = ServerConfig::builder_with_provider(Arc::new(default_provider()));
    let config = versions.with_safe_default_protocol_versions().unwrap().with_no_client_auth();
    Some(config.with_single_cert(vec![cert], key).unwrap())
}

/// Speaks TLS before a provider. Each seventh connection is cut, without a farewell, when its first request has been read. Its port and how
/// often it was connected to.
async fn gateway(config: ServerConfig, provider: String) -> (u16, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (port, connections) = (listener.local_addr().unwrap().port(), Arc::new(AtomicUsize::new(0)));
    let (acceptor, counted) = (TlsAcceptor::from(Arc::new(config)), Arc::clone(&connections));
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let is_cut = counted.fetch_add(1, Ordering::Relaxed) % 7 == 6;
            let (acceptor, provider) = (acceptor.clone(), provider.clone());
            tokio::spawn(async move {
                let Ok(mut stream) = acceptor.accept(stream).await else { return };
                if is_cut {
                    _ = stream.read(&mut [0; 4096]).await;
                    return;
                }
                let mut behind = TcpStream::connect(provider).await.unwrap();
                _ = copy_bidirectional(&mut stream, &mut behind).await;
                _ = stream.shutdown().await;
            });
        }
    });
    (port, connections)
}

/// Whether this machine could try it.
async fn sent_over_tls(client: &str) -> bool {
    let setup = Setup { sender: "rate = \"unlimited\"\nin_flight = 16", ..Setup::default() };
    let shop = Shop::open(Setup { engine: "speed = 600\nfailures_in_a_row = 1000", ..setup }).await;
    let Some(config) = certificate(&shop.path("")) else { return false };
    let provider = shop.sim.base_url().trim_start_matches("http://").to_owned();
    let (port, connections) = gateway(config, provider).await;
    shop.send_through(&format!("https://localhost:{port}"));
    shop.blast(0..300).await;

    let trusted = shop.path("cert.pem");
    let engine = shop.engine_with(&[("SSL_CERT_FILE", trusted.to_str().unwrap()), ("BLASTDECK_CLIENT", client)]);
    eventually_async("all are tried", async || shop.count("queued").await + shop.count("sending").await == 0).await;
    engine.stop().await;

    let (uncertain, opened) = (shop.count("uncertain").await, connections.load(Ordering::Relaxed));
    assert!(uncertain > 0, "{client}: nobody was cut off");
    assert!(opened < 150, "{client}: {opened} connections for 300 people");
    assert_eq!(i64::try_from(shop.sim.posts().await.len()).unwrap(), 300 - uncertain, "{client}: each once");
    shop.invariants().await;
    true
}

#[tokio::test]
async fn a_blast_goes_over_tls_each_person_once_and_connections_are_kept() {
    if !sent_over_tls("direct").await {
        println!("no openssl: left out");
    }
}

#[tokio::test]
async fn a_blast_goes_over_tls_by_reqwest_too() {
    if !sent_over_tls("reqwest").await {
        println!("no openssl: left out");
    }
}

//! A private server of one test's own, with the schema. initdb and the migrations run once; each test has a copy of their files.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use blastdeck::private_postgres::{Address, PrivatePostgres};
use blastdeck::store::EmptyDatabase;

use super::TestDir;
use super::cluster::copy;
use super::postgres::wait_for;

/// Nobody starts a server on these files. Removed when the process ends.
static MODEL: OnceLock<TestDir> = OnceLock::new();

/// Running, in the directory `data` of the test's.
pub async fn private_postgres(dir: &TestDir) -> (PrivatePostgres, Address) {
    let local = stopped_postgres(dir).await;
    let address = local.ensure_running().await.unwrap();
    (local, address)
}

/// The same before its first start.
pub async fn stopped_postgres(dir: &TestDir) -> PrivatePostgres {
    let data = dir.path().join("data");
    let files = data.join("postgres");
    tokio::task::spawn_blocking(move || {
        fs::create_dir(files.parent().unwrap()).unwrap();
        copy(&model().join("postgres"), &files);
    })
    .await
    .unwrap();
    PrivatePostgres::new(Some(data)).unwrap()
}

fn model() -> PathBuf {
    let data = |dir: &TestDir| dir.path().join("data");
    data(MODEL.get_or_init(|| {
        let dir = TestDir::new();
        let made = data(&dir);
        wait_for(async move || make(&made).await);
        dir
    }))
}

async fn make(data: &Path) {
    let local = PrivatePostgres::new(Some(data.to_owned())).unwrap();
    let address = local.ensure_running().await.unwrap();
    blastdeck::store::migrate(&address.url(), EmptyDatabase::Fill).await.unwrap();
    local.stop().await.unwrap();
}

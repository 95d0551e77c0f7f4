//! The HTTP API of `blastdeck serve`, as other programs call it.

mod blasts;
mod campaigns;
mod client;
mod crash;
mod customers;
mod document;
mod doors;
mod edits;
mod exports;
mod fuzz;
mod jobs;
mod live;
mod matrix;
mod one_sender;
mod people;
mod problems;
mod schedule;
mod schedules;
mod script;
mod senders;
mod shop;
mod steps;
mod suppressions;
mod tokens;
mod twice;
mod unread;
mod words;

use crate::support::proxy::Proxy;
use crate::support::serve::{Serve, senders};
use crate::support::{Setup, Shop, database, postgres};
use client::Api;

/// A shop with a sender of each provider, and its server.
async fn served() -> (Shop, Serve) {
    served_with("").await
}

/// The same with further lines of configuration.
async fn served_with(further: &str) -> (Shop, Serve) {
    let shop = Shop::open(Setup::default()).await;
    configure(&shop, further);
    let serve = Serve::start(&shop, &["--no-engine"]).await;
    (shop, serve)
}

/// The same whose server, like every command, reaches the database through a proxy.
async fn served_behind_proxy() -> (Shop, Serve, Proxy) {
    let proxy = Proxy::start(postgres().await.socket()).await;
    let mut database = database().await;
    database.url = proxy.url(database.name());
    let shop = Shop::open_on(database, Setup::default());
    configure(&shop, "");
    let serve = Serve::start(&shop, &["--no-engine"]).await;
    (shop, serve, proxy)
}

/// The configuration of both senders, at a test's speed.
fn configure(shop: &Shop, further: &str) {
    let Setup { engine, polling, .. } = Setup::default();
    let pace = format!("[engine]\nlease_seconds = 5\n{engine}\n[polling]\n{polling}\n");
    shop.write("config.toml", format!("{}{pace}{further}", senders(shop.sim.base_url())));
}

/// A client with a new token of this scope.
pub(crate) async fn client(shop: &Shop, serve: &Serve, scope: &str) -> Api {
    client_with(shop, serve, &[scope, "--scope", scope]).await
}

/// A client with a token that is made with these arguments.
async fn client_with(shop: &Shop, serve: &Serve, arguments: &[&str]) -> Api {
    let made = shop.json(&[&["token", "new"], arguments].concat()).await;
    Api::new(serve, made["token"].as_str().unwrap())
}

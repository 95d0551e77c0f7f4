//! A shop with a number of Meta's, whose people have had a blast.

use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::inbox::scene::envelope;
use crate::support::serve::{NUMBER, Serve, senders, with_secrets};
use crate::support::{Said, Setup, Shop, digits, eventually_async, said};

/// Blast 1 is of `cloud`, a template to people from 1 on, all sent.
pub struct AnswerScene {
    pub shop: Shop,
    serve: Option<Serve>,
}

impl AnswerScene {
    /// With a server that receives, and sends.
    pub async fn served(people: u32) -> Self {
        let mut scene = Self::unserved(people).await;
        scene.serve().await;
        scene
    }

    /// Starts a server.
    pub async fn serve(&mut self) {
        self.serve = Some(Serve::start(&self.shop, &[]).await);
        self.shop.until_listening(1).await;
    }

    /// With nobody who receives or sends.
    pub async fn unserved(people: u32) -> Self {
        let sim = ["--latency", "20ms", "--speed", "6000", "--phone-number-id", NUMBER];
        let shop = Shop::open(Setup { sim: &sim, ..Setup::default() }).await;
        let config = "[engine]\nlease_seconds = 5\n[ui]\ntimezone = \"Asia/Kuala_Lumpur\"\n";
        shop.write("config.toml", senders(shop.sim.base_url()) + config);
        let scene = Self { shop, serve: None };
        scene.send(people).await;
        scene
    }

    /// Blast 1.
    async fn send(&self, people: u32) {
        let rows: Vec<_> = (1..=people).map(|n| format!("Person {n},{}", digits(n))).collect();
        let list = self.shop.write("people.csv", format!("name,phone\n{}\n", rows.join("\n")));
        let template = ["--template", "hello_world", "--language", "en_US", "--recipients", list.to_str().unwrap()];
        self.ok(&[&["blast", "new", "--sender", "cloud"][..], &template].concat()).await;
        self.ok(&["blast", "send", "1", "--yes", "--no-engine"]).await;
        self.until_idle().await;
        assert_eq!(self.shop.count("sent").await, i64::from(people));
    }

    /// The texts that the provider had, in turn.
    pub async fn texts(&self) -> Vec<Value> {
        let posts = self.shop.sim.posts().await;
        let bodies = posts.iter().map(|post| serde_json::from_str::<Value>(&post.body).unwrap());
        bodies.filter(|body| body["type"] == "text").collect()
    }

    /// A signed webhook of Meta's; applied when this returns.
    pub async fn receive(&self, value: Value) {
        let serve = self.serve.as_ref().unwrap();
        assert_eq!(serve.meta(envelope(&value).to_string()).await, StatusCode::OK);
        let new = "select count(*) from webhook_inbox where state = 'new'";
        eventually_async("the inbox is read", async || self.shop.number(new).await == 0).await;
    }

    /// A signed request of Meta's, and what it is answered.
    pub async fn post(&self, body: String) -> StatusCode {
        self.serve.as_ref().unwrap().meta(body).await
    }

    /// Replies of these people, as if a webhook had brought them a moment ago.
    pub async fn wrote(&self, people: &[u32]) {
        for n in people {
            let reply = format!(
                "insert into replies (sender_id, blast_id, recipient_id, phone_number, kind, body, message_id, at)
                 select id, 1, {n}, '+{}', 'text', 'How much?', 'wamid.in{n}', now() from senders where name = 'cloud'",
                digits(*n)
            );
            self.shop.execute(&reply).await;
        }
    }

    /// Kills the server as `kill -9` does.
    pub async fn kill_server(&mut self) {
        self.serve.take().unwrap().kill().await;
    }

    pub async fn run(&self, arguments: &[&str]) -> Said {
        said(with_secrets(self.shop.command(arguments))).await
    }

    /// Runs a verb that must succeed; its data.
    pub async fn ok(&self, arguments: &[&str]) -> String {
        let said = self.run(arguments).await;
        assert_eq!(said.code, 0, "{arguments:?}: {said:?}");
        said.out
    }

    pub async fn json_lines(&self, arguments: &[&str]) -> Vec<Value> {
        let out = self.ok(&[arguments, &["--json"]].concat()).await;
        out.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    pub async fn json(&self, arguments: &[&str]) -> Value {
        let lines = self.json_lines(arguments).await;
        assert_eq!(lines.len(), 1, "{arguments:?}: {lines:?}");
        lines.into_iter().next().unwrap_or(json!(null))
    }

    /// Runs an engine until nothing is left to do.
    pub async fn until_idle(&self) {
        self.ok(&["engine", "--until-idle"]).await;
    }
}

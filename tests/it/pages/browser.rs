//! The page in a real browser, where one is installed: Chromium without a window, over its debugging pipe.

use std::fs::File;
use std::io::{Read, Write};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::served;
use crate::support::{PATIENCE, TestDir, figure};

/// The browser, if there is one.
fn chromium() -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    let names = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];
    std::env::split_paths(&path).flat_map(|dir| names.map(|name| dir.join(name))).find(|program| program.exists())
}

/// Notes what moves on a page, and what its own policy refuses.
const WATCH: &str = "window.shifts = []; const place = ({ x, y, width, height }) => [x, y, width, height].join(' ');\
    new PerformanceObserver((list) => { for (const shift of list.getEntries()) shifts.push({ score: shift.value, \
    what: shift.sources.map(({ node, previousRect, currentRect }) => [place(previousRect), place(currentRect), \
    node?.outerHTML ?? node?.parentNode?.outerHTML].join(' -> ')) }); }).observe({ type: 'layout-shift', buffered: true });\
    window.refused = []; document.addEventListener('securitypolicyviolation', (e) => window.refused.push(e.violatedDirective));";

/// Every word that a blast's state can be shown as.
const STATE_WORDS: [&str; 11] = [
    "draft",
    "scheduled",
    "starting",
    "sending",
    "waiting",
    "to check",
    "interrupted",
    "paused",
    "completed",
    "cancelled",
    "failed",
];

/// A page in a browser; killed when dropped.
struct Browser {
    process: Child,
    commands: File,
    answers: File,
    received: Vec<u8>,
    session: Value,
    asked: u64,
    _dir: TestDir,
}

impl Browser {
    fn open(program: &PathBuf, width: u32, height: u32) -> Self {
        let dir = TestDir::new();
        let [commands, answers] = ["commands", "answers"].map(|name| dir.path().join(name));
        for pipe in [&commands, &answers] {
            assert!(Command::new("mkfifo").arg(pipe).status().unwrap().success());
        }
        // The browser reads descriptor 3 and writes 4.
        let script =
            "program=$1; commands=$2; answers=$3; shift 3; exec \"$program\" \"$@\" 3< \"$commands\" 4> \"$answers\"";
        let process = Command::new("/bin/sh")
            .args(["-c", script, "sh"])
            .args([program, &commands, &answers])
            .args(["--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run"])
            .args(["--disable-background-networking", "--disable-component-update", "--remote-debugging-pipe"])
            .arg(format!("--user-data-dir={}", dir.path().join("profile").display()))
            .env("HOME", dir.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let commands = File::options().write(true).open(commands).unwrap();
        let answers = File::open(answers).unwrap();
        let mut browser =
            Self { process, commands, answers, received: Vec::new(), session: Value::Null, asked: 0, _dir: dir };
        let target = browser.ask("Target.createTarget", &json!({ "url": "about:blank" }))["targetId"].clone();
        let attached = browser.ask("Target.attachToTarget", &json!({ "targetId": target, "flatten": true }));
        browser.session = attached["sessionId"].clone();
        let screen = json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": true });
        browser.ask("Emulation.setDeviceMetricsOverride", &screen);
        browser
    }

    /// A command's result.
    fn ask(&mut self, method: &str, params: &Value) -> Value {
        self.asked += 1;
        let mut command = json!({ "id": self.asked, "method": method, "params": params });
        if !self.session.is_null() {
            command["sessionId"] = self.session.clone();
        }
        self.commands.write_all(format!("{command}\0").as_bytes()).unwrap();
        loop {
            let answer = self.read();
            if answer["id"] == self.asked {
                assert!(answer["error"].is_null(), "{method}: {answer}");
                return answer["result"].clone();
            }
        }
    }

    fn read(&mut self) -> Value {
        loop {
            if let Some(end) = self.received.iter().position(|byte| *byte == 0) {
                let rest = self.received.split_off(end + 1);
                self.received.pop();
                let message = serde_json::from_slice(&self.received).unwrap();
                self.received = rest;
                return message;
            }
            let mut part = vec![0; 65_536];
            let length = self.answers.read(&mut part).unwrap();
            assert!(length > 0, "the browser has ended");
            self.received.extend_from_slice(&part[..length]);
        }
    }

    fn evaluate(&mut self, expression: &str) -> Value {
        let asked = json!({ "expression": expression, "returnByValue": true });
        let answer = self.ask("Runtime.evaluate", &asked);
        assert!(answer["exceptionDetails"].is_null(), "{expression}: {answer}");
        answer["result"]["value"].clone()
    }

    /// What has moved on the page so far, and from where to where. Layout shifts are known once they were painted.
    fn shifts(&mut self) -> Value {
        self.evaluate(
            "window.frames_left = 10; (function wait() { if (--frames_left) requestAnimationFrame(wait); })()",
        );
        self.until("window.frames_left === 0");
        self.evaluate("window.shifts")
    }

    /// How wide a state is drawn, of all its words.
    fn widths_of_states(&mut self) -> Value {
        self.evaluate(&format!(
            "[...new Set({}.map((word) => {{ const pill = document.querySelector('[data-state]'); pill.textContent = word;
             return pill.getBoundingClientRect().width }}))]",
            json!(STATE_WORDS)
        ))
    }

    /// Waits until an expression is true; how long that took.
    fn until(&mut self, expression: &str) -> Duration {
        let since = Instant::now();
        while self.evaluate(expression) != true {
            let page = self.evaluate("document.documentElement.outerHTML");
            assert!(since.elapsed() < PATIENCE, "never: {expression} in {page}");
            std::thread::sleep(Duration::from_millis(10));
        }
        since.elapsed()
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_browser_shows_the_funnel_move_within_a_second_and_nothing_else_moves() {
    let Some(program) = chromium() else {
        figure("left out: no chromium is installed here");
        return;
    };
    let (shop, serve, _) = served().await;
    let blast = shop.draft(0..40).await;
    shop.send(&blast).await;
    let link = shop.json(&["share", &blast]).await;
    let path = link["url"].as_str().unwrap().split_once("8080").unwrap().1.to_owned();
    let mut browser = tokio::task::block_in_place(|| Browser::open(&program, 360, 740));

    let url = format!("{}{path}", serve.base_url);
    tokio::task::block_in_place(|| {
        browser.ask("Page.enable", &json!({}));
        browser.ask("Page.addScriptToEvaluateOnNewDocument", &json!({ "source": WATCH }));
        browser.ask("Page.navigate", &json!({ "url": url }));
        browser.until("document.querySelector('[data-live]')?.textContent === 'live'");
        browser.until("document.querySelector('[data-text=sent]').textContent === '0'");
    });
    shop.execute(&format!(
        "update blast_recipients set status = 'read', standing = 'read', message_id = 'A' || id, attempt = 1, sent_at = now(),
                delivered_at = now(), read_timestamp = now() where blast_id = {blast} and id <= 25;
         select pg_notify('blastdeck', '{blast}')"
    ))
    .await;
    let took = tokio::task::block_in_place(|| {
        let took = browser.until("document.querySelector('[data-text=read]').textContent === '25'");
        assert_eq!(browser.evaluate("document.querySelector('[data-bar=read]').getAttribute('width')"), "100");
        assert_eq!(
            browser.evaluate("document.querySelector('[data-text=read_stuck]').textContent"),
            "25 have not replied"
        );
        assert_eq!(browser.shifts(), json!([]), "the layout shifted");
        assert_eq!(browser.evaluate("window.refused.join()"), "", "its own policy refused something");
        assert_eq!(browser.evaluate("document.documentElement.scrollWidth <= innerWidth"), true, "it is too wide");
        took
    });
    crate::support::measured("from the commit to the screen", took, Duration::from_secs(1));
    // The longest word of a state follows one of the shortest, with another sentence below it.
    shop.execute(&format!(
        "update blast_recipients set status = 'failed', standing = 'failed', error_code = '131026' where blast_id = {blast} and id > 25;
         update blasts set state = 'completed', completed_at = now() where id = {blast};
         select pg_notify('blastdeck', '{blast}')"
    ))
    .await;
    tokio::task::block_in_place(|| {
        browser.until("document.querySelector('[data-state]').textContent === 'completed'");
        browser.until(
            "document.querySelector('[data-text=failures]').textContent.startsWith('Failed: 15 cannot be reached')",
        );
        assert_eq!(browser.shifts(), json!([]), "the layout shifted");
    });

    let widths = tokio::task::block_in_place(|| browser.widths_of_states());
    assert_eq!(widths.as_array().map(Vec::len), Some(1), "a state's word moves what stands beside it: {widths}");

    shop.ok(&["share", "revoke", "1"]).await;
    tokio::task::block_in_place(|| {
        browser.until("document.body?.textContent.includes('This link has ended') === true")
    });
    serve.stop().await;
}

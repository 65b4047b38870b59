//! A headless Chromium spoken to over its DevTools WebSocket, for the few tests that need a real page.
#![allow(clippy::unwrap_used, dead_code)]

use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use base64::Engine;
use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};

use crate::support::{DEADLINE, wait_until};

/// The visible screen as the page has it, blank ends cut as the model cuts them.
pub const SCREEN: &str = "(() => { const b = codexTerminal.screen.term.buffer.active; const out = []; \
    for (let i = 0; i < codexTerminal.screen.term.rows; i++) out.push(b.getLine(b.baseY + i).translateToString(true).trimEnd()); \
    return out.join('\\n').trimEnd(); })()";

/// Text somewhere on it.
pub fn contains(text: &str) -> impl Fn(&Value) -> bool + use<> {
    let text = text.to_owned();
    move |value| value.as_str().is_some_and(|screen| screen.contains(&text))
}

/// What `document.documentElement.dataset.connection` says.
pub const CONNECTION: &str = "document.documentElement.dataset.connection";

pub struct Browser {
    /// None: a tab of another one's.
    process: Option<(Child, TempDir)>,
    address: String,
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
    next_id: u64,
    session: String,
    /// What the page sent on its WebSockets.
    pub sent: Vec<Sent>,
    /// Addresses of all requests the page made.
    pub requests: Vec<String>,
    /// Errors that the page logged.
    pub errors: Vec<String>,
}

/// A WebSocket message of the page's.
#[derive(Clone, Debug, PartialEq)]
pub enum Sent {
    Text(Value),
    Binary(Vec<u8>),
}

impl Sent {
    fn of(event: &Value) -> Self {
        let data = event["response"]["payloadData"].as_str().unwrap();
        match event["response"]["opcode"].as_u64() {
            Some(1) => Self::Text(serde_json::from_str(data).unwrap()),
            _ => Self::Binary(
                base64::engine::general_purpose::STANDARD
                    .decode(data)
                    .unwrap(),
            ),
        }
    }

    /// The kind of a text message.
    pub fn kind(&self) -> &str {
        match self {
            Self::Text(text) => text["type"].as_str().unwrap(),
            Self::Binary(_) => "",
        }
    }
}

fn chromium() -> PathBuf {
    let named = std::env::var_os("CHROMIUM_BIN").map(PathBuf::from);
    let known = [
        "/usr/bin/chromium",
        "/usr/bin/chromium-browser",
        "/usr/bin/google-chrome",
    ];
    let found = named
        .into_iter()
        .chain(known.map(PathBuf::from))
        .find(|path| path.exists());
    found.expect("this test needs Chromium: install it (apt-get install chromium) or name it in CHROMIUM_BIN")
}

impl Browser {
    pub async fn open(url: &str) -> Self {
        let mut browser = Self::start(&[]).await;
        browser.go(url).await;
        browser
    }

    /// A browser with nothing open yet.
    pub async fn start(arguments: &[&str]) -> Self {
        let profile = tempfile::tempdir().unwrap();
        let child = Command::new(chromium())
            .args([
                "--headless=new",
                "--no-sandbox",
                "--disable-gpu",
                "--no-first-run",
                "--disable-background-networking",
                "--disable-component-update",
                "--remote-debugging-port=0",
                "--window-size=1000,640",
            ])
            .args(arguments)
            .arg(format!("--user-data-dir={}", profile.path().display()))
            .arg("about:blank")
            .env("HOME", profile.path())
            // Chromium leaves a socket there when it is killed.
            .env("TMPDIR", profile.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let port_file = profile.path().join("DevToolsActivePort");
        let address = wait_until("Chromium's address", || {
            let text = std::fs::read_to_string(&port_file).ok()?;
            let (port, path) = text.split_once('\n')?;
            Some(format!("ws://127.0.0.1:{port}{}", path.trim()))
        });
        Self::connect(Some((child, profile)), address).await
    }

    /// Another page of the same browser; ends with it.
    pub async fn tab(&self, url: &str) -> Self {
        let mut tab = Self::connect(None, self.address.clone()).await;
        tab.go(url).await;
        tab
    }

    async fn connect(process: Option<(Child, TempDir)>, address: String) -> Self {
        let (socket, _) = tokio_tungstenite::connect_async(&address).await.unwrap();
        let mut browser = Self {
            process,
            address,
            socket,
            next_id: 0,
            session: String::new(),
            sent: vec![],
            requests: vec![],
            errors: vec![],
        };
        let target = browser
            .call("Target.createTarget", json!({"url": "about:blank"}))
            .await;
        let attach = json!({"targetId": target["targetId"], "flatten": true});
        let session = browser.call("Target.attachToTarget", attach).await;
        browser.session = session["sessionId"].as_str().unwrap().to_owned();
        for domain in ["Runtime.enable", "Network.enable", "Page.enable"] {
            browser.call(domain, json!({})).await;
        }
        browser
    }

    pub async fn go(&mut self, url: &str) {
        self.call("Page.navigate", json!({"url": url})).await;
    }

    pub async fn call(&mut self, method: &str, params: Value) -> Value {
        self.next_id += 1;
        let id = self.next_id;
        let mut request = json!({"id": id, "method": method, "params": params});
        if !self.session.is_empty() {
            request["sessionId"] = json!(self.session);
        }
        self.socket
            .send(Message::Text(request.to_string().into()))
            .await
            .unwrap();
        loop {
            let next = tokio::time::timeout(DEADLINE, self.socket.next()).await;
            let Message::Text(text) = next.expect("Chromium answers").unwrap().unwrap() else {
                continue;
            };
            let answer: Value = serde_json::from_str(&text).unwrap();
            if answer["id"] == id {
                assert!(answer["error"].is_null(), "{method}: {answer}");
                return answer["result"].clone();
            }
            let event = &answer["params"];
            match answer["method"].as_str() {
                Some("Network.requestWillBeSent") => {
                    self.requests
                        .push(event["request"]["url"].as_str().unwrap().to_owned());
                }
                Some("Network.webSocketFrameSent") => self.sent.push(Sent::of(event)),
                Some("Runtime.exceptionThrown") => self.errors.push(event.to_string()),
                Some("Log.entryAdded") => self.errors.push(event.to_string()),
                _ => {}
            }
        }
    }

    pub async fn eval(&mut self, expression: &str) -> Value {
        let params = json!({"expression": expression, "awaitPromise": true, "returnByValue": true});
        let result = self.call("Runtime.evaluate", params).await;
        result["result"]["value"].clone()
    }

    /// Evaluates until it is what is wanted.
    pub async fn until(&mut self, expression: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        let end = std::time::Instant::now() + DEADLINE;
        loop {
            let value = self.eval(expression).await;
            if wanted(&value) {
                return value;
            }
            assert!(
                std::time::Instant::now() < end,
                "{expression} stayed {value}; errors: {:?}",
                self.errors
            );
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    pub async fn type_text(&mut self, text: &str) {
        self.call("Input.insertText", json!({"text": text})).await;
    }

    pub async fn key(&mut self, key: &str, code: &str, number: u32, modifiers: u32) {
        for kind in ["rawKeyDown", "keyUp"] {
            let params = json!({"type": kind, "key": key, "code": code, "windowsVirtualKeyCode": number, "modifiers": modifiers});
            self.call("Input.dispatchKeyEvent", params).await;
        }
    }

    /// Another size of the page's window.
    pub async fn window(&mut self, width: u32, height: u32) {
        let params =
            json!({"width": width, "height": height, "deviceScaleFactor": 1, "mobile": false});
        self.call("Emulation.setDeviceMetricsOverride", params)
            .await;
    }

    pub async fn mouse(&mut self, kind: &str, (x, y): (f64, f64), more: Value) {
        let mut params = json!({"type": kind, "x": x, "y": y, "button": "none"});
        for (name, value) in more.as_object().into_iter().flatten() {
            params[name] = value.clone();
        }
        self.call("Input.dispatchMouseEvent", params).await;
    }

    pub async fn click(&mut self, selector: &str) {
        let find = format!(
            "(() => {{ const r = document.querySelector('{selector}').getBoundingClientRect(); return [r.x + r.width / 2, r.y + r.height / 2]; }})()"
        );
        let at = self.eval(&find).await;
        let at = (at[0].as_f64().unwrap(), at[1].as_f64().unwrap());
        for kind in ["mousePressed", "mouseReleased"] {
            let left = json!({"button": "left", "clickCount": 1});
            self.mouse(kind, at, left).await;
        }
    }

    /// As if the person pasted `text`.
    pub async fn paste(&mut self, text: &str) {
        let text = json!(text);
        let paste = format!(
            "(() => {{ const data = new DataTransfer(); data.setData('text/plain', {text}); \
             document.activeElement.dispatchEvent(new ClipboardEvent('paste', {{ clipboardData: data, bubbles: true, cancelable: true }})); }})()"
        );
        self.eval(&paste).await;
    }

    pub async fn screenshot(&mut self, path: &std::path::Path) {
        let shot = self
            .call("Page.captureScreenshot", json!({"format": "png"}))
            .await;
        let bytes = base64::engine::general_purpose::STANDARD
            .decode(shot["data"].as_str().unwrap())
            .unwrap();
        std::fs::write(path, bytes).unwrap();
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        if let Some((child, _)) = &mut self.process {
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }
}

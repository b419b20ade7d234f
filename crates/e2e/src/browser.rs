//! Headless Chromium, driven over WebDriver.

use std::{
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::Arc,
    time::{Duration, Instant},
};

use fantoccini::{
    Client, ClientBuilder,
    wd::{TimeoutConfiguration, WindowHandle},
};
use hyper_util::client::legacy::connect::HttpConnector;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::json;
use tempfile::TempDir;
use tokio::{
    io::{AsyncBufReadExt as _, BufReader},
    sync::{Mutex, OnceCell},
};

use crate::{Page, within};

const MISSING: &str = "Chromium with its driver is missing: install it (Debian: apt-get install chromium chromium-driver) \
    or name the driver in CHROMEDRIVER";
const START: Duration = Duration::from_secs(30);
const STOP: Duration = Duration::from_secs(3);
/// Waits are bounded by their own deadlines; this only keeps the driver from giving up earlier.
const SCRIPT: Duration = Duration::from_secs(600);
const ARGUMENTS: [&str; 9] = [
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
];

/// One browser with a profile of its own. Dropping it kills the browser and its driver.
#[derive(Debug)]
pub struct Browser {
    session: Arc<Session>,
    first_page: OnceCell<()>,
    chromium: Option<Pid>,
    driver: Child,
    profile: TempDir,
}

/// The WebDriver session: one command at a time, since it has one current window.
#[derive(Debug)]
pub(crate) struct Session {
    pub(crate) client: Client,
    current: Mutex<WindowHandle>,
}

impl Session {
    /// Makes a window the current one and keeps it so until the guard is dropped.
    pub(crate) async fn switch_to(&self, window: &WindowHandle) -> tokio::sync::MutexGuard<'_, WindowHandle> {
        let mut current = self.current.lock().await;
        if *current != *window {
            self.client.switch_to_window(window.clone()).await.expect("the page's window is open");
            *current = window.clone();
        }
        current
    }

    /// Opens one more window or tab without switching to it.
    pub(crate) async fn new_window(&self, as_tab: bool) -> WindowHandle {
        let _current = self.current.lock().await;
        let made = self.client.new_window(as_tab).await.expect("a new window");
        made.handle
    }
}

impl Browser {
    /// Starts the driver on a free port and a browser with an empty profile.
    ///
    /// # Panics
    /// When Chromium or its driver is missing or does not start.
    pub async fn start() -> Self {
        Self::start_with(Questions::Agreed).await
    }

    /// As [`Self::start`], but a page that wants the user asked before it goes has [`Page::answer_whether_it_may_go`] asked.
    ///
    /// # Panics
    /// As [`Self::start`].
    pub async fn start_asking() -> Self {
        Self::start_with(Questions::Asked).await
    }

    async fn start_with(questions: Questions) -> Self {
        let profile = tempfile::tempdir().expect("a temporary folder for the browser's profile");
        let (driver, port) = start_driver(profile.path()).await;
        // From here on, dropping the value stops the driver, also when the browser does not start.
        let mut driver = StopOnDrop(Some(driver));
        let client = within("the browser to start", START, connect(port, profile.path(), questions)).await;
        let chromium = client.capabilities().and_then(|capabilities| {
            let id = capabilities.get("goog:processID")?.as_i64()?;
            Pid::from_raw(i32::try_from(id).ok()?)
        });
        let timeouts = TimeoutConfiguration::new(Some(SCRIPT), Some(Duration::from_secs(60)), Some(Duration::ZERO));
        client.update_timeouts(timeouts).await.expect("the driver takes timeouts");
        let current = client.window().await.expect("the browser's first window");
        let session = Arc::new(Session { client, current: Mutex::new(current) });
        Self { session, first_page: OnceCell::new(), chromium, driver: driver.0.take().expect("the driver runs"), profile }
    }

    /// A page in a window of its own, with nothing opened in it.
    ///
    /// # Panics
    /// When the browser is gone.
    pub async fn page(&self) -> Page {
        let window =
            if self.first_page.set(()).is_ok() { self.session.current.lock().await.clone() } else { self.session.new_window(false).await };
        Page::new(Arc::clone(&self.session), window)
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        if let Some(chromium) = self.chromium {
            let _ = kill_process(chromium, Signal::KILL);
        }
        stop(&mut self.driver);
        // The browser's last children may still write into the profile.
        let deadline = Instant::now() + STOP;
        while std::fs::remove_dir_all(self.profile.path()).is_err() && Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

struct StopOnDrop(Option<Child>);

impl Drop for StopOnDrop {
    fn drop(&mut self) {
        if let Some(driver) = &mut self.0 {
            stop(driver);
        }
    }
}

fn stop(driver: &mut Child) {
    let _ = driver.kill();
    let _ = driver.wait();
}

async fn start_driver(folder: &Path) -> (Child, u16) {
    let path = std::env::var_os("CHROMEDRIVER").map_or_else(|| PathBuf::from("chromedriver"), PathBuf::from);
    // What the browser leaves behind when it is killed goes the way of its profile.
    let spawned = Command::new(path)
        .env("TMPDIR", folder)
        .args(["--port=0", "--log-level=SEVERE"])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn();
    let Ok(mut driver) = spawned else { panic!("{MISSING}") };
    let stdout = driver.stdout.take().expect("the driver's stdout is a pipe");
    let stdout = tokio::process::ChildStdout::from_std(stdout).expect("the driver's stdout is readable");
    let mut lines = BufReader::new(stdout).lines();
    let port = within("the driver to name its port", START, async {
        while let Ok(Some(line)) = lines.next_line().await {
            if let Some(port) = line.trim_end_matches('.').rsplit_once("successfully on port ").and_then(|(_, port)| port.parse().ok()) {
                return port;
            }
        }
        panic!("{MISSING}: it ended without naming its port");
    });
    let port = port.await;
    // The driver must not meet a closed pipe when it has something more to say.
    tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
    (driver, port)
}

/// What becomes of a page's question whether it may go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Questions {
    /// The driver agrees.
    Agreed,
    /// It waits for an answer.
    Asked,
}

async fn connect(port: u16, profile: &Path, questions: Questions) -> Client {
    let mut arguments: Vec<String> = ARGUMENTS.map(str::to_owned).to_vec();
    arguments.push(format!("--user-data-dir={}", profile.join("profile").display()));
    let mut capabilities = json!({
        "browserName": "chrome",
        "goog:chromeOptions": { "args": arguments, "excludeSwitches": ["disable-back-forward-cache"] },
        "goog:loggingPrefs": { "browser": "ALL" },
    });
    if questions == Questions::Asked {
        // Without BiDi the driver agrees by itself, whatever it is told here.
        capabilities["webSocketUrl"] = json!(true);
        capabilities["unhandledPromptBehavior"] = json!({ "beforeUnload": "ignore" });
    }
    let serde_json::Value::Object(capabilities) = capabilities else { unreachable!("written as an object") };
    let connected = ClientBuilder::new(HttpConnector::new()).capabilities(capabilities).connect(&format!("http://127.0.0.1:{port}")).await;
    match connected {
        Ok(client) => client,
        Err(error) => panic!("{MISSING} (the driver says: {error})"),
    }
}

//! Other people's web servers, with the client's files behind them.

use std::{
    fs,
    net::{SocketAddr, TcpListener},
    path::{Path, PathBuf},
    process::Stdio,
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::json;
use tempfile::TempDir;
use tokio::{
    io::{AsyncBufReadExt as _, AsyncRead, BufReader},
    process::{Child, Command},
};

use crate::{client_files, within};

const START: Duration = Duration::from_secs(20);
const STOP: Duration = Duration::from_secs(3);

/// `python3 -m http.server` with the client at its root. Dropping it stops the server.
#[derive(Debug)]
pub struct PythonServer {
    address: SocketAddr,
    files: TempDir,
    _process: Child,
}

impl PythonServer {
    /// Starts it on a free loopback port, with a copy of the client.
    ///
    /// # Panics
    /// When Python is missing or the server does not start.
    pub async fn start() -> Self {
        let files = tempfile::tempdir().expect("a temporary folder for the server");
        copy_folder(&client_files(), files.path());
        let mut command = Command::new("python3");
        command.args(["-u", "-m", "http.server", "0", "--bind", "127.0.0.1", "--directory"]).arg(files.path());
        let spawned = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).kill_on_drop(true).spawn();
        let Ok(mut process) = spawned else { panic!("python3 is missing: install it (Debian: apt-get install python3)") };
        let said = line_with(process.stdout.take().expect("stdout is a pipe"), "Serving HTTP on").await;
        let port = said.split_whitespace().skip_while(|word| *word != "port").nth(1).and_then(|port| port.parse().ok());
        let address = SocketAddr::from(([127, 0, 0, 1], port.expect("python3 names its port")));
        Self { address, files, _process: process }
    }

    /// The page's origin.
    #[must_use]
    pub fn origin(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The page's address.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}/", self.address)
    }

    /// Writes the page's config.json: the gateway is elsewhere.
    ///
    /// # Panics
    /// When it cannot be written.
    pub fn point_at(&self, gateway: SocketAddr) {
        write_config(self.files.path(), gateway);
    }
}

/// nginx's `proxy_buffering`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Buffering {
    /// As nginx comes.
    On,
    /// As its users write for event streams.
    Off,
}

/// nginx with the client in a sub-folder, or before a gateway. Dropping it stops the server.
#[derive(Debug)]
pub struct Nginx {
    address: SocketAddr,
    files: TempDir,
    process: Child,
}

impl Nginx {
    /// The path at which the client is served.
    const FOLDER: &str = "tools/moorline";

    /// Starts it on a loopback port that was free a moment ago, with a copy of the client.
    ///
    /// # Panics
    /// When nginx is missing or does not start.
    pub async fn start() -> Self {
        let files = tempfile::tempdir().expect("a temporary folder for nginx");
        copy_folder(&client_files(), &files.path().join("www").join(Self::FOLDER));
        let server = format!("root {}/www;", files.path().display());
        Self::start_with(files, &server).await
    }

    /// Starts it on a loopback port that was free a moment ago, as a reverse proxy that gives the gateway one second to answer.
    ///
    /// # Panics
    /// When nginx is missing or does not start.
    pub async fn start_before(gateway: SocketAddr, buffering: Buffering) -> Self {
        let files = tempfile::tempdir().expect("a temporary folder for nginx");
        let buffering = match buffering {
            Buffering::On => "on",
            Buffering::Off => "off",
        };
        let server = format!(
            "location / {{
              proxy_pass http://{gateway}; proxy_http_version 1.1; proxy_buffering {buffering}; proxy_read_timeout 1s;
              proxy_set_header Host $http_host; proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection $connection_upgrade;
            }}"
        );
        Self::start_with(files, &server).await
    }

    async fn start_with(files: TempDir, server: &str) -> Self {
        let address = free_address();
        let config = files.path().join("nginx.conf");
        fs::write(&config, configuration(address, files.path(), server)).expect("nginx's configuration");
        let mut command = Command::new(nginx_program());
        command.arg("-e").arg("stderr").arg("-p").arg(files.path()).arg("-c").arg(&config);
        let spawned = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).kill_on_drop(true).spawn();
        let Ok(mut process) = spawned else { panic!("nginx is missing: install it (Debian: apt-get install nginx-light)") };
        line_with(process.stderr.take().expect("stderr is a pipe"), "start worker process ").await;
        Self { address, files, process }
    }

    /// Where it listens.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// The page's origin.
    #[must_use]
    pub fn origin(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The page's address.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}/{}/", self.address, Self::FOLDER)
    }

    /// Writes the page's config.json: the gateway is elsewhere.
    ///
    /// # Panics
    /// When it cannot be written.
    pub fn point_at(&self, gateway: SocketAddr) {
        write_config(&self.files.path().join("www").join(Self::FOLDER), gateway);
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        // SIGKILL would leave its workers behind.
        if let Some(pid) = self.process.id().and_then(|id| Pid::from_raw(i32::try_from(id).ok()?)) {
            let _ = kill_process(pid, Signal::TERM);
        }
        let deadline = Instant::now() + STOP;
        while matches!(self.process.try_wait(), Ok(None)) && Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

fn nginx_program() -> PathBuf {
    // Debian puts it where an ordinary user's PATH does not look.
    let debian = Path::new("/usr/sbin/nginx");
    if debian.is_file() { debian.to_owned() } else { "nginx".into() }
}

fn configuration(address: SocketAddr, folder: &Path, server: &str) -> String {
    let folder = folder.display();
    // Workers must be able to read a private temporary folder.
    let user = if rustix::process::geteuid().is_root() { "user root;" } else { "" };
    format!(
        "daemon off; {user} worker_processes 1; pid {folder}/pid; error_log stderr notice;
        events {{ worker_connections 256; }}
        http {{
          access_log off;
          types {{ text/html html; text/css css; text/javascript js; application/wasm wasm; application/json json; image/svg+xml svg; }}
          client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
          uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
          map $http_upgrade $connection_upgrade {{ default upgrade; '' ''; }}
          server {{ listen {address}; {server} }}
        }}"
    )
}

fn free_address() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free loopback port");
    listener.local_addr().expect("the listener's own address")
}

fn write_config(folder: &Path, gateway: SocketAddr) {
    let config = json!({ "gatewayUrl": format!("http://{gateway}/") });
    fs::write(folder.join("config.json"), config.to_string()).expect("the page's config.json");
}

fn copy_folder(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("the copy's folder");
    for entry in fs::read_dir(from).expect("the client's folder") {
        let entry = entry.expect("an entry of the client's folder");
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy_folder(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).expect("a file of the client");
        }
    }
}

/// The first line that contains a text; later lines are read and forgotten, so that the server never meets a full pipe.
async fn line_with(pipe: impl AsyncRead + Send + Unpin + 'static, text: &str) -> String {
    let mut lines = BufReader::new(pipe).lines();
    let mut said = String::new();
    let what = format!("a server to say {text:?}");
    let found = within(&what, START, async {
        while let Ok(Some(line)) = lines.next_line().await {
            if line.contains(text) {
                return Some(line);
            }
            said += &line;
            said.push('\n');
        }
        None
    })
    .await;
    let Some(found) = found else { panic!("a server ended before it said {text:?}; it said\n{said}") };
    tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
    found
}

//! The gateway beside the tests in the browser: they find it one port above their own page's.

use std::env;
use std::fs;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crate::failure::{Failure, Outcome};
use crate::process;

/// What a login takes; `tests/gateway.rs` knows it.
const TOKEN: &str = "browser-tests";
/// Quick turns; snapshots that leave something to load; on SSE, a look for a WebSocket each half second.
const OPTIONS: [&str; 8] =
    ["--agent", "demo:--delay-ms 4", "--snapshot-turns", "3", "--upgrade-ms", "500", "--log", "moorline_gateway=warn"];
/// Two ports in a row are looked for from here on, in so many pairs.
const FIRST_PORT: u16 = 20_000;
const PAIRS: u64 = 6_000;
const START: Duration = Duration::from_secs(20);
const STOP: Duration = Duration::from_secs(10);
/// Between two looks whether something has happened.
const PAUSE: Duration = Duration::from_millis(20);

/// A running `moorline-gateway serve` that takes the pages of one address. Dropping it stops the process.
#[derive(Debug)]
pub(crate) struct Gateway {
    process: Child,
    page: SocketAddr,
}

impl Gateway {
    /// Starts it on a free port above another free one, with its data in a folder that is emptied first.
    ///
    /// # Errors
    ///
    /// When there are no such ports, or it does not listen within twenty seconds.
    pub(crate) fn start(program: &Path, data: &Path) -> Outcome<Self> {
        let (page, own) = two_free_ports()?;
        if data.exists() {
            fs::remove_dir_all(data).map_err(|error| Failure::io(format_args!("cannot empty {}", data.display()), &error))?;
        }
        let mut command = process::command(program);
        command.args(["serve", "--listen", &own.to_string(), "--token", TOKEN, "--allow-origin", &format!("http://{page}")]);
        // Options of the person who runs the tests must not reach this one.
        for (name, _) in env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("MOORLINE_")) {
            command.env_remove(name);
        }
        command.args(OPTIONS).arg("--data").arg(data).stdin(Stdio::null()).stdout(Stdio::null());
        let process = command.spawn().map_err(|error| Failure::io("cannot start the gateway beside the tests", &error))?;
        let mut gateway = Self { process, page };
        let deadline = Instant::now() + START;
        while TcpStream::connect(own).is_err() {
            if gateway.has_ended() || Instant::now() > deadline {
                return Err(Failure::new(format!("the gateway beside the tests does not listen on {own}")));
            }
            thread::sleep(PAUSE);
        }
        Ok(gateway)
    }

    /// Where the tests' page has to be served, for the gateway to take it.
    pub(crate) const fn page(&self) -> SocketAddr {
        self.page
    }

    fn has_ended(&mut self) -> bool {
        !matches!(self.process.try_wait(), Ok(None))
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        // Asked, it ends its agents too; what does not end is killed.
        let asked = process::output(process::command("kill").arg(self.process.id().to_string()));
        let deadline = Instant::now() + STOP;
        while asked.is_ok() && !self.has_ended() && Instant::now() < deadline {
            thread::sleep(PAUSE);
        }
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Below the ports that a system gives to outgoing connections: between two test binaries nobody takes one.
fn two_free_ports() -> Outcome<(SocketAddr, SocketAddr)> {
    let is_free = |address: &SocketAddr| TcpListener::bind(address).is_ok();
    // Each process begins at another place, so that two of them seldom look at the same ports.
    let places = (0..PAIRS).map(|look| (u64::from(std::process::id()) + look) % PAIRS);
    let ports = places.filter_map(|place| u16::try_from(place * 2).ok()).map(|offset| FIRST_PORT + offset);
    let pairs = ports.map(|port| [port, port + 1].map(|port| SocketAddr::from((Ipv4Addr::LOCALHOST, port))));
    let free = pairs.map(|[page, own]| (page, own)).find(|(page, own)| is_free(page) && is_free(own));
    free.ok_or_else(|| Failure::new("cannot find two free ports in a row"))
}

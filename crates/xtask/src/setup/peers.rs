//! The servers that the gateway is compared with, each of one fixed version.

use std::path::PathBuf;

use super::tools;
use crate::failure::Outcome;
use crate::workspace::Workspace;

const DURABLE_STREAMS: &str = "0.1.5";
const SOCKET_IO: &str = "4.8.4";

/// Where they stand.
#[derive(Debug)]
pub(crate) struct Peers {
    /// The program `durable-streams-server`.
    pub(crate) durable_streams: PathBuf,
    /// The folder of modules in which socket.io is.
    pub(crate) socket_io: PathBuf,
}

impl Peers {
    /// Gets what is missing.
    ///
    /// # Errors
    ///
    /// When one can be neither downloaded nor built.
    pub(crate) fn ensure(workspace: &Workspace) -> Outcome<Self> {
        // It does not tell its version, so the version is part of the folder's name.
        let root = workspace.tools.join(format!("durable-streams-{DURABLE_STREAMS}"));
        let durable_streams = root.join("bin/durable-streams-server");
        if !durable_streams.is_file() {
            tools::install(&root, "durable-streams", DURABLE_STREAMS, &[], "2 minutes")?;
        }
        let folder = workspace.tools.join("peers");
        tools::from_npm(&folder, "socket.io", "socket.io", SOCKET_IO)?;
        Ok(Self { durable_streams, socket_io: folder.join("node_modules") })
    }
}

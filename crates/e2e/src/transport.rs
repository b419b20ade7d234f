//! What a scenario's frames travel on.

use crate::{Counters, Cut};

/// What the page's frames travel on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transport {
    /// One WebSocket, both ways.
    WebSocket,
    /// An event stream down and a POST for each frame up: the proxy refuses every WebSocket.
    Sse,
}

impl Transport {
    /// How many connections there were: WebSockets, or event streams.
    #[must_use]
    pub const fn connections(self, counters: &Counters) -> u64 {
        match self {
            Self::WebSocket => counters.upgrades,
            Self::Sse => counters.streams,
        }
    }

    /// Whether a page loses its connection by a cut. What goes up beside an event stream goes over new connections once those
    /// in the hole are given up, and the stream itself goes on.
    #[must_use]
    pub const fn is_ended_by(self, cut: Cut) -> bool {
        !matches!((self, cut), (Self::Sse, Cut::HoleUp))
    }

    /// The bytes down that [`crate::Proxy::cut_after`] counts.
    #[must_use]
    pub const fn bytes_down(self, counters: &Counters) -> u64 {
        match self {
            Self::WebSocket => counters.websocket_down,
            Self::Sse => counters.stream_down,
        }
    }
}

/// Makes two tests of each scenario, `websocket::NAME` and `sse::NAME`. A scenario is a function in the same file that takes
/// the [`Transport`].
#[macro_export]
macro_rules! on_both_transports {
    ($($scenario:ident),+ $(,)?) => {
        mod websocket {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $scenario() {
                    super::$scenario($crate::Transport::WebSocket).await;
                }
            )+
        }

        mod sse {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $scenario() {
                    super::$scenario($crate::Transport::Sse).await;
                }
            )+
        }
    };
}

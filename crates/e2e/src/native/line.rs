//! The lines that frames come down on: a WebSocket, or an event stream.

use futures_util::{SinkExt as _, StreamExt as _};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use moorline_delivery::LinkId;
use moorline_protocol::Hello;
use tokio::{
    sync::mpsc,
    task::{AbortHandle, JoinSet},
};
use tokio_tungstenite::tungstenite::Message;

use super::{driver::Input, http::Gateway};

/// A line that is opened, or stands. Dropping it ends it.
#[derive(Debug)]
pub(super) struct Line {
    /// None on a stream: what goes up beside it is posted.
    up: Option<mpsc::UnboundedSender<String>>,
    task: AbortHandle,
}

impl Line {
    /// Opens a WebSocket: what becomes of it comes to `inputs`.
    pub(super) fn socket(tasks: &mut JoinSet<()>, gateway: Gateway, link: LinkId, inputs: mpsc::Sender<Input>) -> Self {
        let (up, frames) = mpsc::unbounded_channel();
        let task = tasks.spawn(async move {
            socket(gateway, link, &inputs, frames).await;
            let _ = inputs.send(Input::Closed(link)).await;
        });
        Self { up: Some(up), task }
    }

    /// Opens an event stream.
    pub(super) fn stream(tasks: &mut JoinSet<()>, gateway: Gateway, link: LinkId, hello: Hello, inputs: mpsc::Sender<Input>) -> Self {
        let task = tasks.spawn(async move {
            if let Some(body) = gateway.open_stream(&hello).await {
                stream(body, link, &inputs).await;
            }
            let _ = inputs.send(Input::Closed(link)).await;
        });
        Self { up: None, task }
    }

    pub(super) fn transmit(&self, text: String) {
        // One that is gone is told of by its input.
        let _ = self.up.as_ref().map(|up| up.send(text));
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn socket(gateway: Gateway, link: LinkId, inputs: &mpsc::Sender<Input>, mut frames: mpsc::UnboundedReceiver<String>) {
    let Ok(socket) = gateway.open_socket().await else { return };
    if inputs.send(Input::Opened(link)).await.is_err() {
        return;
    }
    let (mut sink, mut stream) = socket.split();
    let write = async {
        while let Some(text) = frames.recv().await {
            if sink.send(Message::text(text)).await.is_err() {
                return;
            }
        }
    };
    let read = async {
        while let Some(Ok(message)) = stream.next().await {
            if let Message::Text(text) = message
                && inputs.send(Input::Text(link, text.as_str().to_owned())).await.is_err()
            {
                return;
            }
        }
    };
    // Each waits without the other: a gateway that is busy writing reads late.
    tokio::select! {
        () = write => {}
        () = read => {}
    }
}

async fn stream(mut body: Incoming, link: LinkId, inputs: &mpsc::Sender<Input>) {
    let mut lines = Lines::default();
    if inputs.send(Input::Opened(link)).await.is_err() {
        return;
    }
    while let Some(Ok(frame)) = body.frame().await {
        let Ok(bytes) = frame.into_data() else { continue };
        for text in lines.push(&bytes) {
            if inputs.send(Input::Text(link, text)).await.is_err() {
                return;
            }
        }
    }
}

/// The data of server-sent events, of which the gateway writes one line each.
#[derive(Debug, Default)]
struct Lines(Vec<u8>);

impl Lines {
    /// Takes bytes in; answers what is whole.
    fn push(&mut self, bytes: &[u8]) -> Vec<String> {
        self.0.extend_from_slice(bytes);
        let Some(end) = self.0.iter().rposition(|byte| *byte == b'\n') else { return Vec::new() };
        let rest = self.0.split_off(end + 1);
        let whole = std::mem::replace(&mut self.0, rest);
        let lines = whole.split(|byte| *byte == b'\n');
        lines.filter_map(|line| Some(String::from_utf8_lossy(line.strip_prefix(b"data: ")?).into_owned())).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_read_however_the_bytes_are_cut() {
        let text = "id: a\ndata: {\"ü\"}\n\ndata: two\n\n".as_bytes();
        for cut in 0..text.len() {
            let mut lines = Lines::default();
            let mut read = lines.push(&text[..cut]);
            read.extend(lines.push(&text[cut..]));
            assert_eq!(read, ["{\"ü\"}", "two"], "cut at {cut}");
        }
    }
}

//! A socket that goes over from HTTP to a connection's driver, for good.
//!
//! HTTP keeps two buffers and a state machine for each socket, which a connection that is idle for hours has no use for. So
//! an answer may carry a handover: its head is written, HTTP is dropped, and what is left is the bare socket.

use std::{
    fmt::Write as _,
    io,
    sync::{Arc, Mutex, PoisonError},
    time::SystemTime,
};

use axum::{
    body::{Body, Bytes},
    http::StatusCode,
    response::Response,
};
use futures_util::future::BoxFuture;
use tokio::{io::AsyncWriteExt as _, net::TcpStream};

use super::watched::Watched;

/// What is done with the socket, and with what has been read of it behind the request.
type Take = Box<dyn FnOnce(TcpStream, Bytes) -> BoxFuture<'static, ()> + Send>;

/// Takes a socket over, once. Travels in the extensions of the answer.
#[derive(Clone)]
pub(crate) struct Handover(Arc<Mutex<Option<Take>>>);

impl Handover {
    /// An answer without a body of its own, behind whose head the socket is another's.
    pub(crate) fn answer<F: Future<Output = ()> + Send + 'static>(
        status: StatusCode,
        take: impl FnOnce(TcpStream, Bytes) -> F + Send + 'static,
    ) -> Response {
        let take: Take = Box::new(|socket, rest| Box::pin(take(socket, rest)));
        let mut response = Response::new(Body::empty());
        *response.status_mut() = status;
        response.extensions_mut().insert(Self(Arc::new(Mutex::new(Some(take)))));
        response
    }
}

/// An answer's head, and who takes the socket behind it.
pub(super) struct Handed {
    head: String,
    take: Take,
}

impl Handed {
    /// What an answer hands over, if it does.
    pub(super) fn by(response: &mut Response) -> Option<Self> {
        let Handover(take) = response.extensions_mut().remove::<Handover>()?;
        let take = take.lock().unwrap_or_else(PoisonError::into_inner).take()?;
        Some(Self { head: head(response), take })
    }

    /// Writes the head and gives the socket over.
    ///
    /// # Errors
    /// When the head cannot be written.
    pub(super) async fn take(self, mut socket: Watched, rest: Bytes) -> io::Result<BoxFuture<'static, ()>> {
        socket.write_all(self.head.as_bytes()).await?;
        Ok((self.take)(socket.into_inner(), rest))
    }
}

fn head(response: &Response) -> String {
    let mut head = format!("HTTP/1.1 {}\r\ndate: {}\r\n", response.status(), httpdate::fmt_http_date(SystemTime::now()));
    for (name, value) in response.headers() {
        if let Ok(value) = value.to_str() {
            let _ = write!(head, "{name}: {value}\r\n");
        }
    }
    head.push_str("\r\n");
    head
}

//! The HTTP server below the routes: it accepts, serves, and gives up whoever does not read.

mod handover;
mod watched;

use std::{
    io,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use axum::Router;
use futures_util::future::BoxFuture;
use hyper::{
    Request,
    body::Incoming,
    server::conn::http1::{self, Parts},
    service::{Service as _, service_fn},
};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use tokio::{net::TcpListener, sync::oneshot, task::JoinSet};
use tokio_util::sync::CancellationToken;

use handover::Handed;
pub(crate) use handover::Handover;
use watched::Watched;

/// What one socket may buffer, in bytes: it bounds what a reader that stalls costs, and the head of a request.
const BUFFER_BYTES: usize = 64 << 10;

/// How long a socket may be open without a whole head of a request: also between two requests.
const HEAD_LIMIT: Duration = Duration::from_secs(60);

/// How long to wait before accepting again, when the system has no more sockets to give.
const ACCEPT_PAUSE: Duration = Duration::from_secs(1);

/// Serves until told to stop, then until every request that was under way is answered; dropping it ends them all.
///
/// A socket to which one write is pending for longer than `stall_limit` is given up.
pub(crate) async fn serve(listener: TcpListener, app: Router, stall_limit: Duration, stop: CancellationToken) {
    let mut sockets = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            Some(_) = sockets.join_next() => continue,
            () = stop.cancelled() => break,
        };
        let stream = match accepted {
            Ok((stream, _)) => stream,
            Err(error) if is_of_one_socket(&error) => continue,
            Err(error) => {
                tracing::error!(%error, "cannot accept");
                tokio::time::sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        // Small frames must not wait for each other; a socket that cannot do this still works.
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "no TCP_NODELAY");
        }
        sockets.spawn(serve_socket(Watched::new(stream, stall_limit), app.clone(), stop.clone()));
    }
    drop(listener);
    while sockets.join_next().await.is_some() {}
}

/// Serves one socket until it ends; once told to stop, it ends behind the request at work.
///
/// Each stage is in a box of its own: what waits for hours is the last one, and it should not be as large as the first.
fn serve_socket(socket: Watched, app: Router, stop: CancellationToken) -> impl Future<Output = ()> + Send {
    let http = Box::pin(serve_http(socket, app, stop));
    async {
        if let Some(taken) = http.await {
            taken.await;
        }
    }
}

/// Serves requests, until the socket ends or is handed over.
async fn serve_http(socket: Watched, app: Router, stop: CancellationToken) -> Option<BoxFuture<'static, ()>> {
    let (hand, mut handed) = oneshot::channel();
    let (hand, app) = (Mutex::new(Some(hand)), TowerToHyperService::new(app));
    let service = service_fn(|request: Request<Incoming>| {
        let (answer, hand) = (app.call(request), &hand);
        async move {
            let mut response = answer.await?;
            let Some(over) = Handed::by(&mut response) else { return Ok::<_, std::convert::Infallible>(response) };
            let hand = hand.lock().unwrap_or_else(PoisonError::into_inner).take();
            let _ = hand.map(|hand| hand.send(over));
            // Nothing more is said in HTTP.
            std::future::pending().await
        }
    });
    let mut serving = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_LIMIT)
        .max_buf_size(BUFFER_BYTES)
        .serve_connection(TokioIo::new(socket), service);
    let mut is_stopping = false;
    let over = loop {
        tokio::select! {
            biased;
            end = &mut serving => {
                if let Err(error) = end {
                    tracing::debug!(%error, "a socket ended");
                }
                return None;
            }
            Ok(over) = &mut handed => break over,
            () = stop.cancelled(), if !is_stopping => {
                is_stopping = true;
                Pin::new(&mut serving).graceful_shutdown();
            }
        }
    };
    let Parts { io, read_buf, .. } = serving.into_parts();
    let socket = io.into_inner();
    // Only a client that does not read the answers before it comes to this.
    if socket.is_blocked() {
        return None;
    }
    over.take(socket, read_buf).await.inspect_err(|error| tracing::debug!(%error, "a socket ended")).ok()
}

/// Whether only the socket that was about to be accepted failed.
fn is_of_one_socket(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::ConnectionRefused | io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset)
}

//! The HTTP server below the routes: it accepts, serves, and gives up whoever does not read.

mod watched;

use std::{io, pin::pin, time::Duration};

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use tokio::{net::TcpListener, task::JoinSet};
use tokio_util::sync::CancellationToken;

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

/// Serves one socket until it ends, or has become a WebSocket; once told to stop, it ends behind the request at work.
async fn serve_socket(socket: Watched, app: Router, stop: CancellationToken) {
    let serving = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_LIMIT)
        .max_buf_size(BUFFER_BYTES)
        .serve_connection(TokioIo::new(socket), TowerToHyperService::new(app))
        .with_upgrades();
    let mut serving = pin!(serving);
    let end = tokio::select! {
        end = &mut serving => end,
        () = stop.cancelled() => {
            serving.as_mut().graceful_shutdown();
            serving.await
        }
    };
    if let Err(error) = end {
        tracing::debug!(%error, "a socket ended");
    }
}

/// Whether only the socket that was about to be accepted failed.
fn is_of_one_socket(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::ConnectionRefused | io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset)
}

//! The gateway's doors, as the page's transport knocks at them.

use std::net::SocketAddr;

use http_body_util::{BodyExt as _, Full};
use hyper::{
    HeaderMap, Method, Request, Response, StatusCode,
    body::{Bytes, Incoming},
    header,
};
use hyper_util::{
    client::legacy::{Client, Error, connect::HttpConnector},
    rt::TokioExecutor,
};
use moorline_delivery::{Checked, Posted};
use moorline_protocol::{
    CONNECTION_HEADER, ClientFrame, ConnectionId, ErrorBody, ErrorFrame, GatewayFrame, Hello, Millis, SUBPROTOCOL, decode_gateway, encode,
};
use tokio::net::TcpStream;
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream,
    tungstenite::{self, client::IntoClientRequest as _},
};
use url::Url;

/// One gateway, and the login for it; cloning is cheap.
#[derive(Debug, Clone)]
pub(super) struct Gateway {
    address: SocketAddr,
    cookie: String,
    client: Client<HttpConnector, Full<Bytes>>,
}

impl Gateway {
    pub(super) fn new(address: SocketAddr, cookie: &str) -> Self {
        Self { address, cookie: cookie.to_owned(), client: Client::builder(TokioExecutor::new()).build_http() }
    }

    pub(super) async fn open_socket(&self) -> Result<WebSocketStream<MaybeTlsStream<TcpStream>>, tungstenite::Error> {
        let mut request = format!("ws://{}/v1/connect", self.address).into_client_request()?;
        request.headers_mut().insert(header::SEC_WEBSOCKET_PROTOCOL, SUBPROTOCOL.parse()?);
        request.headers_mut().insert(header::COOKIE, self.cookie.parse()?);
        Ok(tokio_tungstenite::connect_async(request).await?.0)
    }

    /// The body of an event stream; none when there is none.
    pub(super) async fn open_stream(&self, hello: &Hello) -> Option<Incoming> {
        let url = Url::parse_with_params(&format!("http://{}/v1/events", self.address), [("hello", encode(hello))]).ok()?;
        let response = self.request(self.builder(Method::GET, url.as_str()), String::new()).await.ok()?;
        (response.status() == StatusCode::OK).then(|| response.into_body())
    }

    pub(super) async fn check(&self) -> Checked {
        let request = self.builder(Method::HEAD, &format!("http://{}/v1/events", self.address));
        match self.request(request, String::new()).await {
            Ok(response) if response.status() == StatusCode::NO_CONTENT => Checked::Welcome,
            Ok(response) if response.status() == StatusCode::UNAUTHORIZED => Checked::Unauthorized,
            Ok(response) => Checked::Refused { retry_after: retry_after(response.headers()) },
            Err(_) => Checked::NoAnswer,
        }
    }

    pub(super) async fn post(&self, connection: &ConnectionId, frame: &ClientFrame) -> Posted {
        let request = self.builder(Method::POST, &format!("http://{}/v1/{}", self.address, frame.kind()));
        let request = request.header(CONNECTION_HEADER, connection.as_str()).header(header::CONTENT_TYPE, "application/json");
        let Ok(response) = self.request(request, encode(frame)).await else { return Posted::NoAnswer };
        let (status, retry_after) = (response.status(), retry_after(response.headers()));
        let Ok(body) = response.into_body().collect().await else { return Posted::NoAnswer };
        posted(status, retry_after, &body.to_bytes())
    }

    fn builder(&self, method: Method, url: &str) -> hyper::http::request::Builder {
        Request::builder().method(method).uri(url).header(header::COOKIE, &self.cookie)
    }

    async fn request(&self, request: hyper::http::request::Builder, body: String) -> Result<Response<Incoming>, Error> {
        self.client.request(request.body(Full::new(body.into())).expect("a request")).await
    }
}

fn posted(status: StatusCode, retry_after: Option<Millis>, body: &[u8]) -> Posted {
    if status == StatusCode::NO_CONTENT {
        return Posted::Done;
    }
    let text = String::from_utf8_lossy(body);
    if status.is_success()
        && let Ok(GatewayFrame::Receipt(receipt)) = decode_gateway(&text)
    {
        return Posted::Receipt(receipt);
    }
    match serde_json::from_str::<ErrorBody>(&text) {
        Ok(ErrorBody { code, message, retry_after_ms }) if status.as_u16() >= 400 => {
            Posted::Refused(ErrorFrame { retry_after_ms: retry_after_ms.or(retry_after), ..ErrorFrame::new(code, message) })
        }
        Ok(_) | Err(_) => Posted::Status { status: status.as_u16(), retry_after },
    }
}

/// The gateway says it in seconds.
fn retry_after(headers: &HeaderMap) -> Option<Millis> {
    let seconds: u64 = headers.get(header::RETRY_AFTER)?.to_str().ok()?.parse().ok()?;
    Some(Millis(seconds.saturating_mul(1_000)))
}

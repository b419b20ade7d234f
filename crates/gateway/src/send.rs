//! `moorline-gateway send`: a message from a script, by the same way as one from a page.
//!
//! It is a client without a connection: the message gets an id, and is tried under it up to three times, so that it counts
//! once. What the turn comes to is in the session's journal, whether or not anybody looks.

use std::{
    fs,
    io::{self, Read as _},
    path::PathBuf,
    process::ExitCode,
    time::Duration,
};

use clap::Args;
use moorline_protocol::{
    BlockId, BlockKind, CLIENT_HEADER, ClientFrame, ClientId, Code, Create, Epoch, ErrorBody, Event, EventBody, GatewayFrame, MessageId,
    Millis, RawEvents, Receipt, ReceiptOutcome, Send, SendBody, Seq, SessionId, TurnState, decode_gateway, encode,
};
use reqwest::{Client, RequestBuilder, Response, StatusCode};
use tokio::time::sleep;

use crate::{data_dir::DataDir, options::Token, random};

/// Real tries, and what lies between them.
const ATTEMPTS: usize = 3;
const WAITS: [Duration; ATTEMPTS - 1] = [Duration::from_secs(1), Duration::from_secs(5)];

/// The longest wait that is kept when the gateway names one.
const LONGEST_WAIT: Duration = Duration::from_secs(600);

/// How long one try may take.
const TRY_LIMIT: Duration = Duration::from_secs(15);

/// Between two looks at the journal of a turn that is waited for.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// The options of `send`.
#[derive(Debug, Clone, Args)]
pub struct SendOptions {
    /// The data folder of a gateway that runs on this machine: tells where it listens, and its token.
    #[arg(long, env = "MOORLINE_DATA", value_name = "DIR", required_unless_present = "url")]
    data: Option<PathBuf>,
    /// Where the gateway is, such as `https://example.org/agents/`; a link that it printed has the token in it.
    #[arg(long, env = "MOORLINE_URL", value_name = "URL")]
    url: Option<String>,
    /// The gateway's token, where neither the folder nor the link has it.
    #[arg(long, env = "MOORLINE_TOKEN", hide_env_values = true)]
    token: Option<Token>,
    /// The session.
    #[arg(long, value_name = "ID")]
    session: String,
    /// Make the session if there is none.
    #[arg(long)]
    create: bool,
    /// The agent of a session that is made; without it, the gateway's first one.
    #[arg(long, value_name = "NAME", requires = "create")]
    agent: Option<String>,
    /// Stay until the turn is over, print the agent's answer, and tell by the exit code how it ended.
    #[arg(long)]
    wait: bool,
    /// The message; `-` reads it from stdin.
    #[arg(value_name = "TEXT")]
    text: String,
}

/// Why a message was not sent, or its turn did not end well. Each has an exit code of its own.
#[derive(Debug, thiserror::Error)]
pub enum SendError {
    /// The options do not fit: code 2.
    #[error("{0}")]
    Options(String),
    /// No gateway took it; it may be sent again: code 3.
    #[error("not sent: {0}")]
    Unreachable(String),
    /// The gateway refused it: code 4.
    #[error("refused: {}", .0.message)]
    Refused(ErrorBody),
    /// It was sent, and its turn did not complete: code 5.
    #[error("{0}")]
    Turn(String),
}

impl From<&SendError> for ExitCode {
    fn from(error: &SendError) -> Self {
        Self::from(match error {
            SendError::Options(_) => 2,
            SendError::Unreachable(_) => 3,
            SendError::Refused(_) => 4,
            SendError::Turn(_) => 5,
        })
    }
}

/// Sends a message; returns what is to be printed.
///
/// # Errors
/// [`SendError`], when it was not accepted, or when it was waited for and its turn did not complete.
pub async fn send(options: SendOptions) -> Result<String, SendError> {
    let gateway = Gateway::of(&options)?;
    let session = SessionId::parse(&options.session).map_err(|error| SendError::Options(format!("--session {error}")))?;
    let message = MessageId::from_random(random::bits());
    let frame = ClientFrame::Send(Send {
        session: session.clone(),
        message: message.clone(),
        body: SendBody::Text(text_of(&options)?),
        create: options.create.then(|| Create { title: None, agent: options.agent.clone() }),
        interrupt: None,
    });
    let accepted = gateway.deliver(&encode(&frame)).await?;
    if !options.wait {
        return Ok(format!("{message}\n"));
    }
    Turn::new(message, accepted).followed(&gateway, &session).await
}

fn text_of(options: &SendOptions) -> Result<String, SendError> {
    if options.text != "-" {
        return Ok(options.text.clone());
    }
    let mut text = String::new();
    let read = io::stdin().read_to_string(&mut text);
    read.map_err(|error| SendError::Options(format!("stdin cannot be read as text: {error}")))?;
    Ok(text)
}

/// A gateway, seen from outside.
struct Gateway {
    base: String,
    token: String,
    client: ClientId,
    http: Client,
}

/// What a try came to.
enum Tried {
    Accepted(Seq),
    Refused(ErrorBody),
    /// It may go better later; the wait, if one was named.
    Later(String, Option<Duration>),
}

impl Gateway {
    fn of(options: &SendOptions) -> Result<Self, SendError> {
        let (address, from_link) = match (&options.url, &options.data) {
            (Some(url), _) => {
                let (base, fragment) = url.split_once('#').unwrap_or((url, ""));
                (base.to_owned(), fragment.strip_prefix("token=").map(str::to_owned))
            }
            (None, Some(data)) => {
                let read = |file: PathBuf| fs::read_to_string(file).ok().map(|text| text.trim().to_owned());
                let address = read(DataDir::address_in(data)).ok_or_else(|| {
                    SendError::Unreachable(format!("no gateway has served {}: start one, or name the right --data", data.display()))
                })?;
                (address, read(DataDir::token_in(data)))
            }
            (None, None) => return Err(SendError::Options("name the gateway's --data folder, or its --url".to_owned())),
        };
        let token = options.token.as_ref().map(|token| token.as_str().to_owned()).or(from_link);
        let token = token.ok_or_else(|| SendError::Options("the gateway's token is needed: set --token or MOORLINE_TOKEN".to_owned()))?;
        let http = Client::builder().timeout(TRY_LIMIT).build();
        let http = http.map_err(|error| SendError::Options(format!("no HTTP client can be made: {error}")))?;
        let base = address.trim_end_matches('/').to_owned();
        Ok(Self { base, token, client: ClientId::from_random(random::bits()), http })
    }

    fn request(&self, request: RequestBuilder) -> RequestBuilder {
        request.bearer_auth(&self.token).header(CLIENT_HEADER, self.client.as_str())
    }

    /// Tries until it is accepted, refused, or tried often enough; the same id each time.
    async fn deliver(&self, frame: &str) -> Result<Seq, SendError> {
        let mut waits = WAITS.into_iter();
        loop {
            match self.attempt(frame).await {
                Tried::Accepted(seq) => return Ok(seq),
                Tried::Refused(error) => return Err(SendError::Refused(error)),
                Tried::Later(why, named) => match waits.next() {
                    Some(wait) => sleep(named.map_or_else(|| spread(wait), |named| named.min(LONGEST_WAIT))).await,
                    None => return Err(SendError::Unreachable(format!("{why} (tried {ATTEMPTS} times)"))),
                },
            }
        }
    }

    async fn attempt(&self, frame: &str) -> Tried {
        let url = format!("{}/v1/send", self.base);
        let request = self.request(self.http.post(&url)).header("content-type", "application/json").body(frame.to_owned());
        let response = match request.send().await {
            Ok(response) => response,
            Err(error) => return Tried::Later(format!("{} does not answer: {}", self.base, innermost(&error)), None),
        };
        let status = response.status();
        if status.is_success() {
            let receipt = response.text().await.ok().and_then(|text| decode_gateway(&text).ok());
            return match receipt {
                Some(GatewayFrame::Receipt(Receipt { outcome: ReceiptOutcome::Accepted { seq }, .. })) => Tried::Accepted(seq),
                _ => Tried::Later(format!("{} answered without a receipt", self.base), None),
            };
        }
        refusal(status, response).await
    }

    async fn events(&self, session: &SessionId, after: Seq) -> Result<RawEvents, SendError> {
        let url = format!("{}/v1/sessions/{session}/events?after={after}", self.base);
        let unreachable = |error: reqwest::Error| SendError::Unreachable(format!("the journal cannot be read: {}", innermost(&error)));
        let response = self.request(self.http.get(url)).send().await.map_err(unreachable)?;
        match response.status() {
            StatusCode::OK => response.json().await.map_err(unreachable),
            status => Err(match refusal(status, response).await {
                Tried::Refused(error) => SendError::Refused(error),
                Tried::Later(why, _) => SendError::Unreachable(why),
                Tried::Accepted(_) => SendError::Unreachable("a refusal that accepts".to_owned()),
            }),
        }
    }
}

#[expect(clippy::wildcard_enum_match_arm, reason = "whatever is not for later is for good")]
async fn refusal(status: StatusCode, response: Response) -> Tried {
    let named = response.headers().get("retry-after").and_then(|value| value.to_str().ok()?.parse().ok()).map(Duration::from_secs);
    let Ok(error) = response.json::<ErrorBody>().await else {
        let message = format!("something other than a gateway answered with status {status}");
        return match status.as_u16() {
            404 | 408 | 425 | 429 | 500..=599 => Tried::Later(message, named),
            _ => Tried::Refused(ErrorBody { code: Code::Unknown, message, retry_after_ms: None }),
        };
    };
    let named = error.retry_after_ms.map(|Millis(ms)| Duration::from_millis(ms)).or(named);
    match error.code {
        Code::TooMany | Code::Internal | Code::StoreUnavailable | Code::GoingAway => Tried::Later(error.message, named),
        _ => Tried::Refused(error),
    }
}

/// Between half of it and half as much again.
fn spread(wait: Duration) -> Duration {
    wait.mul_f64(0.5 + (random::bits() % 1_000) as f64 / 1_000.0)
}

/// The cause that says something: those around it repeat the URL.
fn innermost(error: &reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    cause.to_string()
}

/// A turn as it is read from the journal.
struct Turn {
    id: MessageId,
    at: Seq,
    epoch: Option<Epoch>,
    texts: Vec<(BlockId, String)>,
    end: Option<Result<(), String>>,
}

impl Turn {
    const fn new(id: MessageId, accepted: Seq) -> Self {
        Self { id, at: Seq::new(accepted.value().saturating_sub(1)), epoch: None, texts: Vec::new(), end: None }
    }

    /// Reads until the turn is over; a gateway that is away for a while is waited for.
    async fn followed(mut self, gateway: &Gateway, session: &SessionId) -> Result<String, SendError> {
        loop {
            match gateway.events(session, self.at).await {
                Ok(read) => {
                    if self.epoch.get_or_insert_with(|| read.epoch.clone()) != &read.epoch {
                        return Err(SendError::Turn("the journal was restored from a backup meanwhile: look what became of it".to_owned()));
                    }
                    read.events.iter().for_each(|event| self.take(event));
                    if let Some(end) = self.end.take() {
                        let answer: String = self.texts.into_iter().map(|(_, text)| text + "\n").collect();
                        return end.map(|()| answer).map_err(SendError::Turn);
                    }
                    self.at = read.events.last().map_or(self.at, |last| last.seq);
                }
                Err(SendError::Unreachable(_)) => {}
                Err(error) => return Err(error),
            }
            sleep(LOOK_EVERY).await;
        }
    }

    #[expect(clippy::wildcard_enum_match_arm, reason = "what else happens is on the page")]
    fn take(&mut self, event: &Event) {
        match &event.body {
            EventBody::Opened(opened) if opened.turn == self.id && opened.kind == BlockKind::Text => {
                self.texts.push((opened.block.clone(), String::new()));
            }
            EventBody::Append(append) => self.append(&append.block, append.at, &append.text),
            EventBody::TurnEnded(ended) if ended.turn == self.id => {
                self.end(ended.outcome.into(), ended.error.as_ref().map(|error| error.message.as_str()));
            }
            EventBody::Withdrawn(withdrawn) if withdrawn.message == self.id => self.end(TurnState::Withdrawn, None),
            EventBody::Fold(fold) => {
                let id = self.id.clone();
                for block in fold.blocks.iter().filter(|block| block.turn == id && block.kind == BlockKind::Text) {
                    if !self.texts.iter().any(|(id, _)| *id == block.id) {
                        self.texts.push((block.id.clone(), String::new()));
                    }
                    self.append(&block.id, block.from, &block.text);
                }
                if let Some(turn) = fold.turns.iter().find(|turn| turn.id == self.id) {
                    self.end(turn.state, turn.error.as_ref().map(|error| error.message.as_str()));
                }
            }
            _ => {}
        }
    }

    fn append(&mut self, block: &BlockId, at: u64, more: &str) {
        if let Some((_, text)) = self.texts.iter_mut().find(|(id, _)| id == block) {
            // What is there already is skipped.
            let known = (text.len() as u64).saturating_sub(at) as usize;
            text.push_str(more.get(known..).unwrap_or_default());
        }
    }

    fn end(&mut self, state: TurnState, error: Option<&str>) {
        let why = error.map(|error| format!(": {error}")).unwrap_or_default();
        self.end = match state {
            TurnState::Queued | TurnState::Running | TurnState::Stopping => None,
            TurnState::Completed => Some(Ok(())),
            TurnState::Failed => Some(Err(format!("the turn failed{why}"))),
            TurnState::Cancelled => Some(Err(format!("the turn was stopped{why}"))),
            TurnState::Interrupted => Some(Err(format!("the turn was interrupted{why}"))),
            TurnState::Withdrawn => Some(Err("the message was withdrawn before its turn".to_owned())),
        };
    }
}

//! Any frame: strategies for everything on the wire.

use moorline_protocol::{
    Accepted, Ack, AgentChoice, AgentFrame, AgentSetting, AgentState, AgentStatus, Answer, Answered, Append, Attach, Attached, AuthExpired,
    Block, BlockId, BlockKind, Cancel, CaughtUp, Changed, ClientFrame, ClientId, ClientPing, Code, ConnectionId, Context, Create, Cursor,
    Detach, Epoch, ErrorFrame, Event, EventBody, Events, Fields, FieldsPatch, Fold, GatewayFrame, GatewayPong, GoingAway, Hello, Item,
    Limits, MessageId, Millis, Opened, Outcome, PageId, Patch, Ping, PlanEntry, PlanStatus, Pong, Receipt, ReceiptOutcome, RequestOption,
    Rows, Running, Send, SendBody, Seq, SessionId, SessionRow, SessionState, Settlement, SlashCommand, SnapshotPart, SnapshotReason,
    Timings, ToolKind, ToolStatus, Turn, TurnEnded, TurnError, TurnStarted, TurnState, TurnStopping, Usage, Welcome, Withdraw, Withdrawn,
};
use proptest::{collection::vec, option, prelude::*, sample::select, strategy::Union};

fn id_text() -> impl Strategy<Value = String> {
    prop_oneof![4 => "[A-Za-z0-9_-]{1,12}", 1 => "[A-Za-z0-9_-]{64}"]
}

fn session() -> impl Strategy<Value = SessionId> {
    id_text().prop_map(|text| SessionId::parse(&text).expect("an id"))
}

fn message() -> impl Strategy<Value = MessageId> {
    id_text().prop_map(|text| MessageId::parse(&text).expect("an id"))
}

fn block_id() -> impl Strategy<Value = BlockId> {
    id_text().prop_map(|text| BlockId::parse(&text).expect("an id"))
}

fn epoch() -> impl Strategy<Value = Epoch> {
    id_text().prop_map(|text| Epoch::parse(&text).expect("an id"))
}

fn seq() -> impl Strategy<Value = Seq> {
    prop_oneof![0..100_u64, Just(Seq::MAX.value()), any::<u64>()].prop_map(Seq::new)
}

fn number() -> impl Strategy<Value = u64> {
    prop_oneof![0..100_u64, Just(u64::MAX), any::<u64>()]
}

fn millis() -> impl Strategy<Value = Millis> {
    number().prop_map(Millis)
}

/// Any characters, those that JSON escapes and those outside the basic plane among them.
fn text() -> impl Strategy<Value = String> {
    prop_oneof!["[\\PC\\x00-\\x1f\"\\\\\\u{2028}\\u{1f600}]{0,20}", Just(String::new())]
}

fn cursor() -> impl Strategy<Value = Cursor> {
    (session(), epoch(), seq()).prop_map(|(session, epoch, seq)| Cursor { session, epoch, seq })
}

fn attach() -> BoxedStrategy<Attach> {
    let parts = (session(), number(), option::of(epoch()), seq(), any::<bool>());
    parts.prop_map(|(session, no, epoch, seq, snapshot)| Attach { session, no, epoch, seq, snapshot }).boxed()
}

fn send() -> BoxedStrategy<Send> {
    let create = (option::of(text()), option::of(text())).prop_map(|(title, agent)| Create { title, agent });
    let answer = (block_id(), text()).prop_map(|(request, option)| SendBody::Answer { request, option });
    let body = prop_oneof![text().prop_map(SendBody::Text), answer];
    let parts = (session(), message(), body, option::of(create), option::of(message()));
    parts.prop_map(|(session, message, body, create, interrupt)| Send { session, message, body, create, interrupt }).boxed()
}

/// A kind that is none of ours.
fn later_kind() -> impl Strategy<Value = String> {
    "later_[a-z]{0,8}"
}

/// Any frame of the client.
pub(crate) fn client_frame() -> BoxedStrategy<ClientFrame> {
    let hello = (any::<u32>(), id_text(), id_text(), vec(attach(), 0..3), option::of(number()));
    let hello = hello.prop_map(|(version, client, page, attaches, rows_rev)| {
        let client = ClientId::parse(&client).expect("an id");
        let page = PageId::parse(&page).expect("an id");
        ClientFrame::Hello(Hello { version, client, page, attaches, rows_rev })
    });
    prop_oneof![
        hello,
        attach().prop_map(ClientFrame::Attach),
        (session(), number()).prop_map(|(session, no)| ClientFrame::Detach(Detach { session, no })),
        send().prop_map(ClientFrame::Send),
        (session(), message()).prop_map(|(session, message)| ClientFrame::Withdraw(Withdraw { session, message })),
        (session(), message(), option::of(message())).prop_map(|(session, turn, next)| ClientFrame::Cancel(Cancel { session, turn, next })),
        vec(cursor(), 0..4).prop_map(|cursors| ClientFrame::Ack(Ack { cursors })),
        Just(ClientFrame::Ping(ClientPing {})),
        vec(cursor(), 0..4).prop_map(|cursors| ClientFrame::Pong(Pong { cursors })),
        later_kind().prop_map(|kind| ClientFrame::Unknown { kind }),
    ]
    .boxed()
}

fn patch<T: std::fmt::Debug + Clone>(value: impl Strategy<Value = T>) -> impl Strategy<Value = Patch<T>> {
    option::of(option::of(value)).prop_map(|patch| match patch {
        None => Patch::Keep,
        Some(None) => Patch::Clear,
        Some(Some(value)) => Patch::Set(value),
    })
}

fn tool() -> impl Strategy<Value = ToolKind> {
    select(vec![ToolKind::Read, ToolKind::Edit, ToolKind::Execute, ToolKind::SwitchMode, ToolKind::Other])
}

fn status() -> impl Strategy<Value = ToolStatus> {
    select(vec![ToolStatus::Pending, ToolStatus::InProgress, ToolStatus::Completed, ToolStatus::Failed])
}

fn entries() -> impl Strategy<Value = Vec<PlanEntry>> {
    let status = select(vec![PlanStatus::Pending, PlanStatus::InProgress, PlanStatus::Completed]);
    vec((text(), status).prop_map(|(text, status)| PlanEntry { text, status }), 0..3)
}

fn options() -> impl Strategy<Value = Vec<RequestOption>> {
    vec((text(), text(), text()).prop_map(|(id, name, kind)| RequestOption { id, name, kind }), 0..3)
}

fn settlement() -> impl Strategy<Value = Settlement> {
    let answered = (text(), message()).prop_map(|(option, message)| Settlement::Answered { option, message });
    prop_oneof![answered, Just(Settlement::Cancelled)]
}

fn fields_patch() -> BoxedStrategy<FieldsPatch> {
    let texts = (patch(text()), patch(text()), patch(tool()), patch(status()));
    let lists = (patch(entries()), patch(options()), patch(block_id()), patch(settlement()), patch(any::<bool>()), patch(any::<u32>()));
    (texts, lists)
        .prop_map(|((title, input, tool, status), (entries, options, about, settled, closed, exit))| FieldsPatch {
            title,
            tool,
            status,
            input,
            entries,
            options,
            about,
            settled,
            closed,
            exit,
        })
        .boxed()
}

fn fields() -> BoxedStrategy<Fields> {
    (fields_patch(), option::of(0..=u64::from(u32::MAX)), option::of(0..=u64::from(u32::MAX)))
        .prop_map(|(patch, opened_at, closed_at)| {
            let mut fields = Fields { opened_at, closed_at, ..Fields::default() };
            patch.apply(&mut fields);
            fields
        })
        .boxed()
}

fn kind() -> impl Strategy<Value = BlockKind> {
    use BlockKind::{Message, Plan, Request, Text, Thought, Tool, Unsupported};
    select(vec![Message, Text, Thought, Tool, Plan, Request, Unsupported])
}

fn turn_error() -> impl Strategy<Value = TurnError> {
    (text(), text()).prop_map(|(code, message)| TurnError { code, message })
}

fn usage() -> impl Strategy<Value = Usage> {
    (option::of(number()), option::of(number()), option::of(text())).prop_map(|(input, output, cost)| Usage { input, output, cost })
}

fn agent() -> BoxedStrategy<GatewayFrame> {
    use AgentState::{Down, Ready, Resting, Starting};
    let choice = (text(), text()).prop_map(|(value, name)| AgentChoice { value, name });
    let setting = (text(), text(), text(), vec(choice, 0..3));
    let setting = setting.prop_map(|(id, name, value, choices)| AgentSetting { id, name, value, choices });
    let command = (text(), text()).prop_map(|(name, description)| SlashCommand { name, description });
    let context = (number(), number()).prop_map(|(used, size)| Context { used, size });
    let lists = (vec(setting, 0..2), vec(command, 0..3), option::of(context));
    let state = select(vec![Resting, Starting, Ready, Down]);
    (session(), text(), state, option::of(text()), option::of(millis()), lists)
        .prop_map(|(session, name, state, reason, retry_ms, (settings, commands, context))| {
            let agent = AgentStatus { name, state, reason, retry_ms, settings, commands, context };
            GatewayFrame::Agent(AgentFrame { session, agent })
        })
        .boxed()
}

fn turn() -> BoxedStrategy<Turn> {
    use TurnState::{Cancelled, Completed, Failed, Interrupted, Queued, Running, Stopping, Withdrawn};
    let state = select(vec![Queued, Running, Stopping, Completed, Failed, Cancelled, Interrupted, Withdrawn]);
    let times = (option::of(seq()), option::of(number()), option::of(number()), option::of(turn_error()), option::of(usage()));
    (message(), seq(), seq(), state, any::<bool>(), times)
        .prop_map(|(id, opened, rev, state, urgent, times)| {
            let (started, started_at, ended_at, error, usage) = times;
            Turn { id, opened, rev, state, urgent, started, started_at, ended_at, error, usage }
        })
        .boxed()
}

fn block() -> BoxedStrategy<Block> {
    let place = (block_id(), message(), kind(), seq(), seq());
    (place, fields(), any::<u32>(), number(), text())
        .prop_map(|((id, turn, kind, opened, rev), fields, edition, from, text)| Block {
            id,
            turn,
            kind,
            opened,
            rev,
            fields,
            edition,
            from,
            text,
        })
        .boxed()
}

fn append() -> impl Strategy<Value = Append> {
    let parts = (block_id(), any::<u32>(), number(), text());
    parts.prop_map(|(block, edition, at, text)| Append { block, edition, at, text })
}

/// Any event.
pub(crate) fn event() -> BoxedStrategy<Event> {
    let accepted = (message(), text(), block_id(), text(), option::of(message()))
        .prop_map(|(message, hash, block, text, interrupt)| EventBody::Accepted(Accepted { message, hash, block, text, interrupt }));
    let answered = (message(), text(), block_id(), text())
        .prop_map(|(message, hash, block, option)| EventBody::Answered(Answered { message, hash, block, option }));
    let outcome = select(vec![Outcome::Completed, Outcome::Failed, Outcome::Cancelled, Outcome::Interrupted]);
    let ended = (message(), outcome, option::of(turn_error()), option::of(usage()))
        .prop_map(|(turn, outcome, error, usage)| EventBody::TurnEnded(TurnEnded { turn, outcome, error, usage }));
    let opened = (block_id(), message(), kind(), fields_patch())
        .prop_map(|(block, turn, kind, fields)| EventBody::Opened(Opened { block, turn, kind, fields }));
    let plain = prop_oneof![
        accepted,
        answered,
        message().prop_map(|message| EventBody::Withdrawn(Withdrawn { message })),
        message().prop_map(|turn| EventBody::TurnStarted(TurnStarted { turn })),
        (message(), option::of(message())).prop_map(|(turn, next)| EventBody::TurnStopping(TurnStopping { turn, next })),
        ended,
        opened,
        (block_id(), fields_patch()).prop_map(|(block, fields)| EventBody::Changed(Changed { block, fields })),
        append().prop_map(EventBody::Append),
        later_kind().prop_map(|kind| EventBody::Unknown { kind }),
    ];
    let fold = (vec(turn(), 0..2), vec(block(), 0..2)).prop_map(|(turns, blocks)| Fold { turns, blocks });
    prop_oneof![
        8 => (seq(), number(), plain).prop_map(|(seq, at, body)| Event::plain(seq, at, body)),
        1 => (seq(), seq(), number(), fold).prop_map(|(first, seq, at, fold)| Event::folded(first.min(seq), seq, at, fold)),
    ]
    .boxed()
}

fn welcome() -> BoxedStrategy<GatewayFrame> {
    let limits = (0..usize::MAX, number(), any::<u32>()).prop_map(|(frame_bytes, replay_events, attempts)| Limits {
        frame_bytes,
        replay_events,
        attempts,
        ..Limits::default()
    });
    let timings = (millis(), millis()).prop_map(|(ping, retry_after_max)| Timings { ping, retry_after_max, ..Timings::default() });
    let parts = (any::<u32>(), id_text(), limits, timings, text(), number(), vec(text(), 0..3));
    parts
        .prop_map(|(version, connection, limits, timings, build, time, agents)| {
            let connection = ConnectionId::parse(&connection).expect("an id");
            GatewayFrame::Welcome(Welcome { version, connection, limits, timings, build, time, agents })
        })
        .boxed()
}

fn snapshot() -> BoxedStrategy<GatewayFrame> {
    let item = prop_oneof![turn().prop_map(Item::Turn), block().prop_map(Item::Block), append().prop_map(Item::Append)];
    let parts = (session(), number(), epoch(), seq(), any::<u32>(), any::<bool>(), seq(), vec(item, 0..3));
    parts
        .prop_map(|(session, no, epoch, seq, part, last, from, items)| {
            GatewayFrame::Snapshot(SnapshotPart { session, no, epoch, seq, part, last, from, items })
        })
        .boxed()
}

fn caught_up() -> BoxedStrategy<GatewayFrame> {
    let running = option::of((message(), any::<bool>()).prop_map(|(turn, stopping)| Running { turn, stopping }));
    let state = (running, vec(block_id(), 0..3), vec(message(), 0..3));
    (session(), number(), epoch(), seq(), state)
        .prop_map(|(session, no, epoch, seq, (running, waiting, queue))| {
            GatewayFrame::CaughtUp(CaughtUp { session, no, epoch, seq, state: SessionState { running, waiting, queue } })
        })
        .boxed()
}

fn rows() -> BoxedStrategy<GatewayFrame> {
    let flags = (any::<bool>(), any::<bool>(), any::<bool>(), any::<bool>(), any::<bool>());
    let row = (session(), number(), text(), number(), number(), flags).prop_map(|(session, rev, title, created_at, changed_at, flags)| {
        let (running, waiting, pinned, archived, deleted) = flags;
        SessionRow { session, rev, title, created_at, changed_at, running, waiting, pinned, archived, deleted }
    });
    (vec(row, 0..3), any::<bool>()).prop_map(|(rows, list_reset)| GatewayFrame::Sessions(Rows { rows, list_reset })).boxed()
}

fn error() -> BoxedStrategy<GatewayFrame> {
    let about = (option::of(millis()), option::of(message()), option::of(session()), option::of(number()));
    (select(Code::ALL), text(), about)
        .prop_map(|(code, message, (retry_after_ms, message_id, session, no))| {
            GatewayFrame::Error(ErrorFrame { code, message, retry_after_ms, message_id, session, no })
        })
        .boxed()
}

/// Any frame of the gateway.
pub(crate) fn gateway_frame() -> impl Strategy<Value = GatewayFrame> {
    use SnapshotReason::{Asked, Epoch, Fresh, TooOld};
    let reasons = [Fresh, TooOld, Epoch, Asked].map(Answer::Snapshot);
    let answer = select([&reasons[..], &[Answer::UpToDate, Answer::Replay]].concat());
    let attached = (session(), number(), epoch(), seq(), answer)
        .prop_map(|(session, no, epoch, head, answer)| GatewayFrame::Attached(Attached { session, no, epoch, head, answer }));
    let outcome = prop_oneof![
        seq().prop_map(|seq| ReceiptOutcome::Accepted { seq }),
        Just(ReceiptOutcome::Withdrawn),
        Just(ReceiptOutcome::Started),
    ];
    let receipt = (session(), message(), outcome)
        .prop_map(|(session, message, outcome)| GatewayFrame::Receipt(Receipt { session, message, outcome }));
    Union::new([
        welcome(),
        attached.boxed(),
        snapshot(),
        (session(), vec(event(), 0..3)).prop_map(|(session, events)| GatewayFrame::Events(Events { session, events })).boxed(),
        caught_up(),
        receipt.boxed(),
        rows(),
        vec(cursor(), 0..3).prop_map(|heads| GatewayFrame::Ping(Ping { heads })).boxed(),
        Just(GatewayFrame::Pong(GatewayPong {})).boxed(),
        (millis(), millis()).prop_map(|(min_ms, max_ms)| GatewayFrame::GoingAway(GoingAway { min_ms, max_ms })).boxed(),
        Just(GatewayFrame::AuthExpired(AuthExpired {})).boxed(),
        agent(),
        error(),
        later_kind().prop_map(|kind| GatewayFrame::Unknown { kind }).boxed(),
    ])
}

//! What a run consists of, drawn from its seed before it begins.

use moorline_delivery::Random;
use moorline_protocol::{Limits, Millis};
use moorline_session::Durability;
use moorline_transcript::RetentionLimits;

use crate::network::Quality;

/// A scenario.
#[derive(Debug, Clone)]
pub struct Plan {
    /// Where everything random comes from.
    pub seed: u64,
    /// The gateway's limits: small, so that they are met.
    pub limits: Limits,
    /// The line when nothing is wrong with it.
    pub quality: Quality,
    /// Whether a power cut can take commits back.
    pub durability: Durability,
    /// Up to when journals keep their events as they were committed: not long, so that it is met.
    pub retention: RetentionLimits,
    /// A client that says nothing for this long is forgotten.
    pub client_idle: Millis,
    /// Between a commit's decision and its being durable.
    pub fsync: Millis,
    /// The tabs that are there from the start, each by the session it shows.
    pub tabs: Vec<usize>,
    /// How many sessions there are.
    pub sessions: usize,
    /// Pieces of work in a turn at most.
    pub busy: u64,
    /// One wake-up in this many is lost; 0 = none.
    pub lost_wakeups: u64,
    /// One frame down in this many is garbled, lost or repeated; 0 = none.
    pub garbled: u64,
    /// Whether a network lets WebSockets through.
    pub sockets: Sockets,
    /// On SSE, between two looks whether a WebSocket works again.
    pub upgrade: Millis,
    /// One POST or question in this many goes wrong on its way or back; 0 = none.
    pub post_faults: u64,
    /// Whether some of those answers say that the login has ended.
    pub logins_end: bool,
    /// Whether the browser has Web Locks: plain HTTP origins have none.
    pub locks: bool,
    /// What users do and what breaks, and when, in order of time.
    pub course: Vec<(Millis, Act)>,
    /// When the last of it is over: from here on everything works.
    pub calm: Millis,
}

/// Whether a network lets WebSockets through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sockets {
    /// It does, but for what the course says.
    Pass,
    /// Never; they are refused.
    Refused,
    /// Never; they hang.
    Hang,
}

/// One thing that is done to a run. Tabs are named by number, modulo those that are open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "a field is the tab, or what its variant's sentence names")]
pub enum Act {
    /// Somebody types a message and sends it.
    Type { tab: usize },
    /// Somebody types a message that interrupts what runs.
    Interrupt { tab: usize },
    /// Somebody stops what runs.
    Cancel { tab: usize },
    /// Somebody takes a message back that waits or has failed.
    TakeBack { tab: usize, edit: bool },
    /// Somebody retries what has failed.
    Retry { tab: usize },
    /// Another session is put on screen.
    Show { tab: usize, session: usize },
    /// The page is loaded anew.
    Reload { tab: usize },
    /// The tab is duplicated, its storage with it.
    Duplicate { tab: usize },
    /// The tab is closed.
    Close { tab: usize },
    /// The page is hidden, or shown again.
    Hide { tab: usize, hidden: bool },
    /// The machine sleeps.
    Sleep { tab: usize, length: Millis },
    /// The tab's storage is full, or has room again.
    StorageFull { tab: usize, full: bool },
    /// The tab's line breaks.
    Cut { tab: usize, cut: Cut },
    /// For this long no connection of the tab can be made; attempts fail, or hang.
    Unreachable { tab: usize, length: Millis, hangs: bool },
    /// For this long no WebSocket of the tab can be made.
    NoSockets { tab: usize, length: Millis },
    /// The page is put away by the back button, and brought back after this long.
    Away { tab: usize, length: Millis },
    /// The gateway's process is killed, and started again after this long.
    Kill { after: Millis, power: bool },
    /// The gateway is stopped and started again after saying so.
    Deploy { after: Millis },
    /// The gateway is started from an older copy of its store.
    RestoreBackup { after: Millis },
    /// Somebody deletes a session, from elsewhere.
    Delete { session: usize },
    /// The store's next commit fails.
    StoreFails,
    /// A copy of the store is made.
    Backup,
}

/// How a line breaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cut {
    /// Both ends are told, and what was on its way still arrives.
    Clean,
    /// Both ends are told, and what was on its way is lost.
    Reset,
    /// Only the tab is told.
    TabOnly,
    /// Only the gateway is told.
    GatewayOnly,
    /// What goes down is swallowed.
    HoleDown,
    /// What goes up is swallowed.
    HoleUp,
    /// Both.
    HoleBoth,
}

/// What sort of scenario to draw.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// Everything that can break, breaks now and then.
    Stormy,
    /// Nothing breaks.
    Calm,
}

impl Plan {
    /// Draws a scenario.
    #[must_use]
    pub fn draw(seed: u64, shape: Shape) -> Self {
        let mut random = Random::new(seed ^ 0x6d6f_6f72_6c69_6e65);
        let sessions = 1 + random.below(2) as usize;
        let tabs: Vec<usize> = (0..1 + random.below(3)).map(|_| random.below(sessions as u64) as usize).collect();
        let calm = Millis(10_000 + random.below(60_000));
        let stormy = shape == Shape::Stormy;
        let durability = if stormy && random.below(4) == 0 { Durability::Unsynced } else { Durability::Synced };
        let mut course: Vec<(Millis, Act)> = Vec::new();
        for _ in 0..2 + random.below(7) {
            course.push((Millis(random.below(calm.0)), user_act(&mut random, sessions)));
        }
        if stormy {
            let rough = random.below(8);
            for _ in 0..rough {
                course.push((Millis(random.below(calm.0)), tab_act(&mut random)));
            }
            for _ in 0..random.below(3) * random.below(2) {
                course.push((Millis(random.below(calm.0)), gateway_act(&mut random)));
            }
            // A quarter of the runs restore a backup: it has to be made first.
            if random.below(8) == 0 {
                let made = random.below(calm.0);
                course.push((Millis(made), Act::Backup));
                course.push((Millis(made + random.below(calm.0 - made)), Act::RestoreBackup { after: Millis(random.below(3_000)) }));
            }
        }
        if stormy {
            course.extend(deletion(seed, calm, sessions));
        }
        course.sort_by_key(|(at, _)| *at);
        let quality = Quality {
            latency: Millis(random.below(200)),
            jitter: Millis(random.below(300)),
            bytes_per_second: if random.below(4) == 0 { 12_500 } else { 0 },
        };
        Self {
            seed,
            limits: limits(&mut random),
            quality,
            durability,
            retention: retention(seed),
            client_idle: client_idle(seed),
            fsync: Millis(random.below(30)),
            tabs,
            sessions,
            busy: 1 + random.below(8),
            lost_wakeups: if stormy { random.below(2) * 8 } else { 0 },
            garbled: if stormy { random.below(2) * 40 } else { 0 },
            sockets: [Sockets::Pass, Sockets::Pass, Sockets::Refused, Sockets::Hang][random.below(4) as usize],
            upgrade: Millis(5_000 + random.below(60_000)),
            post_faults: if stormy { random.below(2) * (2 + random.below(8)) } else { 0 },
            logins_end: random.below(2) > 0,
            locks: random.below(4) > 0,
            course,
            calm,
        }
    }
}

/// Drawn apart from everything else.
fn retention(seed: u64) -> RetentionLimits {
    let mut random = Random::new(seed ^ 0x666f_6c64);
    match random.below(4) {
        0 => RetentionLimits::default(),
        _ => RetentionLimits { events: 1 + random.below(40) as usize, age: Millis(500 + random.below(20_000)) },
    }
}

/// One run in six loses a session. Drawn apart from everything else.
fn deletion(seed: u64, calm: Millis, sessions: usize) -> Option<(Millis, Act)> {
    let mut random = Random::new(seed ^ 0x6465_6c65);
    let act = Act::Delete { session: random.below(sessions as u64) as usize };
    (random.below(6) == 0).then(|| (Millis(random.below(calm.0)), act))
}

/// Drawn apart from everything else.
fn client_idle(seed: u64) -> Millis {
    let mut random = Random::new(seed ^ 0x6964_6c65);
    if random.below(2) == 0 { Millis(3_600_000) } else { Millis(1 + random.below(60_000)) }
}

/// Limits small enough to be met: replays that are too long, snapshots with gaps, credit that runs out, texts cut in parts.
fn limits(random: &mut Random) -> Limits {
    if random.below(4) == 0 {
        return Limits::default();
    }
    Limits {
        frame_bytes: 4096 + random.below(2048) as usize,
        event_bytes: 1024,
        credit_bytes: 12 << 10,
        replay_events: 5 + random.below(40),
        snapshot_turns: 1 + random.below(3) as usize,
        snapshot_bytes: 1024 + random.below(4096) as usize,
        page_blocks: 1 + random.below(6) as usize,
        outbox_sends: 1 + random.below(5) as usize,
        queue: 1 + random.below(4) as usize,
        ..Limits::default()
    }
}

fn user_act(random: &mut Random, sessions: usize) -> Act {
    let tab = random.below(8) as usize;
    match random.below(14) {
        0 => Act::Cancel { tab },
        1 => Act::Interrupt { tab },
        2 => Act::TakeBack { tab, edit: random.below(2) == 0 },
        3 => Act::Show { tab, session: random.below(sessions as u64) as usize },
        4 => Act::Retry { tab },
        _ => Act::Type { tab },
    }
}

fn tab_act(random: &mut Random) -> Act {
    let tab = random.below(8) as usize;
    match random.below(30) {
        24..=26 => Act::NoSockets { tab, length: Millis(1_000 + random.below(40_000)) },
        27 | 28 => Act::Away { tab, length: Millis(100 + random.below(30_000)) },
        0 | 1 => Act::Reload { tab },
        2 => Act::Duplicate { tab },
        3 => Act::Close { tab },
        4 => Act::Hide { tab, hidden: true },
        5 => Act::Hide { tab, hidden: false },
        6 => Act::Sleep { tab, length: Millis(1_000 + random.below(90_000)) },
        7 => Act::StorageFull { tab, full: random.below(2) == 0 },
        8 | 9 => Act::Unreachable { tab, length: Millis(random.below(20_000)), hangs: random.below(2) == 0 },
        _ => {
            let cuts = [Cut::Clean, Cut::Reset, Cut::TabOnly, Cut::GatewayOnly, Cut::HoleDown, Cut::HoleUp, Cut::HoleBoth];
            Act::Cut { tab, cut: cuts[random.below(cuts.len() as u64) as usize] }
        }
    }
}

fn gateway_act(random: &mut Random) -> Act {
    let after = Millis(random.below(8_000));
    match random.below(6) {
        0 => Act::Deploy { after },
        1 => Act::StoreFails,
        2 => Act::Kill { after, power: true },
        _ => Act::Kill { after, power: false },
    }
}

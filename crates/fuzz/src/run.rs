//! Runs a target: execution after execution, each under its own seed, with a watch on panics and on time.

use std::{
    cell::{Cell, RefCell},
    panic::{self, AssertUnwindSafe, PanicHookInfo},
    sync::{
        Arc, Once,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use crate::{Dice, Target};

/// No execution may take longer: the slowest one takes milliseconds.
const LIMIT: Duration = Duration::from_secs(20);

/// What a run came to.
#[derive(Debug, Clone)]
pub struct Report {
    /// How many executions it had.
    pub executions: u64,
    /// How long they took.
    pub took: Duration,
    /// The first that failed, if any.
    pub found: Option<Found>,
}

/// An execution that failed.
#[derive(Debug, Clone)]
pub struct Found {
    /// The target.
    pub target: &'static str,
    /// What its input is made from.
    pub seed: u64,
    /// The panic, and where.
    pub why: String,
}

impl std::fmt::Display for Found {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { target, seed, why } = self;
        write!(f, "{target}, seed {seed}: {why}\nreplay it with: cargo xtask fuzz --executions 1 --from {seed} {target}")
    }
}

thread_local! {
    /// The newest panic of an execution on this thread; a hook writes it down, since the payload does not tell where.
    static PANIC: RefCell<String> = const { RefCell::new(String::new()) };
    static IS_EXECUTING: Cell<bool> = const { Cell::new(false) };
}

/// Runs `executions` seeds from `from` on, until one fails.
///
/// An execution that does not end ends the process, after its name was printed: nothing else can stop it.
#[must_use]
pub fn run(target: &Target, from: u64, executions: u64) -> Report {
    note_panics();
    let at = Arc::new(AtomicU64::new(from));
    let watch = watch(target.name, Arc::clone(&at));
    let mut execute = (target.prepare)();
    let began = Instant::now();
    let mut found = None;
    let mut done = 0;
    for seed in (from..).take(usize::try_from(executions).unwrap_or(usize::MAX)) {
        at.store(seed, Ordering::Relaxed);
        done += 1;
        let execution = AssertUnwindSafe(|| execute(&mut Dice::new(seed)));
        IS_EXECUTING.set(true);
        let ended = panic::catch_unwind(execution);
        IS_EXECUTING.set(false);
        if ended.is_err() {
            let why = PANIC.with_borrow(Clone::clone);
            found = Some(Found { target: target.name, seed, why });
            break;
        }
    }
    drop(watch);
    Report { executions: done, took: began.elapsed(), found }
}

fn note_panics() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let usual = panic::take_hook();
        panic::set_hook(Box::new(
            move |info: &PanicHookInfo<'_>| {
                if IS_EXECUTING.get() { PANIC.set(info.to_string()) } else { usual(info) }
            },
        ));
    });
}

/// Ends the watch when it is dropped.
struct Watch(#[expect(dead_code, reason = "its drop is what counts")] std::sync::mpsc::Sender<()>);

/// Looks now and then whether the executions go on.
fn watch(target: &'static str, at: Arc<AtomicU64>) -> Watch {
    let (ended, ends) = std::sync::mpsc::channel::<()>();
    let looking = move || {
        let mut last = None;
        while ends.recv_timeout(LIMIT) == Err(std::sync::mpsc::RecvTimeoutError::Timeout) {
            let seed = at.load(Ordering::Relaxed);
            if last == Some(seed) {
                let why = format!("it has not ended for {} s", LIMIT.as_secs());
                eprintln!("{}", Found { target, seed, why });
                std::process::abort();
            }
            last = Some(seed);
        }
    };
    let _ = thread::Builder::new().name("fuzz-watch".to_owned()).spawn(looking);
    Watch(ended)
}

#[cfg(test)]
mod tests {
    use super::*;

    const FRAIL: Target = Target {
        name: "frail",
        what: "nobody",
        prepare: || {
            Box::new(|dice| {
                let drawn = dice.next();
                assert_ne!(drawn, Dice::new(7).next(), "it cannot take this");
            })
        },
    };

    #[test]
    fn an_execution_that_panics_is_told_by_its_seed_and_found_again_by_it() {
        let report = run(&FRAIL, 0, 100);
        let found = report.found.expect("the seed 7 fails");
        assert_eq!((found.seed, report.executions), (7, 8));
        assert!(found.why.contains("it cannot take this") && found.why.contains("run.rs"), "{}", found.why);
        assert!(run(&FRAIL, 7, 1).found.is_some());
        assert!(run(&FRAIL, 8, 100).found.is_none());
    }
}

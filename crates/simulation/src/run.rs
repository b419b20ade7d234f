//! One run from a seed.

use crate::{Plan, Shape, Violation, world::World};

/// What a run came to.
#[derive(Debug, Clone)]
pub struct Report {
    /// The first promise that did not hold, if one did not.
    pub violation: Option<Violation>,
    /// Equal for equal courses.
    pub hash: u64,
    /// Things that happened.
    pub steps: u64,
    /// The course, if it was kept.
    pub trace: String,
    /// What every session came to, a line a turn: what was typed, how it ended, what was said and done.
    pub outcome: Vec<String>,
}

/// Runs the scenario of a seed.
#[must_use]
pub fn run(seed: u64, keep_trace: bool) -> Report {
    run_plan(Plan::draw(seed, Shape::Stormy), keep_trace)
}

/// Runs a scenario.
#[must_use]
pub fn run_plan(plan: Plan, keep_trace: bool) -> Report {
    let mut world = World::new(plan, keep_trace);
    world.run();
    Report {
        violation: world.oracle.violation().cloned(),
        hash: world.trace.hash(),
        steps: world.trace.steps(),
        trace: world.trace.to_string(),
        outcome: world.outcome(),
    }
}

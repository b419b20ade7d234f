//! Steps: each prints a headline and the time it took.

use std::time::Instant;

use crate::failure::{Failure, Outcome};

/// Runs one step of a task.
///
/// # Errors
///
/// The step's own failure, with the step's name before it.
pub(crate) fn run<T>(name: &str, step: impl FnOnce() -> Outcome<T>) -> Outcome<T> {
    println!("\n== {name}");
    let start = Instant::now();
    let outcome = step();
    let seconds = start.elapsed().as_secs_f32();
    match &outcome {
        Ok(_) => println!("== {name}: done in {seconds:.1} s"),
        Err(_) => println!("== {name}: failed after {seconds:.1} s"),
    }
    outcome.map_err(|failure| Failure::new(format!("{name}: {failure}")))
}

//! `bench gateway`: the server's figures, without a browser; beside them those of its peers, where they were installed.
//!
//! What is measured runs on one processor, and what measures it on the other. A benchmark that loses or doubles a text
//! ends with an error.

mod catch_up;
mod fan_out;
mod follower;
mod idle;
mod latency;
mod restart;
mod subject;

pub(crate) use follower::text;

use crate::{
    machine,
    process::{Side, raise_open_files},
};

/// The figures, in the order in which they are taken.
const FIGURES: [&str; 5] = ["latency", "idle", "fan-out", "catch-up", "restart"];

/// Measures and prints: everything, or the figures that are named.
///
/// # Panics
/// When something needed is missing, a figure is not known, or something arrives other than once.
pub(crate) async fn bench(figures: &[&str]) {
    for figure in figures {
        assert!(FIGURES.contains(figure), "{figure} is none of {}", FIGURES.join(", "));
    }
    raise_open_files();
    machine::print(&[]);
    Side::Load.pin();
    for figure in FIGURES.iter().filter(|figure| figures.is_empty() || figures.contains(figure)) {
        match *figure {
            "latency" => latency::bench().await,
            "idle" => idle::bench().await,
            "fan-out" => fan_out::bench().await,
            "catch-up" => catch_up::bench().await,
            _ => restart::bench().await,
        }
    }
    println!("\nload after: {}", machine::load());
}

//! `bench page`: what the page costs its reader, in a real browser.

mod load;
mod opening;
mod stage;
mod steady;
mod switches;

use crate::machine;
use stage::Stage;

/// Measures and prints: everything, or the parts named.
///
/// # Panics
/// When something needed is missing, or a part has no such name.
pub(crate) async fn bench(parts: &[&str]) {
    let all = ["opening", "bursts", "steady", "growth", "switches"];
    let parts = if parts.is_empty() { &all[..] } else { parts };
    for (at, part) in parts.iter().enumerate() {
        let stage = Stage::start(stage::OPTIONS).await;
        if at == 0 {
            stage.print_machine().await;
        }
        match *part {
            "opening" => opening::bench().await,
            "bursts" => load::bursts().await,
            "steady" => steady::bench().await,
            "growth" => load::growth().await,
            "switches" => switches::bench().await,
            other => panic!("there is no part {other}: name some of {}", all.join(", ")),
        }
    }
    println!("\nload after: {}", machine::load());
}

//! Starts the page; see the library.

#[cfg(target_family = "wasm")]
fn main() {
    moorline::app::start();
}

/// The client runs in a browser: on a native host it says so and ends.
#[cfg(not(target_family = "wasm"))]
fn main() {
    println!("the client runs in a browser: `cargo xtask run` builds it and starts the gateway that serves it");
}

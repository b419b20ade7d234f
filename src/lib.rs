//! Under construction.
#![cfg(target_family = "wasm")]

pub mod settings;
pub mod transport;

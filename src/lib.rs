//! Under construction.
#![cfg(target_family = "wasm")]

//! The wire's types: what goes out comes back, and what comes in from strangers does no harm.

mod arbitrary;
mod decoding;
mod ids;
mod round_trip;

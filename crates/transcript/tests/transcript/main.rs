//! The transcript's promises: what it shows, and that everything merges in any order to the same.

mod behaviour;
mod completed;
mod hostile;
mod journal;
mod merging;
mod ranges;
mod splitting;
mod walking;

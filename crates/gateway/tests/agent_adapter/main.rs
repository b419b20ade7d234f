//! The agent adapter against real processes: the demo agent, and shell scripts that behave badly.

mod bench;
mod ends;
mod hostile;
mod leftovers;
mod restarts;
mod standing;
mod turns;

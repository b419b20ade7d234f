//! Signals as elements, and what the user does as method calls of the model.
//!
//! No view holds state that another one needs, starts network work, or decides anything about a send. The elements'
//! `data-` attributes are hooks for tests and stay as docs/testing.md lists them.

mod agent;
mod announcer;
mod attention;
mod beginning;
mod block;
mod composer;
mod connection;
mod copy;
mod countdown;
mod crash;
mod diagnostics;
mod diff;
mod disclosure;
mod drawer;
mod echo;
mod element;
mod gap;
mod growing;
mod help;
mod host;
mod list;
mod live_text;
mod markdown;
mod message;
mod notices;
mod page;
mod part;
mod plan;
mod request;
mod reveal;
mod scroll;
mod send_line;
mod shortcuts;
mod terminal;
mod text;
mod thought;
mod ticking;
mod tool;
mod transcript;
mod turn;
mod unsupported;
mod welcome;

pub use crash::show as show_crash;
pub use page::page;

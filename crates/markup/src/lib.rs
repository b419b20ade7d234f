//! What an agent writes, as nodes that a view can draw: markdown, code and a terminal's output.
//!
//! Nothing here does I/O or knows a browser, no input can make it panic, and none costs more than a time in proportion to its length.
//!
//! - A [`Document`] is fed a markdown text as it grows. It gives finished [`Block`]s, which never change again, and an open
//!   [`Tail`]. However the text is cut into pieces, the same blocks come out.
//! - A [`Highlighter`] cuts code into [`Token`]s, line by line.
//! - A [`Terminal`] is fed what a command prints. It gives finished runs of styled text and one open line.
//! - [`plain()`] and [`terminal_plain`] are the text that a view of all this shows, so that a test can hold a page against
//!   the journal.
//!
//! What comes from an agent is somebody else's: raw HTML is text, a link leads to `http`, `https` or `mailto`, an image is a
//! name and an address that nobody loads by himself.
//!
//! Left out: colours, fonts, elements. Footnotes, mathematics and other extensions of markdown are text.

mod ansi;
mod build;
mod diff;
mod document;
mod fence;
mod highlight;
mod lines;
mod link;
mod nodes;
mod plain;
mod references;
mod split;
mod tail;

pub use ansi::{Colour, Run, Style, Terminal};
pub use diff::is_diff;
pub use document::{Document, Finished, Growing, Tail};
pub use highlight::{Highlighter, Token};
pub use nodes::{Align, Block, Inline, Item};
pub use plain::{End, plain, terminal_plain};

//! Whoever does not see the page, or has no mouse: axe-core over every state, the keyboard alone, and what is announced.

mod announcements;
mod axe;
mod keyboard;
mod touch_and_motion;

use std::time::Duration;

const SOON: Duration = Duration::from_secs(30);
const OVER: [&str; 1] = ["completed"];
const STOPPED: [&str; 1] = ["cancelled"];
const DESK: (u32, u32) = (1280, 800);
const PHONE: (u32, u32) = (390, 844);

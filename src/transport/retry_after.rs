//! The header `Retry-After`: seconds, or a date.

use js_sys::Date;
use moorline_protocol::Millis;
use web_sys::Headers;

/// Nobody means more than a day.
const LONGEST_MS: u64 = 24 * 60 * 60 * 1_000;

/// How long to wait from now; none where the header is missing or says nothing.
pub(super) fn read(headers: &Headers) -> Option<Millis> {
    let header = |name| headers.get(name).ok().flatten();
    let value = header("retry-after")?;
    let ms = if !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit()) {
        value.parse::<u64>().unwrap_or(u64::MAX).saturating_mul(1_000)
    } else {
        // The server's date is held against the server's clock, which may not be this machine's.
        let now = header("date").and_then(|now| date_ms(&now)).unwrap_or_else(Date::now);
        (date_ms(&value)? - now) as u64
    };
    Some(Millis(ms.min(LONGEST_MS)))
}

/// A date as HTTP writes it. What browsers would read beyond that, a bare year for one, is no date here.
fn date_ms(text: &str) -> Option<f64> {
    let ms = Date::parse(text);
    (text.ends_with("GMT") && !ms.is_nan()).then_some(ms)
}

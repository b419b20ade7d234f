//! How long ago something was, in as few words as tell it.

use js_sys::{Date, Object, Reflect};
use wasm_bindgen::{JsCast as _, JsValue};

const MINUTE_MS: u64 = 60_000;
const HOUR_MS: u64 = 60 * MINUTE_MS;
const DAY_MS: f64 = 86_400_000.0;

/// The words for a wall time, seen from another, both in milliseconds since 1970; none for 0, which stands for no time. A time
/// ahead, as of a clock that differs, is now.
pub(super) fn age(then: u64, now: u64) -> String {
    let passed = now.saturating_sub(then);
    let [then_date, now_date] = [then, now].map(date);
    match days_between(&then_date, &now_date) {
        _ if then == 0 => String::new(),
        _ if passed < MINUTE_MS => "now".to_owned(),
        _ if passed < HOUR_MS => (passed / MINUTE_MS).to_string() + " min",
        0 => (passed / HOUR_MS).to_string() + " h",
        1 => "yesterday".to_owned(),
        _ => day(&then_date, &now_date),
    }
}

#[expect(clippy::cast_precision_loss, reason = "exact until the year 287396")]
fn date(at: u64) -> Date {
    Date::new(&JsValue::from_f64(at as f64))
}

/// How many midnights lie between, where the reader is.
fn days_between(then: &Date, now: &Date) -> i32 {
    let midnight = |at: &Date| {
        let date = Date::new(at);
        date.set_hours(0);
        date.set_minutes(0);
        date.set_seconds(0);
        date.set_milliseconds(0);
        date.get_time()
    };
    // A day has 23 to 25 hours.
    #[expect(clippy::cast_possible_truncation, reason = "days since 1970")]
    let days = ((midnight(now) - midnight(then)) / DAY_MS).round() as i32;
    days
}

/// A day as the reader writes it, with the year if it is another.
fn day(then: &Date, now: &Date) -> String {
    let options = Object::new();
    let year = (then.get_full_year() != now.get_full_year()).then_some(("year", "numeric"));
    for (name, value) in [("month", "short"), ("day", "numeric")].into_iter().chain(year) {
        // Setting a property of a plain object never fails.
        let _ = Reflect::set(&options, &name.into(), &value.into());
    }
    then.to_locale_date_string("default", options.unchecked_ref()).into()
}

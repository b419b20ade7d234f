//! How long ago something was, in as few words as tell it.

use js_sys::{Date, Object, Reflect};
use wasm_bindgen::{JsCast as _, JsValue};

const MINUTE_MS: f64 = 60_000.0;
const HOUR_MS: f64 = 60.0 * MINUTE_MS;
const DAY_MS: f64 = 24.0 * HOUR_MS;

/// The words for a wall time, seen from another, both in milliseconds since 1970; none for 0, which stands for no time. A time
/// ahead, as of a clock that differs, is now.
pub(super) fn age(then: u64, now: f64) -> String {
    if then == 0 {
        return String::new();
    }
    #[expect(clippy::cast_precision_loss, reason = "exact until the year 287396")]
    let then = then as f64;
    let passed = now - then;
    match days_between(then, now) {
        _ if passed < MINUTE_MS => "now".to_owned(),
        _ if passed < HOUR_MS => format!("{} min", (passed / MINUTE_MS).floor()),
        0 => format!("{} h", (passed / HOUR_MS).floor()),
        1 => "yesterday".to_owned(),
        _ => day(then, now),
    }
}

/// How many midnights lie between, where the reader is.
fn days_between(then: f64, now: f64) -> i32 {
    let midnight = |at: f64| {
        let date = Date::new(&JsValue::from_f64(at));
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
fn day(then: f64, now: f64) -> String {
    let [then, now] = [then, now].map(|at| Date::new(&JsValue::from_f64(at)));
    let options = Object::new();
    let mut fields = vec![("month", "short"), ("day", "numeric")];
    if then.get_full_year() != now.get_full_year() {
        fields.push(("year", "numeric"));
    }
    for (name, value) in fields {
        // Setting a property of a plain object never fails.
        let _ = Reflect::set(&options, &name.into(), &value.into());
    }
    then.to_locale_date_string("default", options.unchecked_ref()).into()
}

//! A short run of every target, other seeds than a long run begins with.

use moorline_fuzz::{TARGETS, run};

/// A second or two of all targets together, unoptimized.
const EXECUTIONS: u64 = 1_500;

#[test]
fn whatever_a_stranger_sends_is_survived() {
    for target in TARGETS {
        let report = run(target, 1 << 40, EXECUTIONS);
        assert!(report.found.is_none(), "{}", report.found.map_or_else(String::new, |found| found.to_string()));
    }
}

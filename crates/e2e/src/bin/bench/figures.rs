//! Samples, what is said of them, and the tables they are printed in.

use std::{collections::BTreeMap, time::Duration};

/// One quantity as it was measured in each round.
#[derive(Debug, Clone, Default)]
pub(crate) struct Rounds(Vec<f64>);

impl Rounds {
    pub(crate) fn push(&mut self, value: f64) {
        self.0.push(value);
    }

    /// Median, then lowest and highest.
    fn spread(&self, decimals: usize) -> String {
        let mut sorted = self.0.clone();
        sorted.sort_by(f64::total_cmp);
        let (Some(low), Some(high)) = (sorted.first(), sorted.last()) else { return "none".to_owned() };
        format!("{:.decimals$} ({low:.decimals$}–{high:.decimals$})", quantile(&sorted, 0.5))
    }
}

/// The value below which a share of the samples lies; the samples are sorted and not empty.
fn quantile(sorted: &[f64], share: f64) -> f64 {
    let at = (sorted.len() - 1) as f64 * share;
    let (low, high) = (sorted[at.floor() as usize], sorted[at.ceil() as usize]);
    low + (high - low) * at.fract()
}

/// Latencies of one round, in milliseconds.
#[derive(Debug, Clone, Default)]
pub(crate) struct Latencies(Vec<f64>);

impl Latencies {
    pub(crate) fn push(&mut self, latency: Duration) {
        self.0.push(latency.as_secs_f64() * 1e3);
    }

    pub(crate) fn extend(&mut self, others: Self) {
        self.0.extend(others.0);
    }

    pub(crate) const fn len(&self) -> usize {
        self.0.len()
    }

    /// The 50th and the 99th percentile.
    ///
    /// # Panics
    /// When nothing was measured.
    pub(crate) fn percentiles(mut self) -> (f64, f64) {
        assert!(!self.0.is_empty(), "a latency was measured");
        self.0.sort_by(f64::total_cmp);
        (quantile(&self.0, 0.5), quantile(&self.0, 0.99))
    }
}

/// Quantities by name, in the order in which they were first named, one column a variant.
#[derive(Debug, Default)]
pub(crate) struct Table {
    variants: Vec<&'static str>,
    rows: Vec<(String, usize)>,
    cells: BTreeMap<(String, &'static str), Rounds>,
}

impl Table {
    /// Adds one round's value.
    pub(crate) fn push(&mut self, variant: &'static str, row: &str, decimals: usize, value: f64) {
        if !self.variants.contains(&variant) {
            self.variants.push(variant);
        }
        if !self.rows.iter().any(|(known, _)| known == row) {
            self.rows.push((row.to_owned(), decimals));
        }
        self.cells.entry((row.to_owned(), variant)).or_default().push(value);
    }

    /// Prints it as the markdown that `docs/benchmarks.md` holds.
    pub(crate) fn print(&self, title: &str) {
        println!("\n| {title} | {} |", self.variants.join(" | "));
        println!("|---|{}", "---|".repeat(self.variants.len()));
        for (row, decimals) in &self.rows {
            let cells = self.variants.iter().map(|variant| {
                let rounds = self.cells.get(&(row.clone(), *variant));
                rounds.map_or_else(|| "–".to_owned(), |rounds| rounds.spread(*decimals))
            });
            println!("| {row} | {} |", cells.collect::<Vec<_>>().join(" | "));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_spread_is_the_median_with_its_range() {
        let mut rounds = Rounds::default();
        for value in [5.0, 1.0, 3.0, 4.0, 2.0] {
            rounds.push(value);
        }
        assert_eq!(rounds.spread(0), "3 (1–5)");
    }

    #[test]
    fn a_quantile_lies_between_its_neighbours() {
        assert!((quantile(&[1.0, 2.0, 3.0, 4.0], 0.5) - 2.5).abs() < 1e-9);
        assert!((quantile(&[7.0], 0.99) - 7.0).abs() < 1e-9);
    }
}

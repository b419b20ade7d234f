//! Holds `docs/coverage.md` against the tests that really ran.
//!
//! Its tables have a row for each known way to lose, double or reorder something, and for what the page's readers expect: the row's id in the first cell, and
//! in the last the names of the test functions that show it, in backticks, or the word `open`.

use std::path::Path;

use super::tally::{End, Tally};
use crate::failure::{Failure, Outcome};
use crate::workspace::read;

/// The groups of rows, and how many each has.
const GROUPS: [(char, u32); 6] = [('A', 7), ('B', 7), ('C', 8), ('D', 6), ('E', 11), ('P', 16)];

/// Checks the document, and prints how many rows are closed.
///
/// # Errors
///
/// When the file or a row is missing, a row stands twice, or a name is not that of a test that ran and held.
pub(crate) fn check(document: &Path, tally: &Tally) -> Outcome {
    if !document.is_file() {
        return Err(Failure::new(format!("{} is missing", document.display())));
    }
    let (rows, mut mistakes) = parse(&read(document)?);
    mistakes.extend(mistakes_in_rows(&rows));
    for row in &rows {
        mistakes.extend(row.tests.iter().filter_map(|name| mistake_in_test(&row.id, name, tally)));
    }
    if mistakes.is_empty() {
        let closed = rows.iter().filter(|row| !row.tests.is_empty()).count();
        println!("{closed} of {} rows are closed, {} open", rows.len(), rows.len() - closed);
        return Ok(());
    }
    for mistake in &mistakes {
        println!("{mistake}");
    }
    Err(Failure::new(format!("docs/coverage.md has {} mistakes, the first: {}", mistakes.len(), mistakes[0])))
}

/// A row of the table; without tests it is open.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Row {
    id: String,
    tests: Vec<String>,
}

/// Reads the rows, and tells what cannot be read as one.
fn parse(document: &str) -> (Vec<Row>, Vec<String>) {
    let mut rows = Vec::new();
    let mut mistakes = Vec::new();
    for line in document.lines().map(str::trim).filter(|line| line.starts_with('|')) {
        let cells = cells(line);
        let (Some(first), Some(last)) = (cells.first(), cells.last()) else {
            continue;
        };
        if !is_row_id(first) {
            continue;
        }
        match parse_tests(last) {
            Some(tests) => rows.push(Row { id: first.clone(), tests }),
            None => mistakes.push(format!("{first}: the last cell is neither test functions in backticks nor the word open: {last}")),
        }
    }
    (rows, mistakes)
}

/// The cells of a table's line; `\|` is a bar inside one.
fn cells(line: &str) -> Vec<String> {
    const BAR: &str = "\u{0}";
    let line = line.replace("\\|", BAR);
    let inner = line.strip_prefix('|').unwrap_or(&line);
    let inner = inner.strip_suffix('|').unwrap_or(inner);
    inner.split('|').map(|cell| cell.trim().replace(BAR, "|")).collect()
}

fn is_row_id(cell: &str) -> bool {
    let mut letters = cell.chars();
    letters.next().is_some_and(|letter| letter.is_ascii_uppercase())
        && !letters.as_str().is_empty()
        && letters.all(|digit| digit.is_ascii_digit())
}

/// The names in the last cell: empty for `open`, `None` for anything else than names between commas.
fn parse_tests(cell: &str) -> Option<Vec<String>> {
    if cell == "open" {
        return Some(Vec::new());
    }
    cell.split(',')
        .map(|name| {
            let name = name.trim().strip_prefix('`')?.strip_suffix('`')?;
            (!name.is_empty() && !name.contains(['`', ' '])).then(|| name.to_owned())
        })
        .collect()
}

fn mistakes_in_rows(rows: &[Row]) -> Vec<String> {
    let expected: Vec<String> =
        GROUPS.iter().flat_map(|(group, count)| (1..=*count).map(move |number| format!("{group}{number}"))).collect();
    let mut mistakes = Vec::new();
    for id in &expected {
        match rows.iter().filter(|row| row.id == *id).count() {
            0 => mistakes.push(format!("{id}: the row is missing")),
            1 => {}
            _ => mistakes.push(format!("{id}: the row stands more than once")),
        }
    }
    let unknown = rows.iter().filter(|row| !expected.contains(&row.id));
    mistakes.extend(unknown.map(|row| format!("{}: there is no such row", row.id)));
    mistakes
}

fn mistake_in_test(id: &str, name: &str, tally: &Tally) -> Option<String> {
    match tally.end_of(name) {
        Some(End::Ok) => None,
        Some(End::Ignored) => Some(format!("{id}: the test {name} is ignored")),
        Some(End::Failed) => Some(format!("{id}: the test {name} failed")),
        None => Some(format!("{id}: no test {name} ran")),
    }
}

#[cfg(test)]
mod tests {
    use super::{GROUPS, Row, mistake_in_test, mistakes_in_rows, parse};
    use crate::test::tally::Tally;

    fn row(id: &str, tests: &[&str]) -> Row {
        Row { id: id.to_owned(), tests: tests.iter().map(|name| (*name).to_owned()).collect() }
    }

    fn every_row() -> Vec<Row> {
        let ids = GROUPS.iter().flat_map(|(group, count)| (1..=*count).map(move |n| format!("{group}{n}")));
        ids.map(|id| row(&id, &[])).collect()
    }

    #[test]
    fn rows_are_read_and_headings_are_not() {
        let document = "# Coverage\n\n| row | what | tests |\n|---|---|---|\n\
             | A1 | a \\| b | `one`, `module::two` |\n| B2 | c | open |\nA3 in prose\n";
        let expected = vec![row("A1", &["one", "module::two"]), row("B2", &[])];
        assert_eq!(parse(document), (expected, Vec::new()));
    }

    #[test]
    fn a_last_cell_is_names_or_open_and_nothing_between() {
        for cell in ["", "`one`, open", "one", "partly open", "`one` and `two`", "``"] {
            let (rows, mistakes) = parse(&format!("| A1 | text | {cell} |"));
            assert_eq!((rows.len(), mistakes.len()), (0, 1), "{cell}");
        }
    }

    #[test]
    fn every_row_stands_exactly_once() {
        assert_eq!(mistakes_in_rows(&every_row()), Vec::<String>::new());
        let mut rows = every_row();
        rows.retain(|row| row.id != "E11");
        rows.push(row("A1", &[]));
        rows.push(row("D7", &[]));
        assert_eq!(mistakes_in_rows(&rows), ["A1: the row stands more than once", "E11: the row is missing", "D7: there is no such row"]);
    }

    #[test]
    fn a_name_must_be_that_of_a_test_that_ran_and_held() {
        let mut tally = Tally::default();
        for line in ["test a::held ... ok", "test a::skipped ... ignored", "test a::broke ... FAILED"] {
            tally.read(line);
        }
        assert_eq!(mistake_in_test("A1", "held", &tally), None);
        for name in ["skipped", "broke", "absent"] {
            assert!(mistake_in_test("A1", name, &tally).is_some(), "{name}");
        }
    }
}

//! The page's links to its style sheets.

/// How Trunk writes one, before the sheet's name and behind it.
const LINK: [&str; 2] = ["<link rel=\"stylesheet\" href=\"./", "\"/>"];

/// The names of the sheets that a page links to, in their order.
pub(super) fn linked(page: &str) -> Vec<&str> {
    page.split(LINK[0]).skip(1).filter_map(|behind| behind.split_once(LINK[1])).map(|(name, _)| name).collect()
}

/// The page with a link to one sheet, in the first one's place, and to no other.
pub(super) fn with_one(page: &str, name: &str) -> String {
    let mut pieces = page.split(LINK[0]);
    let mut one = pieces.next().unwrap_or_default().to_owned();
    for (at, behind) in pieces.filter_map(|behind| behind.split_once(LINK[1])).map(|(_, behind)| behind).enumerate() {
        if at == 0 {
            one.extend([LINK[0], name, LINK[1], behind]);
        } else {
            one.truncate(one.trim_end().len());
            one.push_str(behind);
        }
    }
    one
}

#[cfg(test)]
mod tests {
    use super::{linked, with_one};

    const PAGE: &str =
        "<head>\n  <link rel=\"stylesheet\" href=\"./a-1.css\"/>\n  <link rel=\"stylesheet\" href=\"./b-2.css\"/>\n</head>\n";

    #[test]
    fn sheets_are_found_in_the_order_of_their_links() {
        assert_eq!(linked(PAGE), ["a-1.css", "b-2.css"]);
        assert!(linked("<head></head>").is_empty());
    }

    #[test]
    fn one_link_takes_the_place_of_all() {
        assert_eq!(with_one(PAGE, "style.css"), "<head>\n  <link rel=\"stylesheet\" href=\"./style.css\"/>\n</head>\n");
        assert_eq!(with_one("<head></head>", "style.css"), "<head></head>");
    }
}

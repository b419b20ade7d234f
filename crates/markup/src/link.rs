//! Addresses that a page may link to.

use crate::Inline;

/// The address, if it leads where an answer's links may lead: `http`, `https` and `mailto`, written so that no browser reads
/// anything else in it.
pub(crate) fn safe(address: &str) -> Option<&str> {
    let is_clean = !address.chars().any(|sign| sign.is_whitespace() || sign.is_control() || sign == '\\');
    let is_known = ["http://", "https://", "mailto:"].iter().any(|scheme| rest(address, scheme).is_some_and(|rest| !rest.is_empty()));
    (is_clean && is_known).then_some(address)
}

/// The host of an image's address, if it is a safe one on the web.
pub(crate) fn host(address: &str) -> Option<&str> {
    let address = safe(address)?;
    let rest = rest(address, "http://").or_else(|| rest(address, "https://"))?;
    let authority = rest.split(['/', '?', '#']).next()?;
    let host = authority.rsplit('@').next()?;
    Some(host).filter(|host| !host.is_empty())
}

fn rest<'a>(address: &'a str, scheme: &str) -> Option<&'a str> {
    let (head, rest) = address.split_at_checked(scheme.len())?;
    head.eq_ignore_ascii_case(scheme).then_some(rest)
}

/// Makes links of the addresses that stand bare in a text.
pub(crate) fn linked(inlines: Vec<Inline>) -> Vec<Inline> {
    if !inlines.iter().any(|inline| matches!(inline, Inline::Text(text) if text.contains("://"))) {
        return inlines;
    }
    let mut out = Vec::with_capacity(inlines.len() + 2);
    for inline in inlines {
        if let Inline::Text(text) = &inline
            && text.contains("://")
        {
            link(text, &mut out);
        } else {
            out.push(inline);
        }
    }
    out
}

fn link(text: &str, out: &mut Vec<Inline>) {
    let mut done = 0;
    let mut from = 0;
    while let Some(found) = text[from..].find("http") {
        let start = from + found;
        let is_word_start = text[..start].chars().next_back().is_none_or(|sign| !is_letter(sign));
        let is_address = text[start..].starts_with("http://") || text[start..].starts_with("https://");
        from = start + 4;
        if !is_word_start || !is_address {
            continue;
        }
        let length = text[start..].find(|sign: char| sign.is_whitespace() || sign.is_control() || "<>\"`|\\".contains(sign));
        let address = trimmed(&text[start..length.map_or(text.len(), |length| start + length)]);
        from = start + address.len().max(4);
        if host(address).is_none_or(|host| !host.starts_with(is_letter) && !host.starts_with('[')) {
            continue;
        }
        if start > done {
            out.push(Inline::Text(text[done..start].to_owned()));
        }
        out.push(Inline::Link { href: address.to_owned(), text: vec![Inline::Text(address.to_owned())] });
        done = start + address.len();
    }
    if done < text.len() {
        out.push(Inline::Text(text[done..].to_owned()));
    }
}

/// Every letter beyond ASCII counts: the tables that tell them apart are large.
const fn is_letter(sign: char) -> bool {
    sign.is_ascii_alphanumeric() || !sign.is_ascii()
}

/// Without what ends the sentence around it.
fn trimmed(address: &str) -> &str {
    let mut address = address;
    loop {
        let shorter = address.trim_end_matches(['.', ',', ';', ':', '!', '?', '\'', '*', '_', '~', ']', '}']);
        let shorter = match shorter.strip_suffix(')') {
            Some(inner) if !shorter.contains('(') => inner,
            _ => shorter,
        };
        if shorter.len() == address.len() {
            return address;
        }
        address = shorter;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_three_schemes_are_safe() {
        for address in ["http://a", "HTTPS://a/b?c#d", "mailto:a@b"] {
            assert_eq!(safe(address), Some(address));
        }
        let bad = [
            "javascript:alert(1)",
            "data:text/html,x",
            "//a",
            "/a",
            "http:a",
            "http://",
            " http://a",
            "java\tscript:x",
            "http://a\u{0}",
            "vbscript:x",
            "http:\\\\a",
        ];
        for address in bad {
            assert_eq!(safe(address), None, "{address:?}");
        }
    }

    #[test]
    fn an_address_in_a_sentence_ends_before_the_sentence_does() {
        let found = |text: &str| {
            let found = linked(vec![Inline::Text(text.into())]).into_iter();
            found.filter_map(|inline| if let Inline::Link { href, .. } = inline { Some(href) } else { None }).next()
        };
        assert_eq!(found("see https://a.example/b_(c), then").as_deref(), Some("https://a.example/b_(c)"));
        assert_eq!(found("(https://a.example/b).").as_deref(), Some("https://a.example/b"));
        assert_eq!(found("xhttps://a.example"), None);
        assert_eq!(found("https://!"), None);
    }
}

//! What is left when the program has panicked.

use web_sys::{Document, Element};

/// Puts the banner on the page by hand: after a panic no effect may ever run again. Its button works without the program,
/// since start.js listens to it.
pub fn show(message: &str) {
    let Some(document) = web_sys::window().and_then(|window| window.document()) else { return };
    if document.query_selector("[data-crash]").is_ok_and(|shown| shown.is_some()) {
        return;
    }
    let (Some(body), Some(banner)) = (document.body(), banner(&document, message)) else { return };
    let _ = body.prepend_with_node_1(&banner);
}

fn banner(document: &Document, message: &str) -> Option<Element> {
    let banner = element(document, "div", &[("class", "banner crash"), ("role", "alert"), ("data-crash", "")], "")?;
    let sentence = "This page has stopped working. What you sent is stored and goes on after a reload.";
    let details = element(document, "details", &[], "")?;
    for part in [element(document, "summary", &[], "Details")?, element(document, "pre", &[], message)?] {
        details.append_with_node_1(&part).ok()?;
    }
    let button = element(document, "button", &[("type", "button"), ("class", "primary"), ("data-reload", "")], "Reload")?;
    for part in [element(document, "p", &[], sentence)?, button, details] {
        banner.append_with_node_1(&part).ok()?;
    }
    Some(banner)
}

fn element(document: &Document, name: &str, attributes: &[(&str, &str)], text: &str) -> Option<Element> {
    let element = document.create_element(name).ok()?;
    for (name, value) in attributes {
        element.set_attribute(name, value).ok()?;
    }
    element.set_text_content(Some(text));
    Some(element)
}

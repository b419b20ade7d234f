//! The script between page and program, as wasm-bindgen writes it: one statement after the other, what is inside one
//! indented. More than that is not relied on; what does not fit makes the minifier or the browser tests fail.

use std::collections::BTreeMap;

use crate::failure::{Failure, Outcome};

/// The module's name in the program's imports, once [`with_imports`] has shortened it in the glue.
pub(super) const MODULE: &str = "w";

/// The glue without the classes that it exports, and without what else is named after them.
pub(super) fn without_exports(glue: &str) -> String {
    let class = |line: &str| Some(line.strip_prefix("export class ")?.split_once(' ')?.0.to_owned());
    let classes: Vec<String> = glue.lines().filter_map(class).collect();
    without(glue, 0, |statement| classes.iter().any(|class| statement.contains(class)))
}

/// The glue with those of its functions that the program imports, under [`MODULE`]'s name.
pub(super) fn with_imports(glue: &str, imported: impl Fn(&str) -> bool) -> String {
    let glue = without(glue, 8, |line| line.split_once(": function(").is_some_and(|(name, _)| !imported(name)));
    let lines = glue.lines().map(|line| match line.split_once(": import0") {
        Some(_) => format!("        {MODULE}: import0,\n"),
        None => format!("{line}\n"),
    });
    lines.collect()
}

/// What the minifier renamed, from the file in which it says so.
///
/// # Errors
///
/// When the file has another form.
pub(super) fn names(cache: &str) -> Outcome<BTreeMap<String, String>> {
    serde_json::from_str(cache).map_err(|error| Failure::new(format!("the minifier told its names in a form of its own: {error}")))
}

/// The text without the statements of an indentation that are unwanted, by their first line.
fn without(text: &str, indentation: usize, unwanted: impl Fn(&str) -> bool) -> String {
    let mut rest = String::with_capacity(text.len());
    let mut dropping = false;
    for line in text.lines() {
        let trimmed = line.trim_start();
        let depth = line.len() - trimmed.len();
        let goes_on = trimmed.is_empty() || depth > indentation || depth == indentation && trimmed.starts_with('}');
        if !goes_on {
            dropping = depth == indentation && unwanted(trimmed);
        }
        if !dropping {
            rest.push_str(line);
            rest.push('\n');
        }
    }
    rest
}

#[cfg(test)]
mod tests {
    use super::{names, with_imports, without_exports};

    const GLUE: &str = "\
export class Stream {
    free() {
        wasm.stream_free(0);
    }
}
if (Symbol.dispose) Stream.prototype[Symbol.dispose] = Stream.prototype.free;

function imports() {
    const import0 = {
        one: function(arg0) {
            if (arg0) {
                return 1;
            }
        },
        two: function() { return handleError(function () {
            return 2;
        }, arguments); },
    };
    return {
        \"./program_bg.js\": import0,
    };
}
const StreamFinalization = new FinalizationRegistry(
    ptr => wasm.stream_free(ptr, 1));
export { init as default };
";

    #[test]
    fn exported_classes_go_with_all_that_is_named_after_them_and_nothing_else() {
        let rest = without_exports(GLUE);
        assert!(!rest.contains("Stream") && !rest.contains("stream_free"), "{rest}");
        assert!(rest.contains("const import0") && rest.ends_with("export { init as default };\n"), "{rest}");
    }

    #[test]
    fn functions_that_are_not_imported_go_whole() {
        let rest = with_imports(GLUE, |name| name == "two");
        assert!(!rest.contains("one") && !rest.contains("return 1"), "{rest}");
        assert!(rest.contains("return 2;\n        }, arguments); },\n    };\n    return {\n        w: import0,\n    };"), "{rest}");
        let rest = with_imports(GLUE, |name| name == "one");
        assert!(!rest.contains("two") && rest.contains("return 1;\n            }\n        },\n    };"), "{rest}");
    }

    #[test]
    fn names_are_read_as_the_minifier_writes_them() {
        let read = names("{\n  \"__wbg_abort\": \"a\"\n}\n").unwrap();
        assert_eq!(read["__wbg_abort"], "a");
        assert!(names("{ \"__wbg_abort\": false }").is_err());
    }
}

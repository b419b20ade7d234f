//! The languages that are known.

/// A language, as far as colours go.
#[derive(Debug)]
pub(super) struct Language {
    names: &'static str,
    keywords: &'static str,
    pub(super) line_comments: &'static [&'static str],
    pub(super) block_comments: &'static [(&'static str, &'static str)],
    /// What begins and ends strings that go over lines.
    pub(super) long_strings: &'static [&'static str],
    /// What begins and ends strings that do not.
    pub(super) quotes: &'static str,
    /// A name before a colon is a key.
    pub(super) has_keys: bool,
    /// A dash may stand within a word.
    pub(super) has_dashes: bool,
    pub(super) style: Style,
}

/// What no table can say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Style {
    Code,
    /// An apostrophe alone is no string.
    Lifetimes,
    Shell,
    Toml,
    /// Keywords in either case.
    Sql,
    Markup,
    Diff,
}

const C: Language = Language {
    names: "",
    keywords: "",
    line_comments: &["//"],
    block_comments: &[("/*", "*/")],
    long_strings: &[],
    quotes: "\"'",
    has_keys: false,
    has_dashes: false,
    style: Style::Code,
};

const HASH: Language = Language { line_comments: &["#"], block_comments: &[], ..C };

const LANGUAGES: &[Language] = &[
    Language {
        names: "rust rs",
        keywords: "as async await break const continue crate dyn else enum extern fn for if impl in let loop match mod move mut pub ref return self Self static struct super trait type unsafe use where while",
        style: Style::Lifetimes,
        ..C
    },
    Language {
        names: "javascript js jsx mjs cjs typescript ts tsx",
        keywords: "abstract any as async await boolean break case catch class const continue debugger declare default delete do else enum export extends finally for from function get if implements import in instanceof interface keyof let namespace never new number of private protected public readonly return satisfies set static string super switch this throw try type typeof unknown var void while yield",
        long_strings: &["`"],
        ..C
    },
    Language {
        names: "python py python3 pyi",
        keywords: "and as assert async await break case class continue def del elif else except finally for from global if import in is lambda match nonlocal not or pass raise return self try while with yield",
        long_strings: &["\"\"\"", "'''"],
        ..HASH
    },
    Language {
        names: "go golang",
        keywords: "any bool break byte case chan const continue default defer else error fallthrough float64 for func go goto if import int int64 interface map package range return rune select string struct switch type var",
        long_strings: &["`"],
        ..C
    },
    Language {
        names: "java kotlin kt scala swift dart groovy",
        keywords: "abstract boolean break byte case catch char class const continue data def default do double else enum extends extension final finally float for fun func guard if implements import in instanceof int interface internal is lateinit let long native new object open override package private protected public record return sealed short static super switch synchronized this throw throws trait try typealias val var void volatile when where while",
        long_strings: &["\"\"\""],
        ..C
    },
    Language {
        names: "c h cpp c++ cc cxx hpp objc cuda",
        keywords: "alignas alignof auto bool break case catch char class concept const constexpr continue decltype default delete do double else enum explicit export extern final float for friend goto if inline int long namespace new noexcept operator override private protected public register requires return short signed sizeof static static_cast struct switch template this throw try typedef typename union unsigned using virtual void volatile while include define ifdef ifndef endif pragma",
        ..C
    },
    Language {
        names: "csharp cs c#",
        keywords: "abstract as async await base bool break byte case catch char class const continue decimal default delegate do double else enum event explicit extern finally fixed float for foreach get if implicit in init int interface internal is lock long namespace new object operator out override params private protected public readonly record ref return sealed set short static string struct switch this throw try typeof uint ulong unsafe using var virtual void volatile when where while yield",
        long_strings: &["\"\"\""],
        ..C
    },
    Language {
        names: "ruby rb",
        keywords: "alias and begin break case class def defined? do else elsif end ensure extend for if in include module next not or private protected public raise redo require rescue retry return self super then undef unless until when while yield attr_accessor attr_reader",
        block_comments: &[("=begin", "=end")],
        ..HASH
    },
    Language {
        names: "php",
        keywords: "abstract and array as break case catch class clone const continue declare default do echo else elseif empty enum extends final finally fn for foreach function global if implements include instanceof interface isset list match namespace new or print private protected public readonly require return static switch throw trait try unset use var while yield",
        line_comments: &["//", "#"],
        style: Style::Shell,
        ..C
    },
    Language {
        names: "shell sh bash zsh fish console terminal dockerfile docker makefile make",
        keywords: "alias break case continue do done elif else esac eval exec exit export fi for function if in local readonly return set shift source then trap unset until while cd echo sudo FROM RUN COPY ADD CMD ENV ENTRYPOINT WORKDIR EXPOSE ARG USER",
        quotes: "\"'`",
        has_dashes: true,
        style: Style::Shell,
        ..HASH
    },
    Language { names: "json jsonc json5 jsonl", has_keys: true, ..C },
    Language { names: "yaml yml", has_keys: true, has_dashes: true, ..HASH },
    Language {
        names: "toml ini conf properties",
        line_comments: &["#", ";"],
        has_keys: true,
        has_dashes: true,
        long_strings: &["\"\"\"", "'''"],
        style: Style::Toml,
        ..HASH
    },
    Language { names: "html xml svg vue svelte xhtml", line_comments: &[], block_comments: &[("<!--", "-->")], style: Style::Markup, ..C },
    Language { names: "css scss less", line_comments: &[], has_keys: true, has_dashes: true, ..C },
    Language {
        names: "sql sqlite postgres postgresql mysql psql",
        keywords: "add all alter and as asc begin between by case check column commit constraint create cross database default delete desc distinct drop else end exists explain foreign from full group having if in index inner insert into is join key left like limit not null offset on or order outer primary references returning right rollback select set table then transaction union unique update using values view when where with",
        line_comments: &["--"],
        style: Style::Sql,
        ..C
    },
    Language { names: "diff patch", style: Style::Diff, ..C },
];

impl Language {
    pub(super) fn is_keyword(&self, word: &str) -> bool {
        self.keywords.split(' ').any(|keyword| if self.style == Style::Sql { keyword.eq_ignore_ascii_case(word) } else { keyword == word })
    }
}

/// Finds a language by what stands behind the fence, such as `rust`, `rust,no_run` or `{.python}`.
pub(super) fn find(name: &str) -> Option<&'static Language> {
    let name = name.trim_start_matches(['{', '.']).split([',', '{', '}', ':']).next()?.to_ascii_lowercase();
    LANGUAGES.iter().find(|language| language.names.split(' ').any(|held| held == name))
}

/// Whether a word stands for a value.
pub(super) fn is_value(word: &str) -> bool {
    matches!(
        word,
        "true" | "false" | "null" | "nil" | "None" | "True" | "False" | "undefined" | "NaN" | "nullptr" | "TRUE" | "FALSE" | "NULL"
    )
}

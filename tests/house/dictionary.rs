//! What a person reads stands in the dictionary under a key, in both languages, and never in the code: there it would be said in one
//! language to readers of the other, or stand beside its translation where no translator looks.

use super::{code_of, files, is_test, shown};
use regex::Regex;

/// What may hold Chinese text, each with the reason.
const CHINESE: [(&str, &str); 5] = [
    (
        "src/domain/prompts/",
        "a prompt is a whole text for an agent, written once in each language, and no sentence that a person reads",
    ),
    (
        "src/web/pages/work.rs",
        "the words for \"nothing\" that agents write, which are recognised and never shown",
    ),
    (
        "src/commands/demo/agent.rs",
        "the demonstration's agent looks for a heading of a prompt in either language",
    ),
    (
        "src/commands/demo/texts.rs",
        "what the demonstration's model says and asks, as any model would: data to the launcher",
    ),
    (
        "src/commands/demo/checklist.rs",
        "the form of the demonstration's MCP server: data to the launcher",
    ),
];

fn may_hold_chinese(file: &str) -> bool {
    CHINESE.iter().any(|(path, _)| file.starts_with(path))
}

#[test]
fn no_sentence_stands_in_the_code_in_chinese() {
    let chinese = Regex::new(r"[\x{3000}-\x{303f}\x{3400}-\x{9fff}\x{ff00}-\x{ffef}]").unwrap();
    let (mut wrong, mut kept) = (Vec::new(), vec![false; CHINESE.len()]);
    for path in files("src", &["rs"]) {
        if is_test(&path) {
            continue;
        }
        let (file, code) = (shown(&path), code_of(&path));
        for line in code.lines().filter(|line| chinese.is_match(line)) {
            match CHINESE.iter().position(|(path, _)| file.starts_with(path)) {
                Some(index) => kept[index] = true,
                None => wrong.push(format!("{file}: {}", line.trim())),
            }
        }
    }
    assert!(
        wrong.is_empty(),
        "{} lines; give each sentence a key in static/i18n and `say!` it:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
    assert!(
        kept.iter().all(|kept| *kept),
        "an exception that nobody needs any more: {CHINESE:?}, {kept:?}"
    );
}

#[test]
fn nobody_picks_between_two_texts_of_the_code() {
    // Whichever kind of text: a literal, one with a prefix such as `r#`, or one that is put together.
    let picks = Regex::new(r#"\.pick\(\s*(?:[a-z]*#*"|format!\()"#).unwrap();
    assert!(
        picks.is_match("language.pick(\n    \"a\", b)"),
        "it must be able to fail"
    );
    let mut wrong = Vec::new();
    for path in files("src", &["rs"]) {
        let file = shown(&path);
        if !is_test(&path) && !may_hold_chinese(&file) && picks.is_match(&code_of(&path)) {
            wrong.push(file);
        }
    }
    assert!(wrong.is_empty(), "say! a key of the dictionary: {wrong:?}");
}

//! No file needs another that needs it in turn. A folder's own file and what lies in the folder may: they are one thing.

use super::{code_of, files, is_test, root, shown};
use regex::Regex;
use std::collections::{BTreeMap, BTreeSet};

/// `["git", "index", "format"]` for `src/git/index/format.rs`.
type Module = Vec<String>;
type Arrows = BTreeMap<Module, BTreeSet<Module>>;

fn module_of(path: &std::path::Path) -> Module {
    let inside = path.strip_prefix(root().join("src")).unwrap();
    let mut module: Module = inside
        .with_extension("")
        .iter()
        .map(|part| part.to_string_lossy().into_owned())
        .collect();
    module.retain(|part| part != "mod" && part != "lib");
    module
}

/// The paths of `a::{b, c::{d as e}}`: `a::b`, `a::c::d`.
fn paths_of(tree: &str) -> Vec<String> {
    let tree = tree.trim();
    let Some(open) = tree.find('{') else {
        return vec![tree.split(" as ").next().unwrap().trim().to_owned()];
    };
    let (before, list) = (&tree[..open], &tree[open + 1..tree.rfind('}').unwrap()]);
    let mut paths = Vec::new();
    let (mut depth, mut start) = (0, 0);
    for (at, c) in list.char_indices().chain([(list.len(), ',')]) {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                let part = list[start..at].trim();
                if !part.is_empty() {
                    let inner = paths_of(part).into_iter();
                    paths.extend(inner.map(|path| format!("{before}{path}")));
                }
                start = at + 1;
            }
            _ => {}
        }
    }
    paths
}

/// Every path that a file names, in a `use` or in the middle of its code.
fn paths_in(code: &str) -> Vec<String> {
    let uses = Regex::new(r"(?m)^\s*(?:pub(?:\([^)]*\))? )?use\s+([\w:{},\s]+);").unwrap();
    let named = Regex::new(r"\b[a-z_]\w*(?:::\w+)+").unwrap();
    let mut paths: Vec<String> = uses
        .captures_iter(code)
        .flat_map(|found| paths_of(&found[1]))
        .collect();
    let rest = uses.replace_all(code, "");
    paths.extend(named.find_iter(&rest).map(|it| it.as_str().to_owned()));
    paths
}

/// The file that `path` leads to from `own`: the innermost module that it names.
fn target(own: &Module, path: &str, all: &BTreeSet<Module>) -> Option<Module> {
    let mut parts = path.split("::").peekable();
    let mut at = match *parts.peek()? {
        "crate" => {
            parts.next();
            Module::new()
        }
        "self" => {
            parts.next();
            own.clone()
        }
        "super" => {
            let mut at = own.clone();
            while parts.next_if_eq(&"super").is_some() {
                at.pop()?;
            }
            at
        }
        _ => own.clone(),
    };
    let begun = at.clone();
    for part in parts {
        at.push(part.to_owned());
        if !all.contains(&at) {
            at.pop();
            break;
        }
    }
    let foreign = begun == *own && at == *own;
    (!foreign && !at.is_empty()).then_some(at)
}

fn arrows() -> Arrows {
    let paths: Vec<_> = files("src", &["rs"])
        .into_iter()
        .filter(|path| !is_test(path) && !path.ends_with("src/main.rs"))
        .collect();
    let all: BTreeSet<Module> = paths.iter().map(|path| module_of(path)).collect();
    let mut arrows = Arrows::new();
    for path in &paths {
        let own = module_of(path);
        let code = code_of(path);
        let targets = paths_in(&code).into_iter();
        let mut targets: BTreeSet<Module> = targets
            .filter_map(|named| target(&own, &named, &all))
            .collect();
        let is_family = |other: &Module| {
            other == &own
                || other.split_last().is_some_and(|(_, it)| it == own)
                || own.split_last().is_some_and(|(_, it)| it == *other)
        };
        targets.retain(|other| !is_family(other));
        assert!(all.contains(&own), "{}", shown(path));
        arrows.insert(own, targets);
    }
    arrows
}

/// The arrows that stand in circles: whoever is at their end finds a way back.
fn in_circles(arrows: &Arrows) -> Vec<(&Module, &Module)> {
    let leads = |from: &Module, to: &Module| {
        let mut seen = BTreeSet::new();
        let mut next = vec![from];
        while let Some(at) = next.pop() {
            if at == to {
                return true;
            }
            if seen.insert(at) {
                next.extend(arrows.get(at).into_iter().flatten());
            }
        }
        false
    };
    let all = arrows
        .iter()
        .flat_map(|(from, targets)| targets.iter().map(move |to| (from, to)));
    all.filter(|(from, to)| leads(to, from)).collect()
}

#[test]
fn the_search_for_arrows_sees_what_it_should() {
    let code = "use super::{b::{C, d as e}, f};\nlet x = crate::a::b::new(self::g::h());";
    assert_eq!(
        paths_in(code),
        [
            "super::b::C",
            "super::b::d",
            "super::f",
            "crate::a::b::new",
            "self::g::h"
        ]
    );
    let module = |text: &str| text.split("::").map(str::to_owned).collect::<Module>();
    let all = BTreeSet::from(["a", "a::b", "a::f", "a::g"].map(module));
    for (path, leads_to) in [
        ("super::b::C", Some("a::b")),
        ("crate::a::b::new", Some("a::b")),
        ("super::T", Some("a")),
        ("std::io::Read", None),
    ] {
        assert_eq!(
            target(&module("a::f"), path, &all),
            leads_to.map(module),
            "{path}"
        );
    }
    let pairs = [("a", "b"), ("b", "c"), ("c", "b"), ("c", "d")];
    let mut arrows = Arrows::new();
    for (from, to) in pairs {
        arrows.entry(module(from)).or_default().insert(module(to));
    }
    let (b, c) = (module("b"), module("c"));
    assert_eq!(in_circles(&arrows), [(&b, &c), (&c, &b)]);
}

#[test]
fn no_two_files_need_each_other() {
    let arrows = arrows();
    assert!(arrows.len() > 300);
    let lines: Vec<String> = in_circles(&arrows)
        .into_iter()
        .map(|(from, to)| format!("{} uses {}", from.join("::"), to.join("::")))
        .collect();
    assert!(
        lines.is_empty(),
        "files in circles; put what both need into a file of its own:\n{}",
        lines.join("\n")
    );
}

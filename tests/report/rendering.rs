//! Reports as text, Markdown, JSON and SARIF.
//!
//! `sarif-schema-2.1.0.json` is the schema of the SARIF 2.1.0 standard, unchanged, as the crate serde-sarif ships it.
//! Copyright © OASIS Open; the standard's notices allow it to be copied and distributed with this line.

use std::collections::BTreeSet;

use serde_json::Value;
use zhongshu::domain::language::Language;
use zhongshu::domain::report::{Report, ReportMode};
use zhongshu::governance::Governance;
use zhongshu::governance::render::{Format, Part, printable, render};
use zhongshu::governance::report::{ReportRequest, build};

use crate::sandbox::Sandbox;

const LANGUAGES: [Language; 2] = [Language::Zh, Language::En];

fn rendered(report: &Report, format: Format, language: Language) -> String {
    render(report, format, Part::Whole, language).unwrap()
}

/// A repository in which everything that can be told is there, under rules that silence a part of it.
fn everything(sandbox: &Sandbox, mode: ReportMode, language: Language) -> Report {
    let governance = Governance::parse(
        "risk_rules:\n  - {name: build_output, allow_pattern: /dist/}\n  - {name: own, level: low, content: 'TO-DO', message: 'see [the plan](x) \\ {0}'}\n",
    )
    .unwrap();
    let request = ReportRequest {
        mode,
        base: (mode == ReportMode::Base).then(|| "HEAD".to_owned()),
        language,
        ..ReportRequest::default()
    };
    build(&sandbox.repo, &governance, &request).unwrap()
}

fn busy() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.write("CODEOWNERS", "* @everybody\n*.rs nobody\n");
    sandbox.commit_all();
    sandbox.write(".env", "x\n");
    sandbox.write("src/a b:c#?.rs", "fn a() {} // TO-DO\n");
    sandbox.write("dist/x.js", "x\n");
    sandbox.write("new.bin", b"\0");
    sandbox.write("huge.txt", vec![b'x'; 9 << 20]);
    sandbox.write(
        "docs/guide.md",
        "see /home/jane/x and `/home/jane/y` and [/home/jane/z]\n",
    );
    sandbox.write(
        "src/key.rs",
        format!(
            "let t = \"gh{}{}\";\n",
            "p_", "0123456789abcdefghijABCDEFGHIJ012345"
        ),
    );
    sandbox.git(&["mv", "tools/run.sh", "tools/\u{8fd0}\u{884c}.sh"]);
    sandbox.git(&["add", "-A"]);
    sandbox.write("loose.txt", "TO-DO\n");
    sandbox
}

const HOSTILE_NAMES: [&str; 9] = [
    "esc\u{1b}[31m\u{202e}.txt",
    "c1\u{9b}31m.txt",
    "tick`|<b>.md",
    "line\n## Forged\n.txt",
    "line\r\n- forged: 1\u{2028}x.txt",
    "hidden\u{200b}\u{2066}\u{e0041}.txt",
    "[x](javascript:alert(1)).md",
    "`` ` ``",
    " leading and trailing ",
];

#[test]
fn hostile_names_stay_inert() {
    let sandbox = Sandbox::new();
    for name in HOSTILE_NAMES {
        sandbox.write(name, "x /home/jane/\u{1b}[31m\u{202e}x\n");
    }
    sandbox.write(".env", "x\n");
    // A rule that hits all of them, so that they are findings as well.
    let governance = Governance::parse(
        "risk_rules:\n  - {name: 'all `|', level: high, pattern: '*', message: \"m `x` \\e[31m\\n## Forged\"}\npreflight: {documents: '*'}\n",
    )
    .unwrap();
    for language in LANGUAGES {
        let request = ReportRequest {
            language,
            ..ReportRequest::default()
        };
        let report = build(&sandbox.repo, &governance, &request).unwrap();
        assert_eq!(
            report.risks.len(),
            10 + 1 + 9,
            "all, secret_files, hidden_characters"
        );
        let quiet = {
            let mut quiet = report.clone();
            quiet.risks.clear();
            quiet.changed_files.clear();
            quiet.uncategorised.clear();
            quiet
                .preflight
                .checks
                .portability_reference_scan
                .violations
                .clear();
            quiet
        };
        for format in [Format::Text, Format::Markdown] {
            for part in [Part::Whole, Part::Preflight] {
                let text = render(&report, format, part, language).unwrap();
                assert!(text.contains(".md"), "{text}");
                let odd = text
                    .chars()
                    .find(|c| *c != '\n' && printable(&c.to_string()) != c.to_string());
                assert_eq!(odd, None, "{text}");
                assert!(
                    !text.lines().any(|line| {
                        line.starts_with("## Forged") || line.starts_with("- forged")
                    }),
                    "{text}"
                );
            }
        }
        let heads = |report: &Report| {
            let text = rendered(report, Format::Markdown, language);
            text.lines().filter(|line| line.starts_with('#')).count()
        };
        assert_eq!(
            heads(&report) - heads(&quiet),
            2,
            "only the lists came back"
        );
        let markdown = rendered(&report, Format::Markdown, language);
        assert!(markdown.contains("``tick`\\|<b>.md``"), "{markdown}");
    }
}

#[test]
fn a_name_with_a_line_end_stays_on_its_line() {
    let sandbox = Sandbox::new();
    sandbox.write("line\nbreak.env", "x\n");
    let report = sandbox.worktree();
    let text = rendered(&report, Format::Text, Language::En);
    assert!(text.contains("line⟨U+000A⟩break.env"), "{text}");
    assert!(!text.lines().any(|line| line.starts_with("break.env")));
}

#[test]
fn every_form_tells_the_same() {
    let sandbox = busy();
    for mode in [ReportMode::Worktree, ReportMode::Staged, ReportMode::Base] {
        let mut digests = BTreeSet::new();
        for language in LANGUAGES {
            let report = everything(&sandbox, mode, language);
            for (name, format) in Format::ALL {
                let text = rendered(&report, format, language);
                assert!(text.contains(&report.digest), "{name}: {text}");
                if let Some(tree) = &report.tree {
                    assert!(text.contains(tree.as_str()), "{name}");
                }
                for rule in [
                    "access_tokens",
                    "secret_files",
                    "new_binary",
                    "own",
                    "build_output",
                ] {
                    let is_there = text.contains(rule);
                    let is_expected = mode == ReportMode::Worktree
                        || report
                            .risks
                            .iter()
                            .chain(&report.silenced)
                            .any(|f| f.rule == rule);
                    assert_eq!(is_there, is_expected, "{name}: {rule}");
                }
                assert!(!text.contains("0123456789abcdefghij"), "{name}: {text}");
            }
            digests.insert(report.digest);
        }
        assert_eq!(digests.len(), 1, "{mode:?}");
    }
}

#[test]
fn numbers_and_words_agree() {
    let sandbox = Sandbox::new();
    sandbox.write("src/a.rs", "x\n");
    let report = sandbox.worktree();
    let en = rendered(&report, Format::Text, Language::En);
    assert!(en.contains("\n1 file, +1 -5\n"), "{en}");
    assert!(en.contains("(2 files read)"), "{en}");
    let zh = rendered(&report, Format::Text, Language::Zh);
    assert!(
        zh.contains("\n1 \u{4e2a}\u{6587}\u{4ef6}\u{ff0c}+1 -5\n"),
        "{zh}"
    );
    assert!(
        zh.contains("PASS\u{ff08}\u{5df2}\u{8bfb}\u{53d6} 2 \u{4e2a}\u{6587}\u{4ef6}\u{ff09}"),
        "{zh}"
    );
    sandbox.write("src/b.rs", "x\n");
    let report = sandbox.worktree();
    assert!(rendered(&report, Format::Markdown, Language::En).contains("2 files, +2 -5"));
}

#[test]
fn sarif_is_valid_by_the_schema_of_the_standard() {
    let schema: Value = serde_json::from_str(include_str!("sarif-schema-2.1.0.json")).unwrap();
    let mut schemas = boon::Schemas::new();
    let mut compiler = boon::Compiler::new();
    compiler.enable_format_assertions();
    compiler.add_resource("sarif.json", schema).unwrap();
    let schema = compiler.compile("sarif.json", &mut schemas).unwrap();
    let check = |log: &Value| {
        schemas
            .validate(log, schema)
            .map_err(|error| error.to_string())
    };

    let sandbox = busy();
    for name in HOSTILE_NAMES {
        sandbox.write(name, "x /home/jane/x\n");
    }
    let empty = Sandbox::new();
    for language in LANGUAGES {
        for mode in [ReportMode::Worktree, ReportMode::Staged, ReportMode::Base] {
            for sandbox in [&sandbox, &empty] {
                let report = everything(sandbox, mode, language);
                for part in [Part::Whole, Part::Preflight] {
                    let text = render(&report, Format::Sarif, part, language).unwrap();
                    check(&serde_json::from_str(&text).unwrap()).unwrap();
                }
            }
        }
    }
    // The schema finds what is wrong.
    let report = everything(&sandbox, ReportMode::Worktree, Language::En);
    let text = rendered(&report, Format::Sarif, Language::En);
    let log: Value = serde_json::from_str(&text).unwrap();
    for (pointer, value) in [
        ("/version", "2.2.0"),
        ("/runs/0/results/0/level", "fatal"),
        (
            "/runs/0/results/0/locations/0/physicalLocation/artifactLocation/uri",
            "a b",
        ),
    ] {
        let mut broken = log.clone();
        *broken.pointer_mut(pointer).unwrap() = value.into();
        assert!(check(&broken).is_err(), "{pointer}");
    }
}

#[test]
fn sarif_says_where_and_how_bad() {
    let sandbox = busy();
    let report = everything(&sandbox, ReportMode::Worktree, Language::En);
    let log: Value = serde_json::from_str(&rendered(&report, Format::Sarif, Language::En)).unwrap();
    let run = &log["runs"][0];
    let results = run["results"].as_array().unwrap();
    let scan = &report.preflight.checks.portability_reference_scan;
    assert_eq!(
        results.len(),
        report.risks.len() + report.silenced.len() + scan.violations.len()
    );
    let of = |rule: &str| {
        results
            .iter()
            .find(|result| result["ruleId"] == rule)
            .unwrap()
    };
    let token = of("access_tokens");
    assert_eq!(token["level"], "error");
    let place = &token["locations"][0]["physicalLocation"];
    assert_eq!(place["artifactLocation"]["uri"], "src/key.rs");
    assert_eq!(place["region"]["startLine"], 1);
    let own = of("own");
    assert_eq!(own["level"], "note");
    assert_eq!(own["message"]["text"], "see \\[the plan\\](x) \\\\ {0}");
    let odd = results
        .iter()
        .find(|result| {
            let uri = &result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"];
            *uri == "src/a%20b%3Ac%23%3F.rs"
        })
        .unwrap();
    assert_eq!(odd["ruleId"], "own");
    let silenced = of("build_output");
    assert_eq!(silenced["suppressions"][0]["kind"], "external");
    assert_eq!(of("portability_reference_scan")["level"], "warning");
    let fingerprints: BTreeSet<&str> = results
        .iter()
        .map(|result| {
            result["partialFingerprints"]["zhongshuFinding/v1"]
                .as_str()
                .unwrap()
        })
        .collect();
    assert_eq!(fingerprints.len(), results.len());
    for result in results {
        let index = usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap();
        assert_eq!(
            run["tool"]["driver"]["rules"][index]["id"],
            result["ruleId"]
        );
    }
}

#[test]
fn what_would_mislead_is_shown_as_an_escape() {
    for text in ["plain", "\u{4e2d}\u{6587}", "caf\u{e9}", "a b", "\u{1f600}"] {
        assert_eq!(printable(text), text);
    }
    for c in [
        '\0',
        '\n',
        '\r',
        '\t',
        '\u{1b}',
        '\u{7f}',
        '\u{9b}',
        '\u{ad}',
        '\u{61c}',
        '\u{200b}',
        '\u{200e}',
        '\u{2028}',
        '\u{202e}',
        '\u{2060}',
        '\u{2066}',
        '\u{feff}',
        '\u{fff9}',
        '\u{e0041}',
    ] {
        let shown = printable(&format!("a{c}b"));
        assert_eq!(shown, format!("a⟨U+{:04X}⟩b", u32::from(c)));
    }
}

#[test]
fn what_was_not_looked_for_is_said_in_each_form() {
    let sandbox = Sandbox::new();
    let file = |n: usize| format!("many/{n}.txt");
    for n in 0..1_001 {
        sandbox.write(&file(n), format!("{n}\n"));
    }
    sandbox.commit_all();
    for n in 0..1_001 {
        sandbox.write(&file(n), format!("{n} and more\n"));
    }
    sandbox.write("new.txt", "new\n");
    sandbox.git(&["add", "-A"]);
    for (language, word) in [(Language::Zh, "复制"), (Language::En, "copies")] {
        let report = everything(&sandbox, ReportMode::Staged, language);
        let [notice] = report.notices.as_slice() else {
            panic!("{:?}", report.notices);
        };
        assert!(notice.contains(word), "{notice}");
        for format in [Format::Text, Format::Markdown, Format::Json] {
            assert!(rendered(&report, format, language).contains(notice));
        }
    }
    let few = everything(&busy(), ReportMode::Staged, Language::En);
    assert!(few.notices.is_empty());
}

//! Reports as text and Markdown.

use zhongshu::domain::language::Language;
use zhongshu::governance::render;

use crate::sandbox::Sandbox;

#[test]
fn renderings_keep_hostile_names_inert() {
    let sandbox = Sandbox::new();
    sandbox.write("esc\u{1b}[31m\u{202e}.txt", "x\n");
    sandbox.write("tick`|<b>.md", "x\n");
    sandbox.write("line\n## Forged\n.txt", "x\n");
    sandbox.write(".env", "x\n");
    let report = sandbox.worktree();
    for language in [Language::Zh, Language::En] {
        let text = render::text(&report, language);
        assert!(
            !text.contains('\u{1b}') && !text.contains('\u{202e}'),
            "{text}"
        );
        assert!(
            text.contains("secret_files") && text.contains("REVIEW"),
            "{text}"
        );
        let markdown = render::markdown(&report, language);
        assert!(
            !markdown.lines().any(|line| line.starts_with("## Forged")),
            "{markdown}"
        );
        assert!(markdown.contains("``tick`\\|<b>.md``"), "{markdown}");
        assert_eq!(
            markdown
                .lines()
                .filter(|line| line.starts_with("# "))
                .count(),
            1
        );
    }
    assert!(render::text(&report, Language::Zh).contains("治理报告"));
}

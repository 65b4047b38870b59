//! Trailers of real commits, read back with the real git.

use super::rig::Ground;

fn with_trailers() -> Ground {
    let ground = Ground::guarded();
    let text = ground.read("governance.yaml");
    ground.stage("governance.yaml", &format!("commit_trailers: true\n{text}"));
    ground
        .commit(&["-q", "--no-verify", "-m", "trailers on"])
        .ok();
    ground
}

fn trailers(ground: &Ground) -> String {
    ground
        .git(&["log", "-1", "--format=%(trailers:only,unfold)"])
        .ok()
}

const OURS: &str = "Zhongshu-Report: report-of-a-test\nZhongshu-Plan: zhongshu-1/2";

#[test]
fn an_approved_commit_names_its_report_and_its_plan_once() {
    let ground = with_trailers();
    ground.stage("src/a.rs", "two\n");
    ground.approve_offline();
    ground
        .commit(&["-m", "two", "-m", "Signed-off-by: a <a@b>"])
        .ok();
    assert_eq!(trailers(&ground), format!("Signed-off-by: a <a@b>\n{OURS}"));
    for _ in 0..2 {
        ground.commit(&["--amend", "--no-edit"]).ok();
        assert_eq!(trailers(&ground), format!("Signed-off-by: a <a@b>\n{OURS}"));
    }
    ground
        .commit(&["--amend", "-m", "# a heading\n\nand text"])
        .ok();
    assert_eq!(trailers(&ground), OURS);
    let body = ground.git(&["log", "-1", "--format=%B"]).ok();
    assert!(
        body.starts_with("# a heading\n\nand text\n\nZhongshu-Report:"),
        "{body}"
    );
}

#[test]
fn an_edited_message_keeps_its_comments_out_and_an_empty_one_is_still_refused_by_git() {
    let ground = with_trailers();
    ground.stage("src/a.rs", "two\n");
    ground.approve_offline();
    let edit = |script: &str| {
        let mut commit = ground.command("git");
        commit
            .args(["commit", "-q", "-v"])
            .env("GIT_EDITOR", script);
        commit.output().unwrap()
    };
    let empty = edit("true");
    assert!(!empty.status.success());
    assert!(String::from_utf8_lossy(&empty.stderr).contains("empty commit message"));
    let edited = edit("sed -i '1s/^$/subject/'");
    assert!(edited.status.success(), "{edited:?}");
    let body = ground.git(&["log", "-1", "--format=%B"]).ok();
    assert_eq!(body, format!("subject\n\n{OURS}"));
}

#[test]
fn without_the_wish_or_without_an_approval_there_are_none() {
    let ground = Ground::guarded();
    ground.stage("src/a.rs", "two\n");
    ground.approve_offline();
    ground.commit(&["-m", "two"]).ok();
    assert_eq!(trailers(&ground), "");
    let ground = with_trailers();
    ground.stage("src/a.rs", "two\n");
    ground.approve_offline();
    ground.commit(&["-m", "two"]).ok();
    assert_eq!(trailers(&ground), OURS);
    // Warned only, and changed since: a trailer would lie.
    let text = ground.read("governance.yaml").replace("enforce", "warn");
    ground.stage("governance.yaml", &text);
    ground.commit(&["--no-verify", "-m", "warn"]).ok();
    ground.stage("src/a.rs", "three\n");
    let message = format!("three\n\n{OURS}\n");
    ground.commit(&["-m", &message]).ok();
    assert_eq!(trailers(&ground), "");
}

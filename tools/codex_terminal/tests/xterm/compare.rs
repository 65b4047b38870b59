//! Model and page side by side.

use codex_terminal::model::{Model, Snapshot};
use proptest::test_runner::TestCaseError;

use crate::peer::{Peer, Picture, Step};

/// Lines at the end of the peer's picture that the model has no words for; they are compared between pages.
const PAGE_ONLY: usize = 2;

/// What a page may have on it before it is given a snapshot.
const EARLIER: &[u8] = b"\x1b[?1049h\x1b[?6h\x1b[2;3r\x1b[31;4mearlier\x1b]8;;http://localhost/\x07\x1b(0\x1b[4h\x1b[?7l\xe2\x80";

/// The model's screen in the peer's words.
fn picture(model: &mut Model) -> Picture {
    let mut lines = model.picture();
    let title = model.signals().title.clone().unwrap_or_default();
    lines.push(format!("title {title}"));
    lines
}

fn apply(model: &mut Model, steps: &[Step]) {
    for step in steps {
        match step {
            Step::Write(bytes) => model.feed(bytes),
            Step::Resize(cols, rows) => model.set_size(*cols, *rows),
            Step::Reset | Step::Look => {}
        }
    }
}

/// A page that was given `snapshot`, and then what came after it in the stream that it stands in.
fn after(snapshot: &Snapshot, steps: &[Step]) -> Vec<Step> {
    let mut way = vec![
        Step::Write(EARLIER.to_vec()),
        Step::Reset,
        Step::Resize(snapshot.cols, snapshot.rows),
        Step::Write(snapshot.bytes.clone()),
        Step::Look,
    ];
    let mut at = 0;
    for step in steps {
        match step {
            Step::Write(bytes) => {
                let seen = usize::try_from(snapshot.offset.saturating_sub(at)).unwrap();
                at += bytes.len() as u64;
                way.extend(bytes.get(seen..).map(|rest| Step::Write(rest.to_vec())));
            }
            other => way.push(other.clone()),
        }
    }
    way.push(Step::Look);
    way
}

/// Fails with what differs between model and page after these steps, and between a page that saw them all and one that
/// begins with a snapshot after the first `cut` of them.
pub fn same(
    peer: &mut Peer,
    size: (u16, u16),
    steps: &[Step],
    cut: Option<usize>,
) -> Result<(), TestCaseError> {
    let mut model = Model::new(size.0, size.1);
    let (before, later) = steps.split_at(cut.unwrap_or(0));
    apply(&mut model, before);
    let snapshot = cut.map(|_| (model.snapshot(), picture(&mut model)));
    apply(&mut model, later);
    let whole = peer.see(size, &[steps, &[Step::Look]].concat()).remove(0);
    let (of_both, _) = whole.split_at(whole.len() - PAGE_ONLY);
    equal("model", &picture(&mut model), "page", of_both, &[])?;
    let Some((snapshot, at_once)) = snapshot else {
        return Ok(());
    };
    if is_beyond_nothing(&at_once, snapshot.cols) {
        return Ok(());
    }
    // Changes of size before the snapshot are in it.
    let written = before.iter().filter(|step| matches!(step, Step::Write(_)));
    let rest: Vec<_> = written.chain(later).cloned().collect();
    let seen = peer.see(size, &after(&snapshot, &rest));
    let (first, _) = seen[0].split_at(seen[0].len() - PAGE_ONLY);
    equal("model", &at_once, "new page", first, &snapshot.bytes)?;
    equal("page", &whole, "new page", &seen[1], &snapshot.bytes)
}

/// Whether the cursor stands behind the last column of the alternate screen, and nothing stands in that column: only
/// printing brings a cursor there, so a snapshot has a blank in its place.
fn is_beyond_nothing(picture: &[String], cols: u16) -> bool {
    let row = picture
        .iter()
        .find_map(|line| line.strip_prefix(&format!("cursor {cols} ")));
    let Some(row) = row else {
        return false;
    };
    let line = picture.iter().find(|line| {
        [format!("alternate {row}:"), format!("alternate {row}w:")]
            .iter()
            .any(|start| line.starts_with(start))
    });
    line.is_some_and(|line| line.ends_with("/1") || !line.contains(&format!(" {}", cols - 1)))
}

fn equal(
    one: &str,
    a: &[String],
    other: &str,
    b: &[String],
    snapshot: &[u8],
) -> Result<(), TestCaseError> {
    if a == b {
        return Ok(());
    }
    let mut differences = format!("{one} and {other} differ");
    let longest = a.len().max(b.len());
    for at in 0..longest {
        let (a, b) = (a.get(at), b.get(at));
        if a != b && differences.len() < 400 {
            let (a, b) = (a.map_or("", |a| a), b.map_or("", |b| b));
            differences += &format!("\n{one:>9} {a}\n{other:>9} {b}");
        }
    }
    if !snapshot.is_empty() {
        differences += &format!("\nsnapshot {}", snapshot.escape_ascii());
    }
    Err(TestCaseError::fail(differences))
}

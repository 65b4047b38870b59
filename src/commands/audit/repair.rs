//! `zhongshu audit repair`: says what is damaged and what would be lost, asks, and keeps the damaged file.

use super::CommandError;
use crate::cli::ExitCode;
use crate::journal::{Mend, Repair};
use crate::paths::{Lock, Places};
use crate::server::StartError;
use std::io::{BufRead as _, IsTerminal as _, Write};
use std::path::Path;

/// Mends each journal that is damaged.
///
/// # Errors
/// When a server runs, a file cannot be read or written, or nobody is there to be asked.
pub(super) fn run(
    places: &Places,
    from_copy: bool,
    yes: bool,
    out: &mut impl Write,
) -> Result<ExitCode, CommandError> {
    let (journal, copy) = (places.journal(), places.audit_copy());
    let harness = places.harness_journal();
    if !journal.exists() && !harness.exists() {
        writeln!(out, "nothing is recorded for {} yet", places.repo.display())?;
        return Ok(ExitCode::Ok);
    }
    // A server holds what it read in memory, also where it cannot write.
    let _no_server = Lock::take(places).map_err(StartError::from)?;
    let mut code = ExitCode::Ok;
    for (journal, copy) in [(&journal, Some(&*copy)), (&harness, None)] {
        if journal.exists() && !one(journal, copy, from_copy, yes, out)? {
            code = ExitCode::Failed;
        }
    }
    Ok(code)
}

/// Mends one; whether it can be written now.
fn one(
    journal: &Path,
    copy: Option<&Path>,
    from_copy: bool,
    yes: bool,
    out: &mut impl Write,
) -> Result<bool, CommandError> {
    let shown = journal.display();
    let repair = Repair::look(journal, copy).map_err(std::io::Error::other)?;
    let Some(damage) = repair.damage.clone() else {
        writeln!(out, "{shown} is not damaged; nothing is changed")?;
        return Ok(true);
    };
    let (line, fault) = (damage.bad.line, &damage.bad.fault);
    writeln!(out, "{shown} line {line}: {fault}")?;
    let how = match (from_copy, damage.copy_records) {
        (true, Some(records)) => {
            writeln!(
                out,
                "the copy in the repository takes its place: {records} records, all sound. The hashes show damage, not forgery: agents can write there"
            )?;
            Mend::Copy
        }
        (true, None) => {
            writeln!(
                out,
                "the copy in the repository is not sound either, or ends earlier; nothing is changed. Without --from-copy the lines from {line} on are cut off"
            )?;
            return Ok(false);
        }
        (false, records) => {
            let (lines, bytes) = (damage.lines, damage.bytes);
            let last = line.saturating_sub(2);
            writeln!(
                out,
                "what stands from there on ({lines} lines, {bytes} bytes) is cut off, and state goes back to record {last}"
            )?;
            if let Some(records) = records {
                writeln!(
                    out,
                    "the copy in the repository is sound and has {records} records: with --from-copy nothing is lost, if nobody can have changed it"
                )?;
            }
            Mend::Cut
        }
    };
    if !(yes || asked(out)?) {
        writeln!(out, "nothing is changed")?;
        return Ok(false);
    }
    let kept = repair.mend(how)?;
    writeln!(
        out,
        "{shown} can be written again; the damaged file is kept as {}",
        kept.display()
    )?;
    Ok(true)
}

fn asked(out: &mut impl Write) -> Result<bool, CommandError> {
    let mut input = std::io::stdin().lock();
    if !input.is_terminal() {
        let message = "nobody is there to be asked; `--yes` does it without".to_owned();
        return Err(CommandError::Usage(message));
    }
    write!(out, "do that? (yes/no) ")?;
    out.flush()?;
    let mut line = String::new();
    input.read_line(&mut line)?;
    Ok(matches!(line.trim(), "yes" | "y"))
}

//! `zhongshu gate`: whether a commit may go on. Git's hooks run it, in whatever environment they have, so it needs no
//! server, no runtime and no home; it looks through a limited child and reads what a person said from the journal.

use local_os::tell;
use std::ffi::{OsStr, OsString};
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};

use crate::cli::{Cli, ExitCode, Gate};
use crate::config::locale_language;
use crate::domain::language::Language;
use crate::domain::review::{Asked, GateMode, Reviews};
use crate::gate::judge::{self, Verdict};
use crate::gate::notes::{Note, Notes, Pass};
use crate::gate::observe::{Moment, Observation, ObservedIndex};
use crate::gate::trailers;
use crate::gate::words::{self, Way};
use crate::governance::render::printable;
use crate::paths::{Environment, Places, ServerFile, find_repository, running};
use crate::process::Identity;
use crate::reader::{ReadError, Reader};

/// Where Git names the index of the commit.
const INDEX_VARIABLE: &str = "GIT_INDEX_FILE";

/// Git sets this editor for hooks when nobody edits the message.
const NO_EDITOR: &str = ":";

/// Longest list of moves of one transaction that is looked through. `git commit` has two lines.
const MAX_MOVES_BYTES: u64 = 1 << 20;

/// What the hook needs to know, found once.
struct HookContext {
    repo: PathBuf,
    /// The folder of what a person said, or why there is none.
    places: Result<Places, String>,
    reader: Reader,
    named_index: Option<OsString>,
    language: Language,
    /// The process of the git that asks, where its hook says so.
    git: Option<u32>,
}

/// Runs the command. 0 lets the commit go on, 1 refuses it, 2 says that the command itself is wrong.
pub fn run(cli: &Cli, arguments: &Gate) -> ExitCode {
    let environment = Environment::of_process();
    let context = match HookContext::find(cli, arguments, &environment) {
        Ok(context) => context,
        Err(sentence) => {
            tell!("zhongshu: {sentence}");
            return ExitCode::Usage;
        }
    };
    match (&arguments.message, arguments.committed) {
        _ if arguments.moving => context.see_move(),
        (Some(message), _) => {
            let edited = environment.get("GIT_EDITOR") != Some(OsStr::new(NO_EDITOR));
            context.write_trailers(message, edited);
            ExitCode::Ok
        }
        (None, true) => {
            context.tell_after();
            ExitCode::Ok
        }
        (None, false) => context.judge(),
    }
}

impl HookContext {
    fn find(cli: &Cli, arguments: &Gate, environment: &Environment) -> Result<Self, String> {
        let cwd = std::env::current_dir().map_err(|error| error.to_string())?;
        let repo =
            find_repository(cli.global.repo.as_deref(), &cwd).map_err(|it| it.to_string())?;
        let places = Places::of(&repo, cli.global.state_dir.as_deref(), &cwd, environment)
            .map_err(|error| error.to_string());
        let named_index = environment.get(INDEX_VARIABLE).map(OsStr::to_owned);
        let program = std::env::current_exe()
            .map_err(|error| format!("our own program cannot be found: {error}"))?;
        Ok(Self {
            places,
            reader: Reader::new(program, repo.clone()),
            named_index,
            language: locale_language(environment),
            git: arguments.git,
            repo,
        })
    }

    /// Looks at the repository and at the journal, at the same time.
    fn read(&self, moment: Moment) -> (Result<Observation, ReadError>, Result<Reviews, String>) {
        let named = self.named_index.as_deref();
        std::thread::scope(|scope| {
            let look = scope.spawn(|| self.reader.look(named, moment));
            let reviews = self.reviews();
            let look = look
                .join()
                .unwrap_or_else(|panic| std::panic::resume_unwind(panic));
            (look, reviews)
        })
    }

    fn reviews(&self) -> Result<Reviews, String> {
        let places = self.places.as_ref().map_err(Clone::clone)?;
        places.check_claim().map_err(|error| error.to_string())?;
        judge::reviews_on_disk(&places.journal()).map_err(|error| error.to_string())
    }

    fn judge(&self) -> ExitCode {
        let (look, reviews) = self.read(Moment::Before);
        let look = match look {
            Ok(look) => look,
            Err(error) => return self.blind(&error, reviews.ok().and_then(|it| it.pinned)),
        };
        let language = look.statements.language.unwrap_or(self.language);
        let verdict = judge::judge(&look, reviews.as_ref().map_err(Clone::clone));
        let page_url = self.page_url();
        let way = Way {
            repo: &self.repo,
            page_url: page_url.as_deref(),
        };
        say(&words::lines(&verdict, way, language));
        self.note_verdict(&look, &verdict);
        match verdict.passes() {
            true => ExitCode::Ok,
            false => ExitCode::Failed,
        }
    }

    /// Without a look nothing can be said about the commit: only a person's own word lets it pass.
    fn blind(&self, error: &ReadError, pinned: Option<GateMode>) -> ExitCode {
        let refused = pinned.is_none_or(|mode| mode == GateMode::Enforce);
        if pinned != Some(GateMode::Off) {
            say(&[words::blind(&error.to_string(), refused, self.language)]);
        }
        match refused {
            true => ExitCode::Failed,
            false => ExitCode::Ok,
        }
    }

    /// The dashboard's address, while a server runs.
    fn page_url(&self) -> Option<String> {
        let places = self.places.as_ref().ok()?;
        let runs = running(places).is_ok_and(|holder| holder.is_some());
        let file = ServerFile::read(places).ok().flatten();
        file.filter(|_| runs).map(|file| file.page_url)
    }

    /// After a commit: writes down that it was made, and says so when nobody had approved it. The server records it.
    fn tell_after(&self) {
        if let (Some(notes), Some(git)) = (self.notes(), self.git) {
            notes.forget_pass(git);
        }
        let (Ok(look), reviews) = self.read(Moment::After) else {
            return;
        };
        if let Some(made) = &look.committed {
            self.note(&Note::Committed(made.clone()));
        }
        if let Ok(reviews) = reviews
            && let Some(tree) = judge::went_around(&look, &reviews)
        {
            let language = look.statements.language.unwrap_or(self.language);
            say(&[words::went_around(&tree, language)]);
        }
    }

    /// Where to write down what happens, when that folder is this repository's.
    fn notes(&self) -> Option<Notes> {
        let places = self.places.as_ref().ok()?;
        places.check_claim().ok()?;
        Some(Notes::of(&places.state))
    }

    fn note(&self, note: &Note) {
        let Some(notes) = self.notes() else { return };
        if let Err(error) = notes.write(note) {
            say(&[words::cannot_note(&error, self.language)]);
        }
    }

    /// Writes down what was answered, and what passes for the git that asked.
    fn note_verdict(&self, look: &Observation, verdict: &Verdict) {
        if verdict.mode == GateMode::Off {
            return;
        }
        let asked = Asked {
            tree: verdict.tree.clone(),
            base_tree: look.base_tree.clone(),
            mode: verdict.mode,
            reason: words::reason(verdict),
        };
        let Some(tree) = verdict.tree.clone().filter(|_| verdict.passes()) else {
            return self.note(&Note::Refused(asked));
        };
        self.note(&Note::Passed(asked));
        if let (Some(notes), Some(git)) = (self.notes(), self.git.and_then(Identity::of)) {
            let mode = verdict.mode;
            if let Err(error) = notes.let_pass(&Pass { git, tree, mode }) {
                say(&[words::cannot_note(&error, self.language)]);
            }
        }
    }

    /// Before a branch moves: what it moves to has to be what passed.
    fn see_move(&self) -> ExitCode {
        let passed = self.git.and_then(|git| self.notes()?.passed(git));
        let Some(passed) = passed else {
            return ExitCode::Ok;
        };
        let mut lines = String::new();
        let read = std::io::stdin()
            .take(MAX_MOVES_BYTES)
            .read_to_string(&mut lines);
        let moved = read.map_err(|error| error.to_string()).and_then(|_| {
            let moved = self.reader.trees_moved_to(lines);
            moved.map_err(|error| error.to_string())
        });
        let refused = passed.mode == GateMode::Enforce;
        let sentence = match moved {
            Ok(trees) => match trees.iter().find(|tree| **tree != passed.tree) {
                Some(other) => words::swapped(&passed.tree, other, refused, self.language),
                None => return ExitCode::Ok,
            },
            Err(error) => words::cannot_compare(&error, self.language),
        };
        say(&[sentence]);
        match refused {
            true => ExitCode::Failed,
            false => ExitCode::Ok,
        }
    }

    /// Writes the trailers into the message file. Whatever goes wrong, the commit goes on without them.
    fn write_trailers(&self, message: &Path, edited: bool) {
        let (look, reviews) = self.read(Moment::Before);
        let (Ok(look), Ok(reviews)) = (look, reviews) else {
            return;
        };
        let ObservedIndex::Tree { tree } = &look.index else {
            return;
        };
        if !look.statements.trailers {
            return;
        }
        let approval = reviews.approval_of_tree(tree);
        let lines = approval
            .and_then(|decision| decision.approval())
            .map(trailers::of)
            .unwrap_or_default();
        let comment = edited.then_some(look.comment_prefix.as_bytes());
        if let Err(error) = trailers::write(&self.repo.join(message), &lines, comment) {
            say(&[format!(
                "zhongshu: {}: {error}; the commit goes on without trailers",
                printable(&message.to_string_lossy())
            )]);
        }
    }
}

/// Git shows what a hook writes to standard error. Nobody there is no reason to fail.
fn say(lines: &[String]) {
    let mut err = std::io::stderr().lock();
    for line in lines {
        writeln!(err, "{line}").ok();
    }
}

//! The dashboard's HTML: an inert shell, and fragments that the page fetches with its credential.
//!
//! Pure functions from views to text. Every value is escaped by the template engine; nothing here reads a file, takes a
//! lock or knows about HTTP. Words come from the one dictionary that the scripts use too.

mod attention;
mod checks;
mod doing;
pub(crate) mod escape;
mod extensions;
mod found;
mod quoted;
mod report;
mod review;
mod thread;
mod threads;
mod words;
mod work;

use crate::domain::attention::Item;
use crate::domain::department::Department;
use crate::domain::language::Language;
use crate::web::assets;
use crate::web::preferences::{Notify, Preferences};
use crate::web::views::SessionView;
use askama::Template;
use attention::{Of, Place};

pub use extensions::render as render_extensions;
pub use found::{Found, render as render_found};
pub use report::render as render_report;
pub use review::{render as render_review, render_file as render_review_file};
pub use thread::{
    Thread, render as render_thread, render_row as render_thread_row, shorten as shorten_turns,
};
pub use threads::{Threads, render as render_threads};
pub use words::Words;
pub use work::{Codex, Desk, More, TerminalItem, Work, chosen_planner};

#[derive(Template)]
#[template(path = "shell.html")]
struct Shell {
    t: Words,
    theme: Option<&'static str>,
    dock: &'static str,
    worker: Option<&'static str>,
    notify: Notify,
}

/// Renders `GET /` as the person likes it. It holds no data; anybody may see it.
///
/// # Errors
/// Only when the template engine fails.
pub fn render_shell(
    language: Language,
    preferences: &Preferences,
) -> Result<String, askama::Error> {
    Shell {
        t: Words::of(language),
        theme: preferences.theme_word(),
        dock: preferences.dock_word(),
        worker: assets::worker(),
        notify: preferences.notify.unwrap_or_default(),
    }
    .render()
}

/// Renders `GET /ui/work`: everything on the page that follows the journal.
///
/// # Errors
/// Only when the template engine fails.
pub fn render_work(work: &Work<'_>) -> Result<String, askama::Error> {
    work::render(work)
}

/// Renders what waits for the person, as the head of the page of work.
///
/// # Errors
/// Only when the template engine fails.
pub fn render_attention(
    items: &[Item],
    sessions: &[SessionView],
    departments: &[Department],
    language: Language,
) -> Result<String, askama::Error> {
    attention::render(
        Place::Work,
        items,
        Of {
            sessions,
            departments,
            language,
        },
    )
}

/// Renders what of that a thread asks, for the thread's own page.
///
/// # Errors
/// Only when the template engine fails.
pub fn render_asks(
    items: &[Item],
    departments: &[Department],
    language: Language,
) -> Result<String, askama::Error> {
    attention::render(
        Place::Thread,
        items,
        Of {
            sessions: &[],
            departments,
            language,
        },
    )
}

/// The language of a request to `/` or `/ui/*`: the `lang` of the query, else what was chosen, else what the browser
/// prefers (`Accept-Language`), else English.
pub fn language(
    query: Option<&str>,
    chosen: Option<Language>,
    accept_language: Option<&str>,
) -> Language {
    match query {
        Some("zh") => Language::Zh,
        Some("en") => Language::En,
        _ => chosen.unwrap_or_else(|| preferred(accept_language.unwrap_or_default())),
    }
}

/// The better of our two languages by an `Accept-Language` header.
fn preferred(header: &str) -> Language {
    let quality = |wanted: &str| {
        header
            .split(',')
            .filter_map(|part| {
                let mut pieces = part.trim().split(';');
                let tag = pieces.next()?.trim().to_ascii_lowercase();
                let q = pieces.find_map(|p| p.trim().strip_prefix("q=")?.parse::<f32>().ok());
                let hit = tag.split(['-', '_']).next() == Some(wanted);
                hit.then(|| q.unwrap_or(1.0))
            })
            .fold(0.0_f32, f32::max)
    };
    if quality("zh") > quality("en") {
        Language::Zh
    } else {
        Language::En
    }
}

//! What Codex asks, as it stands in the list.

use super::list::{About, List, Scene};
use super::words::who;
use super::{Action, Item, Need, NeedKind, Urgency, Waiting};
use crate::domain::ask::Ask;
use crate::domain::ask::decision::Needs;
use crate::domain::language::Language;
use crate::domain::sentence::say;
use serde_json::json;

/// One of them.
pub(super) fn of(list: &mut List<'_>, ask: &Ask) {
    let scene = list.scene;
    let session = ask.session_id.as_ref();
    let session = session.and_then(|id| scene.state.session(id));
    let about = session.map_or_else(About::default, |it| About::session(scene.state, it));
    let waiting = Waiting::Ask {
        what: ask.what.clone(),
        cut: ask.cut.clone(),
    };
    let actions = asked(ask, scene.language);
    list.items.push(Item {
        id: ask.id.to_string(),
        urgency: Urgency::BlocksSession,
        session_id: ask.session_id.clone(),
        planner_id: about.planner.cloned(),
        department: about.department.map(ToOwned::to_owned),
        title: title(scene, &about, ask),
        why: ask.why.clone(),
        since: ask.raised_at,
        if_nobody_answers: ask.unanswered().text(scene.language),
        actions,
        link: format!("/#item={}", ask.id),
        place: None,
        thread_id: ask.session_id.is_none().then(|| ask.thread_id.clone()),
        waiting,
    });
}

/// What it is, with who asks.
fn title(scene: &Scene<'_>, about: &About<'_>, ask: &Ask) -> String {
    let what = ask.title().text(scene.language);
    let who = who(scene, about).text(scene.language);
    // Chinese has no space between words, but for those of another script.
    let space = match scene.language {
        Language::Zh if !who.ends_with(|it: char| it.is_ascii()) => "",
        _ => " ",
    };
    format!("{who}{space}{what}")
}

/// What may be decided about an ask.
fn asked(ask: &Ask, language: Language) -> Vec<Action> {
    let offered = ask.offered.iter();
    offered
        .map(|decision| {
            let label = decision.label(&ask.what);
            let effect = decision.effect(&ask.what);
            let needs = decision.needs(&ask.what).map(|needs| need(needs, language));
            Action {
                id: decision.id(),
                label: label.text(language),
                effect: effect.text(language),
                needs: Vec::from_iter(needs),
                method: "POST",
                path: format!("/api/attention/{}", ask.id),
                body: json!({"decision": decision.id()}),
            }
        })
        .collect()
}

fn need(needs: Needs, language: Language) -> Need {
    let (field, kind, label, required) = match needs {
        Needs::Answers => ("answers", NeedKind::Answers, say!("need.answers"), true),
        Needs::Content => ("content", NeedKind::Content, say!("need.content"), true),
        Needs::Permissions => (
            "permissions",
            NeedKind::Permissions,
            say!("need.permissions"),
            false,
        ),
        Needs::Words => ("words", NeedKind::Words, say!("need.words"), false),
    };
    Need {
        field,
        kind,
        label: label.text(language),
        required,
    }
}

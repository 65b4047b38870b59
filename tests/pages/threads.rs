//! The list of threads that are no sessions, and the page of one.

use super::LANGUAGES;
use super::samples::at;
use super::samples::attention::asks;
use zhongshu::domain::harness::controls::Controls;
use zhongshu::domain::harness::event::Event;
use zhongshu::domain::harness::job::{
    Again, Canceled, Dedupe, JobId, NewJob, Priority, SuggestRequest, Work,
};
use zhongshu::domain::harness::project::{Project, ProjectId};
use zhongshu::domain::language::Language;
use zhongshu::harness::summary::SessionStatus;
use zhongshu::web::pages::{Thread, Threads, render_thread, render_threads};
use zhongshu::web::views::{
    ChatView, JobItem, JobList, NewestSuggestion, SuggestionState, SuggestionView, ThreadGroup,
    ThreadItem, ThreadList, ThreadOwner, ThreadsWanted,
};

const ID: &str = "0190a000-0000-7000-8000-000000000001";
const HOSTILE: &str = "<img src=x onerror=alert(1)>\"'</option></h1>{{7*7}} &lt;b&gt;";

fn item(say: &dyn Fn(&str) -> String, number: usize) -> ThreadItem {
    ThreadItem {
        id: format!("0190a000-0000-7000-8000-{number:012}"),
        title: Some(say("Why is it so loud?")),
        status: SessionStatus::WaitingApproval,
        pending: 2,
        folder: Some(say("src/weather")),
        updated_at: Some(at(9)),
        owner: ThreadOwner::Anybody,
    }
}

fn project(say: &dyn Fn(&str) -> String) -> Project {
    Project {
        project_id: ProjectId("01900000-0000-7000-8000-000000000009".to_owned()),
        name: say("Weather"),
        working_directory: Some(say("src")),
        created_at: at(1),
        updated_at: at(1),
    }
}

fn list(say: &dyn Fn(&str) -> String, count: usize) -> ThreadList {
    let shown = count.min(20);
    let group = |project, count: usize| ThreadGroup {
        project,
        threads: (1..=count.min(shown)).map(|it| item(say, it)).collect(),
        count,
    };
    ThreadList {
        groups: vec![group(Some(project(say)), 1.min(count)), group(None, count)],
        projects: vec![project(say)],
    }
}

fn page(list: Result<&ThreadList, &str>, wanted: &ThreadsWanted, language: Language) -> String {
    page_with(list, wanted, &JobList::default(), language)
}

fn page_with(
    list: Result<&ThreadList, &str>,
    wanted: &ThreadsWanted,
    jobs: &JobList,
    language: Language,
) -> String {
    render_threads(Threads {
        language,
        list,
        wanted,
        models: &["a-model".to_owned()],
        jobs,
    })
    .unwrap()
}

fn job(say: &dyn Fn(&str) -> String, number: usize, happened: &[Event]) -> JobItem {
    let new = NewJob {
        project_id: ProjectId::of_session(ID),
        source_session_id: Some(ID.to_owned()),
        work: Work::SuggestRequest(SuggestRequest {
            session_id: ID.to_owned(),
            request_key: say("key"),
            model: None,
            effort: None,
            draft: None,
        }),
        dedupe: Dedupe::None,
        dedupe_key: Some(say("key")),
        priority: Priority::Background,
    };
    let mut job = new.queued(JobId(format!("job-{number}")), at(1));
    for event in happened {
        job.take(at(2), event);
    }
    JobItem {
        job,
        title: Some(say("Why is it so loud?")),
    }
}

fn jobs(say: &dyn Fn(&str) -> String, is_on: bool) -> JobList {
    let job_id = || JobId("job".to_owned());
    let started = Event::JobStarted { job_id: job_id() };
    let failed = Event::JobFailed {
        job_id: job_id(),
        code: "broken".to_owned(),
        message: say("it took longer than 60 seconds"),
    };
    let why = Canceled::Asked;
    let asked = Event::JobCancelAsked {
        job_id: job_id(),
        why,
    };
    let interrupted = Event::JobRetried {
        job_id: job_id(),
        why: Again::Interrupted,
        next_attempt_at: None,
    };
    JobList {
        is_on,
        active: vec![
            job(say, 1, &[started.clone(), asked]),
            job(say, 2, &[started.clone(), interrupted]),
        ],
        ended: vec![job(say, 3, &[started, failed])],
    }
}

#[test]
fn jobs_say_how_far_they_are_and_why_and_offer_what_can_be_done() {
    let (list, wanted) = (list(&str::to_owned, 1), ThreadsWanted::default());
    let plain = |text: &str| text.to_owned();
    let shown = |is_on, language| page_with(Ok(&list), &wanted, &jobs(&plain, is_on), language);
    let text = shown(true, Language::En);
    for part in [
        "being taken back",
        "waiting",
        "broken off 1 times by the server&#39;s end",
        "it took longer than 60 seconds",
        "in the background",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    let buttons = |what: &str, id: &str| {
        let button = format!("data-do=\"job-{what}\" data-id=\"job-{id}\"");
        text.matches(&button).count()
    };
    let taken_back = ["1", "2", "3"].map(|id| buttons("cancel", id));
    let tried_again = ["1", "2", "3"].map(|id| buttons("retry", id));
    assert_eq!((taken_back, tried_again), ([0, 1, 0], [0, 0, 1]));
    assert!(!text.contains("harness.queue"));
    assert!(shown(false, Language::En).contains("harness.queue"));
    let text = shown(true, Language::Zh);
    assert!(text.contains("它用时超过 60 秒"), "{text}");
}

fn chat(say: &dyn Fn(&str) -> String) -> ChatView {
    ChatView {
        item: item(say, 1),
        materialized: true,
        archived: false,
        forked_from: Some(ID.to_owned()),
        project: Some(project(say)),
        projects: vec![project(say)],
        controls: Controls {
            model: Some(say("a-model")),
            ..Controls::default()
        },
        defaults: Controls::default(),
        locked: Some(say("It is locked.")),
        models: vec![say("a-model"), say("another")],
        suggestion: SuggestionView {
            refused: None,
            newest: suggested(SuggestionState::Made(say("Write the tests."))),
        },
    }
}

fn suggested(state: SuggestionState) -> Option<NewestSuggestion> {
    let job_id = "job-1".to_owned();
    Some(NewestSuggestion { job_id, state })
}

#[test]
fn a_suggestion_says_how_far_it_is_and_what_can_be_done_about_it() {
    use SuggestionState::*;
    let with = |refused: Option<&str>, newest, language| {
        let mut chat = chat(&str::to_owned);
        let refused = refused.map(str::to_owned);
        chat.suggestion = SuggestionView { refused, newest };
        thread(&chat, language)
    };
    let late = || "it took longer than 60 seconds".to_owned();
    let text = || "Write <b>the</b> tests.\u{202e}".to_owned();
    for (state, words, acts) in [
        (Waiting(None), "waits in the queue", "cancel"),
        (Waiting(Some(late())), "longer than 60 seconds", "cancel"),
        (Running, "is being made", "cancel"),
        (Ending, "is being taken back", ""),
        // What nobody sees is not sent either.
        (
            Made(text()),
            ">Write &#60;b&#62;the&#60;/b&#62; tests.<",
            "use close",
        ),
        (StandsIn(text()), "this stands in", "use close"),
        (Failed(late()), "longer than 60 seconds", "close"),
        (TakenBack, "was taken back", "close"),
    ] {
        let page = with(None, suggested(state.clone()), Language::En);
        assert!(page.contains(words), "{words}: {page}");
        for act in ["cancel", "use", "close"] {
            let has = page.contains(&format!("data-do=\"suggestion-{act}\""));
            assert_eq!(has, acts.contains(act), "{act}: {page}");
        }
        let page = with(None, suggested(state), Language::Zh);
        assert!(!page.contains("suggest."), "{page}");
    }
    let page = with(Some("the queue is off"), None, Language::En);
    assert!(page.contains("disabled aria-describedby=\"suggest-refused\""));
    assert!(page.contains("the queue is off"), "{page}");
}

fn thread(chat: &ChatView, language: Language) -> String {
    render_thread(Thread {
        language,
        session_id: ID,
        title: "",
        status: "lost",
        doing: None,
        turns: &[],
        older: None,
        reason: None,
        session: None,
        models: &[],
        chat: Some(chat),
    })
    .unwrap()
}

#[test]
fn what_an_enemy_calls_things_is_text() {
    let plain = |text: &str| text.to_owned();
    let hostile = |text: &str| format!("{HOSTILE}{text}");
    let wanted = ThreadsWanted::default();
    for language in LANGUAGES {
        for (benign, attacked) in [
            (
                page(Ok(&list(&plain, 3)), &wanted, language),
                page(Ok(&list(&hostile, 3)), &wanted, language),
            ),
            (
                thread(&chat(&plain), language),
                thread(&chat(&hostile), language),
            ),
            (
                page_with(Ok(&list(&plain, 1)), &wanted, &jobs(&plain, true), language),
                page_with(
                    Ok(&list(&plain, 1)),
                    &wanted,
                    &jobs(&hostile, true),
                    language,
                ),
            ),
        ] {
            assert!(attacked.contains("&#60;img src=x"), "{attacked}");
            for mark in ['<', '>', '"'] {
                let count = |text: &str| text.matches(mark).count();
                assert_eq!(count(&benign), count(&attacked), "{mark}");
            }
        }
    }
}

#[test]
fn of_a_thousand_a_page_has_the_first_and_says_how_many_are_left() {
    let wanted = ThreadsWanted::default();
    let text = page(Ok(&list(&str::to_owned, 1_000)), &wanted, Language::En);
    assert_eq!(text.matches("class=\"thread-link\"").count(), 21);
    assert!(text.contains("Show more (980 left)"), "{text}");
    assert!(
        text.contains("data-group=\"none\" data-shown=\"40\""),
        "{text}"
    );
}

#[test]
fn an_empty_list_says_why_in_both_languages() {
    let empty = ThreadList::default();
    let with = |archived, words: &str| ThreadsWanted {
        archived,
        words: words.to_owned(),
        ..ThreadsWanted::default()
    };
    for (wanted, en, zh) in [
        (with(false, ""), "There is no thread yet", "还没有线程"),
        (with(true, ""), "Nothing is archived", "没有已归档的线程"),
        (
            with(false, "tea"),
            "No thread has these words",
            "没有包含这些文字的线程",
        ),
    ] {
        assert!(page(Ok(&empty), &wanted, Language::En).contains(en));
        assert!(page(Ok(&empty), &wanted, Language::Zh).contains(zh));
    }
    let down = page(Err("Codex <is> down."), &with(false, ""), Language::En);
    assert!(down.contains("Codex &#60;is&#62; down."), "{down}");
    assert!(!down.contains("There is no thread yet"), "{down}");
    assert!(!down.contains("data-form=\"thread-new\""), "{down}");
}

#[test]
fn states_are_words_and_not_colours_alone() {
    use SessionStatus::{Error, Idle, NotLoaded, Running, WaitingApproval, WaitingInput};
    for (status, en, zh) in [
        (NotLoaded, "idle", "空闲"),
        (Idle, "idle", "空闲"),
        (Running, "running", "运行中"),
        (WaitingApproval, "waits for permission", "等待许可"),
        (WaitingInput, "waits for an answer", "等待回答"),
        (Error, "last turn failed", "上一轮失败"),
    ] {
        let mut chat = chat(&str::to_owned);
        chat.item.status = status;
        let shown = |word: &str, text: &str| text.contains(&format!(">{word}</span>"));
        assert!(shown(en, &thread(&chat, Language::En)), "{status:?}");
        assert!(shown(zh, &thread(&chat, Language::Zh)), "{status:?}");
    }
}

#[test]
fn a_page_offers_what_can_be_done_to_its_thread() {
    let deeds = |chat: &ChatView| {
        let text = thread(chat, Language::En);
        let has = |deed: &str| text.contains(&format!("\"chat-{deed}\""));
        let all = [
            "message",
            "stop",
            "fork",
            "revert",
            "archive",
            "unarchive",
            "delete",
            "controls",
        ];
        all.into_iter().filter(|deed| has(deed)).collect::<Vec<_>>()
    };
    let mut chat = chat(&str::to_owned);
    let running = [
        "message", "stop", "fork", "revert", "archive", "delete", "controls",
    ];
    assert_eq!(deeds(&chat), running);
    chat.item.status = SessionStatus::Idle;
    assert_eq!(
        deeds(&chat),
        ["message", "fork", "revert", "archive", "delete", "controls"]
    );
    chat.materialized = false;
    assert_eq!(deeds(&chat), ["message", "delete", "controls"]);
    chat.archived = true;
    assert_eq!(deeds(&chat), ["unarchive", "delete"]);
    chat.archived = false;
    chat.item.owner = ThreadOwner::Launcher(None);
    assert_eq!(deeds(&chat), [""; 0]);
}

#[test]
fn what_a_thread_asks_stands_in_its_page_and_names_the_thread_elsewhere() {
    use super::samples::{attention::waiting, busy};
    use zhongshu::web::pages::{render_asks, render_attention};
    let mut sample = busy(&str::to_owned);
    sample.asks = asks(&str::to_owned);
    for ask in &mut sample.asks {
        ask.session_id = None;
    }
    let mut items = waiting(&sample, Language::En);
    items.retain(|item| item.thread_id.is_some());
    assert!(!items.is_empty());
    let here = render_asks(&items, &sample.departments, Language::En).unwrap();
    let there =
        render_attention(&items, &sample.sessions, &sample.departments, Language::En).unwrap();
    assert!(
        here.contains("data-region=\"thread-asks\"") && there.contains("data-region=\"attention\"")
    );
    let cards = |text: &str| text.matches("data-form=\"attend\"").count();
    assert_eq!(cards(&here), items.len());
    assert_eq!(cards(&here), cards(&there));
    assert!(there.contains("href=\"#thread/thread\"") && !here.contains("#thread/"));
    // Both can be in the page at once.
    for id in here
        .split(" id=\"")
        .skip(1)
        .filter_map(|rest| rest.split('"').next())
    {
        assert!(!there.contains(&format!(" id=\"{id}\"")), "{id}");
    }
}

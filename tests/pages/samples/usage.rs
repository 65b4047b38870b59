//! Sample sums: windows of the account, bars of departments and sessions, a budget that is nearly used up.

use super::{Sample, at};
use zhongshu::domain::ids::SessionId;
use zhongshu::domain::usage::budgets::{Budget, Standing, Subject};
use zhongshu::domain::usage::limits::{Credits, RateLimit, RateLimits, Window};
use zhongshu::domain::usage::{Spent, Tokens};
use zhongshu::web::views::{
    AllUsage, BudgetView, BudgetsView, DepartmentUsage, SessionUsage, SpentView, UsageView,
};

fn spent(input: u64, turns: u64) -> SpentView {
    let tokens = Tokens {
        input,
        cached: input / 2,
        output: input / 10,
        reasoning: input / 20,
    };
    let seconds = turns * 70;
    Spent {
        tokens,
        seconds,
        turns,
    }
    .into()
}

pub fn fill(sample: &mut Sample, say: &dyn Fn(&str) -> String) {
    let window = |used_percent, minutes| {
        Some(Window {
            used_percent,
            minutes: Some(minutes),
            resets_at: Some(at(-90)),
        })
    };
    for (index, session) in sample.sessions.iter_mut().enumerate() {
        let stopped = (index == 1).then_some("rate_limited");
        session.usage = UsageView {
            spent: spent(90_000 * (1 + index as u64), 4),
            context_used: Some(60_000 * (1 + index as u64)),
            context_window: Some(258_400),
            stopped,
        };
    }
    let sessions = sample.sessions.iter().map(|session| SessionUsage {
        session_id: session.id.clone(),
        department: session.department.clone(),
        title: session.title.clone(),
        parent_session_id: session.parent_session_id.clone(),
        model: session.model.clone(),
        usage: session.usage.clone(),
    });
    let planner = SessionId::parse(super::PLANNER).unwrap();
    let plan = Subject::Plan {
        session_id: planner.clone(),
        version: 2,
    };
    let own = Subject::Session {
        session_id: planner,
    };
    let standing = |subject, used| BudgetView {
        standing: Standing {
            subject,
            used,
            budget: Budget {
                tokens: 2_000_000,
                interrupt: true,
            },
            reached: used >= 2_000_000,
            by_default: false,
        },
    };
    let department = |key: &str, title: &str, input| DepartmentUsage {
        department: key.to_owned(),
        title: say(title),
        spent: spent(input, 9),
    };
    sample.usage = AllUsage {
        total: spent(1_870_000, 31),
        sessions: sessions.collect(),
        departments: vec![
            department("gongchengbu", "Engineering", 900_000),
            department("zhongshu", "Planner", 600_000),
            department("zhilibu", "Governance", 370_000),
        ],
        rate_limits: RateLimits {
            own: RateLimit {
                primary: window(72, 300),
                secondary: window(100, 10_080),
                credits: Some(Credits {
                    has_credits: true,
                    unlimited: false,
                    balance: Some(say("12.50")),
                }),
                ..RateLimit::default()
            },
            others: vec![RateLimit {
                id: Some("codex_other".to_owned()),
                name: Some(say("Other model")),
                primary: window(9, 300),
                ..RateLimit::default()
            }],
        },
        budgets: BudgetsView {
            set: vec![standing(plan, 1_870_000), standing(own, 2_100_000)],
            ..BudgetsView::default()
        },
        ..AllUsage::default()
    };
}

//! Powers in force: what the configuration asks for beyond the safe defaults, how much of it a person has said yes to,
//! and the person's answer. (`domain::powers` says what a power is.)

use super::policy::Policy;
use super::{Core, LAUNCHER, Refused};
use crate::domain::department::{Approval, Department, MENXIA, Sandbox};
use crate::domain::driver::Driver;
use crate::domain::event::Event;
use crate::domain::flow::shown;
use crate::domain::language::Language;
use crate::domain::plan_review::ReviewRule;
use crate::domain::powers::{
    self, FileNews, Held, Line, OTHERS, Oversight, PLANNER, Powers, REVIEWS,
};
use crate::domain::refusal::Refusal;
use crate::domain::sentence::say;
use crate::domain::session::Brief;
use crate::domain::words;
use crate::ledger::TransactError;
use serde::Serialize;
use std::sync::Arc;
use std::time::Instant;

/// The question that a person answers, and what holds at the moment.
#[derive(Debug, Clone, Serialize)]
pub struct Question {
    /// Whether something waits for the answer.
    pub needed: bool,
    /// Names what is asked for; the answer repeats it.
    pub sha256: String,
    /// What a yes means, for people.
    pub statement: String,
    /// What is asked for, entry by entry.
    pub lines: Vec<Line>,
    /// Whose sessions run without a sandbox as things stand, for people.
    pub unsandboxed: Vec<String>,
}

/// What holds the sessions of this department, or menxia's reviews of plans.
fn held(driver: &Driver, department: &Department, sandbox: Sandbox) -> Held {
    Held::of(
        driver,
        department.sandbox.unwrap_or(sandbox),
        department.approval.unwrap_or(Approval::OnRequest),
    )
}

impl Policy {
    fn wanted(&self) -> Powers {
        let review = self.catalog.review;
        let mut wanted = Powers {
            commands: self.drivers.clone(),
            files: self.named.clone(),
            oversight: Oversight {
                vetoes: review.required.then_some(review.veto_limit),
                results: self.review_limit,
                budgets: self.budgets,
            },
            run_verify: self.run_verify,
            notify: self.notify.clone(),
            allow: self.allow.clone(),
            harness: self.ceilings.beyond_default(),
            ..Powers::default()
        };
        let role = &self.planner;
        wanted.give(PLANNER, Held::of(&role.driver, role.sandbox, role.approval));
        wanted.give(
            OTHERS,
            Held::of(&self.driver, Sandbox::WorkspaceWrite, Approval::OnRequest),
        );
        for department in &self.catalog.departments {
            let driver = self.driver_of(&department.key);
            wanted.give(
                powers::department(&department.key),
                held(driver, department, Sandbox::WorkspaceWrite),
            );
            if department.key == MENXIA {
                wanted.give(REVIEWS, held(driver, department, Sandbox::ReadOnly));
            }
        }
        wanted
    }

    /// Takes back what nobody approved: sandboxes and approvals are the safe ones then, and what had to be looked at still
    /// has to. A program is not exchanged for Codex, which nobody asked for: its work waits.
    pub fn held_to(mut self, approved: &Powers) -> Self {
        self.asked = self.wanted();
        let approved = approved.narrowed_to(&self.asked);
        let role = &self.planner;
        if !approved.allows(
            PLANNER,
            &Held::of(&role.driver, role.sandbox, role.approval),
        ) {
            self.planner.sandbox = Sandbox::ReadOnly;
            self.planner.approval = self.planner.approval.min(Approval::OnRequest);
        }
        for department in &mut self.catalog.departments {
            let who = powers::department(&department.key);
            let whose = [who.as_str(), REVIEWS];
            let whose = match department.key == MENXIA {
                true => &whose[..],
                false => &whose[..1],
            };
            let asked = |who: &&str| self.asked.sessions.get(*who);
            let refused = |who: &&str| asked(who).is_some_and(|it| !approved.allows(who, it));
            if whose.iter().any(refused) {
                let narrow = |it: &Sandbox| *it == Sandbox::ReadOnly;
                department.sandbox = department.sandbox.filter(narrow);
                let careful = |it: &Approval| *it == Approval::Untrusted;
                department.approval = department.approval.filter(careful);
            }
        }
        self.drivers
            .retain(|name, _| approved.runs(name, &self.asked));
        if let Some(veto_limit) = approved.oversight.vetoes {
            self.catalog.review = ReviewRule {
                required: true,
                veto_limit,
            };
        }
        self.review_limit = approved.oversight.results;
        self.budgets = approved.oversight.budgets;
        self.run_verify &= approved.run_verify;
        if approved.notify != self.asked.notify {
            self.notify.clear();
        }
        self.allow.retain(|rule| approved.allow.contains(rule));
        self.ceilings = self.ceilings.and(&approved.harness);
        self.approved = approved;
        self
    }

    /// Whether the program that would run these sessions waits for a person's yes.
    pub fn waits(&self, who: &str, driver: &Driver) -> bool {
        driver
            .program()
            .is_some_and(|it| self.program_waits(who, it))
    }

    fn program_waits(&self, who: &str, program: &str) -> bool {
        let driver = program.to_owned();
        self.asked.commands.contains_key(program)
            && !(self.drivers.contains_key(program)
                && self.approved.allows(who, &Held::Nothing { driver }))
    }

    /// The same for a department.
    pub fn department_waits(&self, department: &str) -> bool {
        self.waits(&self.name_of(department), self.driver_of(department))
    }

    fn name_of(&self, department: &str) -> String {
        match self.catalog.department(department) {
            Some(known) => powers::department(&known.key),
            None => OTHERS.to_owned(),
        }
    }

    /// Why a session may not be started like this, if it may not: nobody approved what it would get.
    pub fn withheld(&self, brief: &Brief) -> Option<Refusal> {
        let who = match (&brief.review, &brief.parent_session_id) {
            (Some(_), _) => REVIEWS.to_owned(),
            (None, None) => PLANNER.to_owned(),
            (None, Some(_)) => self.name_of(&brief.department),
        };
        let held = Held::of(&brief.driver, brief.sandbox, brief.approval);
        let allowed = match &held {
            Held::Codex { .. } => self.approved.allows(&who, &held),
            Held::Nothing { driver } => !self.program_waits(&who, driver),
        };
        (!allowed).then(|| self.required(&held))
    }

    /// Whether the file asks for something that nobody approved.
    pub fn has_question(&self) -> bool {
        !self.approved.covers(&self.asked)
    }

    /// The refusal that says what waits for the person's yes.
    pub fn required(&self, held: &Held) -> Refusal {
        let asks = self.has_question();
        let message = match held {
            Held::Nothing { driver } => {
                let files = self.approved.news_of(driver, &self.asked);
                let files = files.into_iter().map(|(file, news)| match news {
                    FileNews::Unread => say!("refusal.powers.file_unread", file = shown(file)),
                    _ => say!("refusal.powers.file_changed", file = shown(file)),
                });
                let files = files.collect();
                match asks {
                    true => say!("refusal.powers.driver", driver, files => files),
                    false => say!("refusal.powers.driver_not_asked", driver, files => files),
                }
            }
            Held::Codex { .. } => match asks {
                true => say!("refusal.powers.held", held = held.words()),
                false => say!("refusal.powers.held_not_asked", held = held.words()),
            },
        };
        Refusal::conflict("powers_required", message)
    }

    /// Whose sessions run without a sandbox as things stand.
    fn bare(&self, language: Language) -> Vec<String> {
        let role = &self.planner;
        let planner = Held::of(&role.driver, role.sandbox, role.approval);
        let planner = (!self.waits(PLANNER, &role.driver)).then(|| {
            let title = words::text(language, "powers.zhongshu_planner");
            (title.to_owned(), planner)
        });
        let departments = self.catalog.departments.iter();
        let departments = departments.filter(|it| !self.department_waits(&it.key));
        let departments = departments.map(|it| {
            let driver = self.driver_of(&it.key);
            let held = held(driver, it, Sandbox::WorkspaceWrite);
            (it.title.get(language).to_owned(), held)
        });
        let all = planner.into_iter().chain(departments);
        let bare = all.filter(|(_, held)| held.is_bare());
        bare.map(|(title, held)| match held {
            Held::Nothing { driver } => format!("{title} ({driver})"),
            Held::Codex { sandbox, .. } => format!("{title} ({})", sandbox.name()),
        })
        .collect()
    }
}

impl Core {
    /// What `governance.yaml` asks for beyond the safe defaults, in `language`, and whether a person still has to approve
    /// it.
    pub fn powers(&self, language: Language) -> Question {
        let policy = self.policy();
        let statement = words::text(language, "powers.governance_yaml_asks_for");
        Question {
            needed: policy.has_question(),
            sha256: policy.asked.sha256(),
            statement: statement.to_owned(),
            lines: policy.asked.lines(&policy.approved),
            unsandboxed: policy.bare(language),
        }
    }

    /// A person approves exactly what `sha256` names. It is in force when this returns.
    ///
    /// # Errors
    /// When `governance.yaml` asks for something else by now, or the journal cannot be written.
    pub async fn approve(&self, actor: &str, sha256: String) -> Result<(), Refused> {
        let asked = self.policy().asked.clone();
        if asked.sha256() != sha256 {
            let message = say!("refusal.powers_changed");
            return Err(TransactError::Refused(Refusal::conflict(
                "powers_changed",
                message,
            )));
        }
        self.decide(actor, move |state| {
            let event = (state.powers != asked).then_some(Event::PowersApproved {
                sha256,
                powers: asked,
            });
            Ok((Vec::from_iter(event), ()))
        })
        .await?;
        self.renew(None).await;
        Ok(())
    }

    /// Puts into force what the configuration and the journal say now; `offered` are the models that Codex offers, when it
    /// was asked. What the configuration has stopped to ask for holds no more at once, and is gone from the approval as well
    /// when a later look agrees (see `narrowing`).
    pub async fn renew(&self, offered: Option<Vec<String>>) {
        self.renew_at(offered, false).await;
    }

    /// The same at a start: what was taken out of the file while nobody looked is gone from the approval.
    pub async fn renew_at_start(&self) {
        self.renew_at(None, true).await;
    }

    /// Whether a later look has to tell if what the configuration has stopped to ask for is gone for good.
    pub fn must_look_again(&self) -> bool {
        let policy = self.policy();
        self.ledger.read(|state| state.powers != policy.approved)
    }

    async fn renew_at(&self, offered: Option<Vec<String>>, at_start: bool) {
        // One at a time: an older look at the files must not replace a newer one.
        let mut narrowing = self.renewing.lock().await;
        let offered = offered.or_else(|| self.policy().offered.clone());
        let (config, plan_checks) = (Arc::clone(&self.config), Arc::clone(&self.plan_checks));
        let read = move || Policy::of(&config, offered.as_deref(), &plan_checks);
        let says = match tokio::task::spawn_blocking(read).await {
            Ok(says) => says,
            Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
            // The runtime is going away.
            Err(_) => return,
        };
        let asked = says.wanted();
        let approved = self.ledger.read(|state| state.powers.clone());
        let agreed = narrowing.look(&approved, &approved.narrowed_to(&asked), Instant::now());
        if agreed || at_start {
            self.record_narrowed(asked).await;
        }
        let approved = self.ledger.read(|state| state.powers.clone());
        self.policies
            .send_replace(Arc::new(says.held_to(&approved)));
        self.ring();
    }

    async fn record_narrowed(&self, asked: Powers) {
        let narrowed = self.decide(LAUNCHER, move |state| {
            let powers = state.powers.narrowed_to(&asked);
            let event = (powers != state.powers).then_some(Event::PowersNarrowed { powers });
            Ok((Vec::from_iter(event), ()))
        });
        if let Err(error) = narrowed.await {
            tracing::error!(
                ?error,
                "what governance.yaml asks for no more could not be recorded"
            );
        }
    }
}

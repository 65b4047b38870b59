//! The launcher's contract, checked on the real program: the real `zhongshu` serves a real repository, and its agents are
//! small scripts of the `command` driver that do exactly what a test tells them, one step at a time.
//!
//! Tests whose names begin with `contract_NN` are the failures listed at the end of the contract page.
#![allow(clippy::unwrap_used)]

#[path = "contract/agent.rs"]
mod agent;
#[path = "contract/attention.rs"]
mod attention;
#[path = "contract/closed.rs"]
mod closed;
#[path = "contract/command_line.rs"]
mod command_line;
#[path = "contract/cut.rs"]
mod cut;
#[path = "contract/doors.rs"]
mod doors;
#[path = "contract/dossier.rs"]
mod dossier;
#[path = "contract/endings.rs"]
mod endings;
#[path = "contract/entries.rs"]
mod entries;
#[path = "contract/failures.rs"]
mod failures;
#[path = "contract/failures_later.rs"]
mod failures_later;
#[path = "support/files.rs"]
mod files;
#[path = "contract/forged_pack.rs"]
mod forged_pack;
#[path = "contract/hostile_report.rs"]
mod hostile_report;
#[path = "contract/http.rs"]
mod http;
#[path = "contract/late.rs"]
mod late;
#[path = "contract/life.rs"]
mod life;
#[path = "contract/limits.rs"]
mod limits;
#[path = "contract/memory.rs"]
mod memory;
#[path = "contract/order.rs"]
mod order;
#[path = "contract/pages.rs"]
mod pages;
#[path = "contract/past.rs"]
mod past;
#[path = "contract/plan_files.rs"]
mod plan_files;
#[path = "contract/plan_rules.rs"]
mod plan_rules;
#[path = "contract/powers.rs"]
mod powers;
#[path = "contract/powers_kept.rs"]
mod powers_kept;
#[path = "contract/processes.rs"]
mod processes;
#[path = "contract/push.rs"]
mod push;
#[path = "contract/refusals.rs"]
mod refusals;
#[path = "support/repeat.rs"]
mod repeat;
#[path = "contract/repeats.rs"]
mod repeats;
#[path = "contract/report_forms.rs"]
mod report_forms;
#[path = "support/repository.rs"]
mod repository;
#[path = "contract/restart.rs"]
mod restart;
#[path = "contract/review.rs"]
mod review;
#[path = "contract/secrets.rs"]
mod secrets;
#[path = "support/serving.rs"]
mod serving;
#[path = "contract/shapes.rs"]
mod shapes;
#[cfg(target_os = "linux")]
#[path = "contract/silence.rs"]
mod silence;
#[path = "contract/snapshots.rs"]
mod snapshots;
#[path = "contract/streams.rs"]
mod streams;
#[path = "contract/stuck_files.rs"]
mod stuck_files;
#[path = "contract/sweep.rs"]
mod sweep;
#[path = "contract/terminals.rs"]
mod terminals;
#[path = "contract/transcripts.rs"]
mod transcripts;
#[path = "contract/viewer.rs"]
mod viewer;
#[path = "contract/work.rs"]
mod work;
#[path = "contract/world.rs"]
mod world;

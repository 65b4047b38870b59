//! The vocabulary of zhongshu: plain values and pure functions. It uses no async runtime, no HTTP, no
//! Git library and no file system, so that everything in it can be tested with values alone.

pub mod assignment;
pub mod checked;
pub mod claims;
pub mod codeowners;
pub mod conformance;
pub mod department;
pub mod dossier;
pub mod driver;
pub mod event;
pub mod evidence;
pub mod fault;
pub mod flow;
pub mod handoff;
pub mod hex;
pub mod ids;
pub mod language;
pub mod limits;
pub mod markdown;
pub mod message;
pub mod plan;
pub mod plan_file;
pub mod plan_review;
pub mod powers;
pub mod prompts;
pub mod provenance;
pub mod refusal;
pub mod report;
pub mod request;
pub mod result;
pub mod review;
pub mod rules;
pub mod scope;
pub mod session;
pub mod shown;
pub mod state;

//! The pages as a browser gets them, rendered from samples: each of them with ordinary texts, with an enemy's, and in both languages. And
//! the rules that templates, scripts and dictionaries keep.
#![allow(clippy::unwrap_used)]

mod answering;
mod extensions;
mod found;
mod fragments;
mod review;
mod rules;
mod samples;
mod steering;
mod threads;

use zhongshu::domain::language::Language;

const LANGUAGES: [Language; 2] = [Language::En, Language::Zh];

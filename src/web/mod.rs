//! The HTTP side: who may knock (`guard`, `caller`), where (`listen`), what is read (`body`), what is answered when
//! something is wrong (`error`), event streams (`events`), getting in (`login`), and what is served (`api`, `views`).
//!
//! It turns requests into calls and results into JSON. It never decides what the flow allows; `domain` does.

pub mod api;
pub mod app;
pub mod body;
pub mod caller;
pub mod error;
pub mod events;
pub mod guard;
pub mod listen;
pub mod login;
pub mod views;

//! What is remembered of an ask that is over: what tells it from others. However much was asked, it is a few KiB; the journal has all of it.

use super::decision::Decision;
use super::given::Reply;
use super::{Access, Ask, What, cut_to};
use serde_json::Value;

/// What is remembered of a text, in bytes.
const TEXT: usize = 1024;
/// The same of a name, an address or a path.
const NAME: usize = 256;
/// How many of each list.
const ITEMS: usize = 8;

fn cut(text: &mut String, bytes: usize) {
    if text.len() > bytes {
        cut_to(text, bytes);
        text.push('…');
        text.shrink_to_fit();
    }
}

/// A value that is too long becomes the beginning of its text.
fn cut_value(value: &mut Value, bytes: usize) {
    let mut text = value.to_string();
    if text.len() > bytes {
        cut(&mut text, bytes);
        *value = Value::String(text);
    }
}

/// The first of a list, each shortened; says how many are left out.
fn first<T>(list: &mut Vec<T>, shorten: impl FnMut(&mut T)) -> usize {
    let left_out = list.len().saturating_sub(ITEMS);
    list.truncate(ITEMS);
    list.shrink_to_fit();
    list.iter_mut().for_each(shorten);
    left_out
}

fn names(list: &mut Vec<String>) {
    first(list, |name| cut(name, NAME));
}

fn access(access: &mut Access) {
    names(&mut access.read);
    names(&mut access.write);
    first(&mut access.entries, |entry| cut_value(entry, NAME));
}

/// Shortens what was decided.
pub(super) fn shorten_reply(reply: &mut Reply) {
    while reply.answers.len() > ITEMS {
        reply.answers.pop_last();
    }
    for texts in reply.answers.values_mut() {
        first(texts, |text| cut(text, TEXT));
    }
    reply.content.iter_mut().for_each(|it| cut_value(it, TEXT));
    reply.permissions.iter_mut().for_each(access);
    reply.words.iter_mut().for_each(|it| cut(it, TEXT));
    names(&mut reply.withheld);
}

/// Shortens what was asked. A question whose name is cut counts as secret from then on: its answer is not told from others any more.
pub(super) fn shorten(ask: &mut Ask) {
    ask.why.iter_mut().for_each(|it| cut(it, TEXT));
    first(&mut ask.cut, |it| cut(&mut it.field, NAME));
    let mut carry = 0;
    ask.offered.retain_mut(|decision| {
        match decision {
            Decision::AcceptWithRule { rule } => names(rule),
            Decision::AllowHost { host } | Decision::DenyHost { host } => cut(host, NAME),
            // What was decided is looked up here.
            _ => return true,
        }
        carry += 1;
        carry <= ITEMS
    });
    match &mut ask.what {
        What::Command {
            command,
            cwd,
            network,
            permissions,
            parsed,
            approval_id,
            ..
        } => {
            cut(command, TEXT);
            cwd.iter_mut().for_each(|it| cut(it, NAME));
            if let Some(network) = network {
                cut(&mut network.host, NAME);
                cut(&mut network.protocol, NAME);
            }
            permissions.iter_mut().for_each(access);
            *parsed = Vec::new();
            approval_id.iter_mut().for_each(|it| cut(it, NAME));
        }
        What::Patch {
            files,
            omitted,
            grant_root,
        } => {
            let left_out = first(files, |file| {
                cut(&mut file.path, NAME);
                cut(&mut file.kind, NAME);
                file.moved_to.iter_mut().for_each(|it| cut(it, NAME));
                cut(&mut file.diff, TEXT);
            });
            *omitted += left_out as u64;
            grant_root.iter_mut().for_each(|it| cut(it, NAME));
        }
        What::Permissions { access: it, cwd } => {
            access(it);
            cut(cwd, NAME);
        }
        What::Questions { questions, .. } => {
            first(questions, |question| {
                cut(&mut question.id, NAME);
                cut(&mut question.header, NAME);
                cut(&mut question.question, TEXT);
                first(&mut question.options, |option| {
                    cut(&mut option.label, NAME);
                    cut(&mut option.description, NAME);
                });
            });
        }
        What::Form {
            server,
            message,
            schema,
        } => {
            cut(server, NAME);
            cut(message, TEXT);
            cut_value(schema, TEXT);
        }
        What::Url {
            server,
            message,
            url,
        } => {
            cut(server, NAME);
            cut(message, TEXT);
            cut(url, TEXT);
        }
        What::McpTool {
            server,
            tool,
            params,
            persist,
        } => {
            cut(server, NAME);
            cut(tool, NAME);
            cut_value(params, TEXT);
            names(persist);
        }
        What::ToolCall { tool, arguments } => {
            cut(tool, NAME);
            cut_value(arguments, TEXT);
        }
        What::Unknown { method, params } => {
            cut(method, NAME);
            cut_value(params, TEXT);
        }
    }
}

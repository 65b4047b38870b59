//! A transcript as a Markdown page. Headings are ours; whatever somebody else wrote stands inside a fence.

use super::{Cut, Row, Text, Turn, Via, What};
use crate::domain::language::Language;
use crate::domain::markdown::{code, fence, heading};
use chrono::{DateTime, SecondsFormat, Utc};
use std::fmt::Write as _;

const FITS: &str = "writing to a string cannot fail";

/// The head of the page.
pub fn head(title: &str, thread_id: &str, language: Language) -> String {
    let name = language.pick("Transcript", "对话记录");
    let thread = language.pick("Codex thread", "Codex 线程");
    format!(
        "# {name}: {}\n\n{thread} {}\n",
        code(title),
        code(thread_id)
    )
}

/// One turn of it.
pub fn turn(turn: &Turn, language: Language) -> String {
    let mut page = String::new();
    let name = language.pick("Turn", "轮次");
    let at = turn.started_at.map(stamp).unwrap_or_default();
    heading(&mut page, 2, &format!("{name} {at} {}", code(&turn.id)));
    if turn.rows_left_out {
        let said = language.pick(
            "Earlier steps of this turn are left out.",
            "本轮更早的步骤未列出。",
        );
        writeln!(page, "{said}").expect(FITS);
    }
    for one in &turn.rows {
        row(&mut page, one, language);
    }
    page
}

/// What stands at the end when it could not be read to its end.
pub fn broken_off(reason: &str, language: Language) -> String {
    let said = language.pick("The rest could not be read", "其余内容无法读取");
    format!("\n**{said}:** {}\n", code(reason))
}

fn stamp(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Secs, true)
}

fn row(page: &mut String, row: &Row, language: Language) {
    let say = |en: &'static str, zh: &'static str| language.pick(en, zh);
    let title = match &row.what {
        What::Message { via, .. } => match via {
            Via::Zhongshu => say("Message", "消息").to_owned(),
            Via::Terminal => say("Message from a terminal", "来自终端的消息").to_owned(),
        },
        What::Answer { .. } => say("Answer", "回复").to_owned(),
        What::Reasoning { .. } => say("Reasoning", "思考").to_owned(),
        What::Command {
            status, exit_code, ..
        } => {
            let code = exit_code.map_or(String::new(), |code| {
                format!(", {} {code}", say("exit code", "退出码"))
            });
            format!("{} ({status}{code})", say("Command", "命令"))
        }
        What::Patch { status, .. } => format!("{} ({status})", say("Patch", "补丁")),
        What::Plan { .. } => say("Plan of the model", "模型的计划").to_owned(),
        What::Tool { status, .. } => format!("{} ({status})", say("Tool", "工具")),
        What::WebSearch { .. } => say("Web search", "网页搜索").to_owned(),
        What::Image { .. } => say("Image", "图片").to_owned(),
        What::Review { begins: true, .. } => say("Review begins", "审阅开始").to_owned(),
        What::Review { begins: false, .. } => say("Review ends", "审阅结束").to_owned(),
        What::Compaction => say("The thread was made shorter", "线程已压缩").to_owned(),
        What::TurnFailed { .. } => say("The turn failed", "本轮失败").to_owned(),
        What::TurnInterrupted => say("The turn was interrupted", "本轮被中断").to_owned(),
        What::Ask { .. } => say("Codex asked", "Codex 的询问").to_owned(),
        What::Unknown { .. } => say("Something unknown", "未知条目").to_owned(),
    };
    let at = row.at.map(|at| format!(" · {}", stamp(at)));
    heading(page, 3, &format!("{title}{}", at.unwrap_or_default()));
    body(page, &row.what, language);
}

fn body(page: &mut String, what: &What, language: Language) {
    let say = |en: &'static str, zh: &'static str| language.pick(en, zh);
    match what {
        What::Message { text, .. }
        | What::Answer { text }
        | What::Reasoning { text }
        | What::Plan { text }
        | What::Review { text, .. } => quoted(page, text, language),
        What::Command {
            command,
            cwd,
            output,
            output_at_limit,
            ..
        } => {
            quoted(page, command, language);
            writeln!(page, "\n{} {}\n", say("in", "目录"), code(cwd)).expect(FITS);
            if !output.text.is_empty() {
                quoted(page, output, language);
            }
            if *output_at_limit {
                let said = say(
                    "Codex keeps 65,536 characters of an output, its beginning and its end; the middle is missing.",
                    "Codex 只保留输出的 65,536 个字符（开头与结尾），中间部分缺失。",
                );
                writeln!(page, "\n{said}").expect(FITS);
            }
        }
        What::Patch {
            files,
            files_left_out,
            ..
        } => {
            for file in files {
                let moved = file.moved_to.as_deref().map(code);
                let moved = moved.map_or(String::new(), |to| format!(" → {to}"));
                writeln!(page, "{} {}{moved}\n", file.change, code(&file.path)).expect(FITS);
                quoted(page, &file.diff, language);
            }
            if *files_left_out > 0 {
                let said = say("more files", "个文件未列出");
                writeln!(page, "{files_left_out} {said}").expect(FITS);
            }
        }
        What::Tool {
            server,
            tool,
            arguments,
            result,
            error,
            ..
        } => {
            writeln!(page, "{} {}\n", code(server), code(tool)).expect(FITS);
            for text in [arguments, result] {
                if !text.text.is_empty() {
                    quoted(page, text, language);
                }
            }
            if let Some(error) = error {
                fence(page, std::slice::from_ref(error));
            }
        }
        What::WebSearch { query } => fence(page, std::slice::from_ref(query)),
        What::Image { path } => writeln!(page, "{}", code(path)).expect(FITS),
        What::Compaction | What::TurnInterrupted => {}
        What::TurnFailed { reason, .. } => fence(page, std::slice::from_ref(reason)),
        What::Ask {
            text,
            decision,
            by,
            words,
            ..
        } => {
            quoted(page, text, language);
            let decision = decision
                .as_deref()
                .unwrap_or(say("nobody yet", "尚无人决定"));
            let by = by.as_deref().unwrap_or_default();
            writeln!(
                page,
                "\n{}: {} {}",
                say("Decision", "决定"),
                code(decision),
                by
            )
            .expect(FITS);
            if let Some(words) = words {
                fence(page, std::slice::from_ref(words));
            }
        }
        What::Unknown { item_type, raw } => {
            writeln!(page, "{}\n", code(item_type)).expect(FITS);
            quoted(page, raw, language);
        }
    }
}

fn quoted(page: &mut String, text: &Text, language: Language) {
    let bytes = text.left_out;
    let missing = match (text.cut, language) {
        (None, _) => None,
        (Some(Cut::Beginning), Language::En) => {
            Some(format!("{bytes} bytes before this are left out."))
        }
        (Some(Cut::Beginning), Language::Zh) => Some(format!("此前的 {bytes} 字节未列出。")),
        (Some(Cut::End), Language::En) => Some(format!("{bytes} bytes after this are left out.")),
        (Some(Cut::End), Language::Zh) => Some(format!("此后的 {bytes} 字节未列出。")),
    };
    fence(page, std::slice::from_ref(&text.text));
    if let Some(missing) = missing {
        writeln!(page, "\n{missing}").expect(FITS);
    }
}

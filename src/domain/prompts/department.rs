//! The first prompt of a department.

use super::{Setting, bullets};
use crate::domain::language::Language;
use crate::domain::session::Brief;
use crate::domain::shown::shown;

/// Renders the prompt for a department session.
pub fn department(setting: Setting<'_>, brief: &Brief) -> String {
    let parent = brief
        .parent_session_id
        .as_ref()
        .map_or("", |id| id.as_str());
    let duty = setting
        .departments
        .iter()
        .find(|department| department.key == brief.department)
        .map_or("", |department| department.duty.get(setting.language));
    let json = example(parent, brief);
    let file = setting.incoming.join(format!("result-{}.json", brief.id));
    let file = file.display();
    let Setting {
        project,
        workflow_doc,
        language,
        ..
    } = setting;
    let repo = setting.repo.display();
    let (title, task, id) = (&brief.title, shown(&brief.task), &brief.id);
    match language {
        Language::En => {
            let files = bullets(
                &brief.files,
                "not named: choose the smallest set that the task needs",
            );
            let verify = bullets(&brief.verify, "not named: run what proves your work");
            let report = if setting.has_tools {
                format!(
                    "Call the tool `report_result` of the MCP server `zhongshu` exactly once, with the fields of the JSON \
                     below. Only if that tool is missing, write the JSON to the file\n{file}\n(first under a name that ends \
                     in `.tmp`, then rename it)."
                )
            } else {
                format!(
                    "Write this JSON, UTF-8, to the file\n{file}\nFirst under a name that ends in `.tmp`, then rename it, so \
                     that nobody reads half of it."
                )
            };
            format!(
                "You are {title} (department `{dep}`) of the project {project}.\n\
                 Duty: {duty}\n\n\
                 department_session_id: {id}\nparent_session_id: {parent}\ndepartment: {dep}\nrepository: {repo}\n\n\
                 # Task\n\n{task}\n\n\
                 # Files\n\n{files}\n\
                 # Verify commands\n\nRun these before you report, and report what you really saw:\n{verify}\n\
                 # Boundaries\n\n\
                 - Read {workflow_doc} first, if it exists, and keep its rules.\n\
                 - Change only the files of your task. Others work in this repository at the same time.\n\
                 - Never roll back, reformat or overwrite work that is not yours; no git reset, checkout, stash or clean.\n\
                 - Do not commit, and do not start other sessions.\n\n\
                 # How to report\n\n{report}\n\n{json}\n\n\
                 Report when the work is done, and also when it failed or cannot be done: then say why in `summary` and \
                 `risks`. Set `needs_user_confirmation` to true only when a person must decide before work goes on.\n",
                dep = brief.department
            )
        }
        Language::Zh => {
            let files = bullets(&brief.files, "未指定：只改任务所需的最小集合");
            let verify = bullets(&brief.verify, "未指定：运行足以证明结果的检查");
            let report = if setting.has_tools {
                format!(
                    "调用 MCP 服务器 `zhongshu` 的工具 `report_result`，只调用一次，字段同下面的 JSON。只有在没有该工具时，\
                     才把 JSON 写入文件\n{file}\n（先用 `.tmp` 结尾的名字写完，再改名）。"
                )
            } else {
                format!(
                    "把下面的 JSON 以 UTF-8 写入文件\n{file}\n先用 `.tmp` 结尾的名字写完，再改名，避免别人读到半个文件。"
                )
            };
            format!(
                "你是项目 {project} 的{title}（部门 `{dep}`）。\n职责：{duty}\n\n\
                 department_session_id: {id}\nparent_session_id: {parent}\ndepartment: {dep}\nrepository: {repo}\n\n\
                 # 任务\n\n{task}\n\n\
                 # 文件范围\n\n{files}\n\
                 # 验证命令\n\n汇报前运行，并如实报告看到的结果：\n{verify}\n\
                 # 边界\n\n\
                 - 如有 {workflow_doc}，先读并遵守。\n\
                 - 只改任务范围内的文件；同一仓库里还有别人在工作。\n\
                 - 不得回滚、重排或覆盖他人的改动；不得使用 git reset、checkout、stash、clean。\n\
                 - 不要提交，也不要启动其他会话。\n\n\
                 # 如何汇报\n\n{report}\n\n{json}\n\n\
                 完成后要汇报；失败或无法完成时也要汇报，并在 `summary` 和 `risks` 里说明原因。只有必须由人决定时才把 \
                 `needs_user_confirmation` 设为 true。\n",
                dep = brief.department
            )
        }
    }
}

/// The JSON that a report file holds, with the identity filled in.
fn example(parent: &str, brief: &Brief) -> String {
    format!(
        "{{\n  \"parent_session_id\": \"{parent}\",\n  \"department_session_id\": \"{id}\",\n  \"department\": \"{dep}\",\n  \
         \"summary\": \"…\",\n  \"changed_files\": [\"…\"],\n  \"verifications_run\": [\"…\"],\n  \
         \"verifications_skipped\": [],\n  \"risks\": [],\n  \"needs_user_confirmation\": false,\n  \"next_action\": \"…\"\n}}",
        id = brief.id,
        dep = brief.department
    )
}

//! Owns which of our abilities need which methods of Codex, so that another version switches off what it cannot do, by name.

use serde::Serialize;

use super::schema::Schema;
use crate::domain::department::Localized;

/// Something that we can do with Codex, if it has the methods for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Feature {
    /// Threads are opened, resumed, given messages and ended.
    Sessions,
    /// It is known which message has arrived.
    Receipts,
    /// What a thread did is read.
    Transcript,
    /// Approvals of commands are answered here.
    CommandApprovals,
    /// Approvals of patches are answered here.
    PatchApprovals,
    /// Wishes for more permissions are answered here.
    Permissions,
    /// Questions of the model are answered here.
    Questions,
    /// Forms and approvals of tool servers are answered here.
    ToolServers,
    /// What a command left running in the background ends with its session.
    BackgroundCommands,
    /// The models on offer are known.
    Models,
    /// It is known whether there is a login.
    Login,
}

impl Feature {
    /// All of them.
    pub const ALL: [Self; 11] = [
        Self::Sessions,
        Self::Receipts,
        Self::Transcript,
        Self::CommandApprovals,
        Self::PatchApprovals,
        Self::Permissions,
        Self::Questions,
        Self::ToolServers,
        Self::BackgroundCommands,
        Self::Models,
        Self::Login,
    ];

    /// Its name for programs.
    pub fn name(self) -> &'static str {
        match self {
            Self::Sessions => "sessions",
            Self::Receipts => "receipts",
            Self::Transcript => "transcript",
            Self::CommandApprovals => "command_approvals",
            Self::PatchApprovals => "patch_approvals",
            Self::Permissions => "permissions",
            Self::Questions => "questions",
            Self::ToolServers => "tool_servers",
            Self::BackgroundCommands => "background_commands",
            Self::Models => "models",
            Self::Login => "login",
        }
    }

    /// The methods without which it does not work.
    pub fn methods(self) -> &'static [&'static str] {
        match self {
            Self::Sessions => &[
                "initialize",
                "thread/start",
                "thread/resume",
                "thread/name/set",
                "thread/read",
                "thread/unsubscribe",
                "turn/start",
                "turn/interrupt",
                "turn/started",
                "turn/completed",
                "thread/status/changed",
                "item/started",
                "item/completed",
            ],
            Self::Receipts => &["thread/items/list"],
            Self::Transcript => &["thread/turns/list", "thread/items/list"],
            Self::CommandApprovals => &[
                "item/commandExecution/requestApproval",
                "serverRequest/resolved",
            ],
            Self::PatchApprovals => &["item/fileChange/requestApproval", "serverRequest/resolved"],
            Self::Permissions => &["item/permissions/requestApproval", "serverRequest/resolved"],
            Self::Questions => &["item/tool/requestUserInput", "serverRequest/resolved"],
            Self::ToolServers => &["mcpServer/elicitation/request", "serverRequest/resolved"],
            Self::BackgroundCommands => &["thread/backgroundTerminals/clean"],
            Self::Models => &["model/list"],
            Self::Login => &["account/read"],
        }
    }

    /// What it means when it is switched off.
    pub fn loss(self) -> Localized {
        let (zh, en) = match self {
            Self::Sessions => (
                "无法用 Codex 运行会话",
                "sessions cannot be run with this Codex",
            ),
            Self::Receipts => (
                "崩溃之后，消息可能重复送达",
                "after a crash a message may reach a session twice",
            ),
            Self::Transcript => (
                "无法读取会话做过什么，请打开它的终端",
                "what a session did cannot be read; open its terminal",
            ),
            Self::CommandApprovals => (
                "命令的批准只能在会话的终端里回答",
                "approvals of commands are answered in the session's terminal only",
            ),
            Self::PatchApprovals => (
                "补丁的批准只能在会话的终端里回答",
                "approvals of patches are answered in the session's terminal only",
            ),
            Self::Permissions => (
                "额外权限的请求只能在会话的终端里回答",
                "wishes for more permissions are answered in the session's terminal only",
            ),
            Self::Questions => (
                "模型的提问只能在会话的终端里回答",
                "questions of the model are answered in the session's terminal only",
            ),
            Self::ToolServers => (
                "工具服务器的表单与批准只能在会话的终端里回答",
                "forms and approvals of tool servers are answered in the session's terminal only",
            ),
            Self::BackgroundCommands => (
                "会话结束后，其后台命令由 zhongshu 自行查找并结束",
                "what a session left running is found and ended by zhongshu alone",
            ),
            Self::Models => (
                "可用模型未知，请在 governance.yaml 的 `models` 中列出",
                "the models on offer are not known; list them in governance.yaml (`models`)",
            ),
            Self::Login => (
                "是否已登录要到会话失败时才知道",
                "whether there is a login is known only when a session fails",
            ),
        };
        Localized::new(zh, en)
    }
}

/// A feature that this Codex cannot have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lack {
    /// Which.
    pub feature: Feature,
    /// The methods that are not there.
    pub methods: Vec<&'static str>,
}

impl Schema {
    /// What cannot be done with this Codex.
    pub fn lacks(&self) -> Vec<Lack> {
        let has = |method: &&str| {
            let all = [&self.calls, &self.notifications, &self.requests];
            all.iter().any(|methods| methods.contains(*method))
        };
        let lacks = Feature::ALL.map(|feature| Lack {
            feature,
            methods: feature
                .methods()
                .iter()
                .copied()
                .filter(|method| !has(method))
                .collect(),
        });
        lacks
            .into_iter()
            .filter(|lack| !lack.methods.is_empty())
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_is_named_and_the_rest_goes_on() {
        let every = Feature::ALL.iter().flat_map(|it| it.methods());
        let mut schema = Schema {
            calls: every.map(ToString::to_string).collect(),
            ..Schema::default()
        };
        assert_eq!(schema.lacks(), []);
        schema.calls.remove("thread/items/list");
        let lacks = schema.lacks();
        let lacks: Vec<_> = lacks
            .iter()
            .map(|it| (it.feature, &it.methods[..]))
            .collect();
        let gone = &["thread/items/list"][..];
        assert_eq!(
            lacks,
            [(Feature::Receipts, gone), (Feature::Transcript, gone)]
        );
    }
}

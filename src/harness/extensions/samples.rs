//! Made events, of the shape that real ones have, for whoever wants to see what an extension does with them.

use crate::domain::harness::action::Scope;
use crate::domain::harness::extension::registration::{
    FILE_CHANGE_REQUESTED, SIGNALS, SUGGEST_REQUESTED, TURN_COMPLETED,
};
use crate::domain::harness::project::ProjectId;
use serde_json::{Value, json};

const SESSION: &str = "01900000-0000-7000-8000-000000000001";
const TURN: &str = "01900000-0000-7000-8000-000000000002";

/// Where they happen.
pub fn scope() -> Scope {
    Scope {
        project_id: ProjectId::of_session(SESSION),
        session_id: SESSION.to_owned(),
        turn_id: Some(TURN.to_owned()),
    }
}

/// What an event of this name says.
pub fn payload(event: &str) -> Value {
    let project = ProjectId::of_session(SESSION).0;
    let request = "Greet people louder.";
    let text = "[userMessage] Greet people louder.\n\n[agentMessage] I change src/greet.py.\n\n";
    let mut context = json!({
        "projectId": project, "sourceSessionId": SESSION, "threadId": SESSION, "turnId": TURN,
        "userRequest": request, "turnTranscript": text,
    });
    match event {
        SUGGEST_REQUESTED => json!({
            "requestKey": "made-request", "sessionId": SESSION, "projectId": project, "threadId": SESSION, "turnId": TURN,
            "userRequest": request, "turnTranscript": text, "model": null, "effort": null, "draft": null,
        }),
        TURN_COMPLETED => json!({
            "context": context, "hadFileChangeRequests": false, "fileChangeRequestCount": 0, "turnTranscriptSnapshot": text,
        }),
        FILE_CHANGE_REQUESTED => {
            for (name, value) in [
                ("approvalId", "made-approval"),
                ("itemId", "made-item"),
                ("anchorItemId", "made-item"),
            ] {
                context[name] = json!(value);
            }
            let diff =
                "@@ -1,2 +1,2 @@\n def greet(name):\n-    return name\n+    return name.upper()\n";
            let change = json!({"path": "src/greet.py", "kind": {"type": "update", "move_path": null}, "diff": diff});
            json!({
                "context": context, "summary": "Changes src/greet.py",
                "details": {"threadId": SESSION, "turnId": TURN, "itemId": "made-item", "reason": null, "changes": [change], "isWhole": true},
                "sourceEvent": "approval_request", "fileChangeStatus": "pending_approval",
            })
        }
        _ => {
            let name = event.strip_prefix(SIGNALS).unwrap_or(event);
            let (kind, name) = match name.strip_prefix("request.") {
                Some(name) => ("request", name),
                None => ("notification", name),
            };
            json!({
                "source": "app_server", "signalType": kind, "eventType": event, "method": name.replace('.', "/"),
                "receivedAt": "2026-01-01T00:00:00Z", "context": {"threadId": SESSION, "turnId": TURN},
                "params": {"threadId": SESSION, "turnId": TURN},
                "session": {"id": SESSION, "title": "Greetings", "projectId": null},
            })
        }
    }
}

//! The person: what somebody does on the dashboard, and what they see there.

use super::House;
use serde_json::{Value, json};
use zhongshu::client::ClientError;

impl House {
    pub async fn get(&self, path: &str) -> Value {
        match self.client().get(path).await {
            Ok(answer) => answer,
            Err(error) => panic!("GET {path}: {error}\n{}", self.scene().await),
        }
    }

    pub async fn post(&self, path: &str, body: Value) -> Value {
        match self.client().post(path, &body).await {
            Ok(answer) => answer,
            Err(error) => panic!("POST {path} {body}: {error}\n{}", self.scene().await),
        }
    }

    /// A request that must be refused: status and code.
    pub async fn refused(&self, path: &str, body: Value) -> (u16, String) {
        match self.client().post(path, &body).await {
            Err(ClientError::Refused { status, code, .. }) => (status, code),
            other => panic!("POST {path} {body} should be refused: {other:?}"),
        }
    }

    /// Starts a planner.
    pub async fn planner(&self, task: &str) -> String {
        let body = json!({ "task": task });
        let started = self.post("/api/start_zhongshu_session", body).await;
        started["session"]["id"].as_str().unwrap().to_owned()
    }

    /// The planner's plan, once it has reported version `version`.
    pub async fn plan(&self, planner: &str, version: u64) -> Value {
        let path = format!("/api/zhongshu_plan?id={planner}");
        let look = async || {
            let plan = self.get(&path).await["plan"].clone();
            (plan["version"] == version).then_some(plan)
        };
        self.wait_for("the plan", look).await
    }

    /// Confirms a plan as it is.
    pub async fn confirm(&self, planner: &str, plan: &Value) -> Value {
        let body = json!({
            "parent_session_id": planner,
            "assignments": plan["assignments"],
            "plan_sha256": plan["plan_sha256"],
        });
        self.post("/api/start_assignments", body).await
    }

    /// A planner whose plan is confirmed.
    pub async fn at_work(&self) -> String {
        let planner = self.planner("Make the greeter louder.").await;
        let plan = self.plan(&planner, 1).await;
        self.confirm(&planner, &plan).await;
        planner
    }

    /// The status, once it is as wanted.
    pub async fn status(&self, what: &str, condition: impl Fn(&Value) -> bool) -> Value {
        let look = async || Some(self.get("/api/status").await).filter(|status| condition(status));
        self.wait_for(what, look).await
    }

    /// One session, once it is as wanted.
    pub async fn session(&self, id: &str, what: &str, condition: impl Fn(&Value) -> bool) -> Value {
        let look = async || {
            let status = self.get("/api/status").await;
            find(&status["sessions"], |session| session["id"] == id)
                .filter(|session| condition(session))
        };
        self.wait_for(what, look).await
    }

    /// The newest session of a department, once it is as wanted.
    pub async fn department(
        &self,
        key: &str,
        what: &str,
        condition: impl Fn(&Value) -> bool,
    ) -> Value {
        let look = async || {
            let status = self.get("/api/status").await;
            find(&status["department_sessions"], |session| {
                session["department"] == key
            })
            .filter(|session| condition(session))
        };
        self.wait_for(&format!("{key}: {what}"), look).await
    }

    /// The whole audit log.
    pub async fn audit(&self) -> Vec<Value> {
        let mut events = Vec::new();
        loop {
            let after = events
                .last()
                .map_or(json!(0), |event: &Value| event["seq"].clone());
            let page = self
                .get(&format!("/api/audit?after={after}&limit=1000"))
                .await;
            let page = page["events"].as_array().unwrap().clone();
            if page.is_empty() {
                return events;
            }
            events.extend(page);
        }
    }

    pub(super) async fn audit_or_none(&self) -> Vec<Value> {
        let path = "/api/audit?after=0&limit=1000";
        let answer = self.client().get(path).await.unwrap_or_default();
        answer["events"].as_array().cloned().unwrap_or_default()
    }

    /// The audit log, once it is as wanted.
    pub async fn audited(&self, what: &str, condition: impl Fn(&[Value]) -> bool) -> Vec<Value> {
        let look = async || Some(self.audit().await).filter(|events| condition(events));
        self.wait_for(what, look).await
    }

    /// The planner's inbox, not marked as read.
    pub async fn inbox(&self, planner: &str) -> Value {
        self.get(&format!("/api/zhongshu_inbox?id={planner}&peek=1"))
            .await
    }

    /// A result, once a department's is in.
    pub async fn result(&self, planner: &str, department: &str) -> Value {
        let path = format!("/api/zhongshu_inbox?id={planner}&peek=1");
        let look = async || {
            let inbox = self.get(&path).await;
            let of = |result: &Value| result["department"] == department;
            find(&inbox["unread_results"], of).or_else(|| find(&inbox["read_results"], of))
        };
        self.wait_for(&format!("the result of {department}"), look)
            .await
    }
}

/// The first entry of a list that fits.
pub fn find(list: &Value, fits: impl Fn(&Value) -> bool) -> Option<Value> {
    list.as_array()?.iter().find(|entry| fits(entry)).cloned()
}

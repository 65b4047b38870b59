//! placeholder until the render tests are written below
#![allow(clippy::unwrap_used)]
use super::samples::{busy, clean_report, empty, report};
use super::*;
use crate::domain::department::built_in;

#[test]
fn write_preview() {
    let Ok(folder) = std::env::var("DASH_PREVIEW") else { return };
    let long = "字".repeat(120) + &"W".repeat(300);
    let sayers: [(&str, Box<dyn Fn(&str) -> String>); 3] = [
        ("busy", Box::new(|text: &str| text.to_owned())),
        ("hostile", Box::new(|text: &str| format!("<img src=x onerror=alert(1)>\"'</textarea></pre>{text}"))),
        ("long", Box::new(move |text: &str| format!("{text} {long}"))),
    ];
    for language in [Language::En, Language::Zh] {
        let tag = language.tag();
        let write = |name: &str, text: String| std::fs::write(format!("{folder}/{name}.{tag}.html"), text).unwrap();
        write("shell", render_shell(language).unwrap());
        write("work-empty", render_work(&empty().work(language)).unwrap());
        write("report-clean", render_report(&clean_report(), &built_in(), language).unwrap());
        for (name, say) in &sayers {
            write(&format!("work-{name}"), render_work(&busy(say).work(language)).unwrap());
            write(&format!("report-{name}"), render_report(&report(say), &built_in(), language).unwrap());
        }
    }
}

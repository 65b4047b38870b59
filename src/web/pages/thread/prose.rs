//! Markdown of an agent as pieces that a template writes: a fixed set of tags, and text that is escaped like any other. HTML in it is
//! text, pictures are not loaded, and a link leads to http and https alone and says where it leads.

use super::code::{Ink, inks};
use pulldown_cmark::{CodeBlockKind, Event, Options, Parser, Tag, TagEnd};

/// Blocks and emphasis within each other; more deeply nested ones are left out, since a page of them would be nothing but frames.
const DEPTH: usize = 32;

/// A piece of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Piece {
    Open(Kind),
    Close(Kind),
    Text(String),
    Code(String),
    Block { language: String, inks: Vec<Ink> },
    Link { address: String },
    LinkEnd { host: String },
    Break,
    Rule,
    Box(bool),
}

/// A tag.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Paragraph,
    Heading,
    Quote,
    List,
    Numbers,
    Item,
    Emphasis,
    Strong,
    Struck,
    Table,
    Head,
    Line,
    Cell,
    Nothing,
}

/// The pieces of a text.
pub(super) fn pieces(markdown: &str) -> Vec<Piece> {
    let options =
        Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH | Options::ENABLE_TASKLISTS;
    let mut out = Vec::new();
    // For each link that is open: where it leads, when it leads somewhere.
    let mut links: Vec<Option<String>> = Vec::new();
    let mut lists = Vec::new();
    let mut block: Option<(String, String)> = None;
    let mut depth = 0_usize;
    for event in Parser::new_ext(markdown, options) {
        match event {
            Event::Start(Tag::CodeBlock(kind)) => {
                let language = match kind {
                    CodeBlockKind::Fenced(language) => language.to_string(),
                    CodeBlockKind::Indented => String::new(),
                };
                block = Some((language, String::new()));
            }
            Event::End(TagEnd::CodeBlock) => {
                if let Some((language, text)) = block.take() {
                    let language = language.split([' ', ',']).next().unwrap_or_default();
                    out.push(Piece::Block {
                        inks: inks(language, &text),
                        language: language.chars().take(30).collect(),
                    });
                }
            }
            Event::Text(text) | Event::Html(text) | Event::InlineHtml(text) => match &mut block {
                Some((_, code)) => code.push_str(&text),
                None => out.push(Piece::Text(text.to_string())),
            },
            Event::Start(Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. }) => {
                let host = host(&dest_url).map(str::to_owned);
                if host.is_some() && links.iter().all(Option::is_none) {
                    out.push(Piece::Link {
                        address: dest_url.to_string(),
                    });
                    links.push(host);
                } else {
                    links.push(None);
                }
            }
            Event::End(TagEnd::Link | TagEnd::Image) => {
                if let Some(host) = links.pop().flatten() {
                    out.push(Piece::LinkEnd { host });
                }
            }
            Event::Start(tag) => {
                depth += 1;
                let kind = kind(&tag);
                if let Tag::List(_) = tag {
                    lists.push(kind);
                }
                if depth <= DEPTH {
                    out.push(Piece::Open(kind));
                }
            }
            Event::End(tag) => {
                let kind = match tag {
                    TagEnd::List(_) => lists.pop().unwrap_or(Kind::List),
                    other => kind_of_end(other),
                };
                if depth <= DEPTH {
                    out.push(Piece::Close(kind));
                }
                depth = depth.saturating_sub(1);
            }
            Event::Code(text) => out.push(Piece::Code(text.to_string())),
            Event::SoftBreak => out.push(Piece::Text("\n".to_owned())),
            Event::HardBreak => out.push(Piece::Break),
            Event::Rule => out.push(Piece::Rule),
            Event::TaskListMarker(done) => out.push(Piece::Box(done)),
            // Not asked for.
            Event::InlineMath(_) | Event::DisplayMath(_) | Event::FootnoteReference(_) => {}
        }
    }
    out
}

fn kind(tag: &Tag<'_>) -> Kind {
    match tag {
        Tag::Paragraph => Kind::Paragraph,
        Tag::Heading { .. } => Kind::Heading,
        Tag::BlockQuote(_) => Kind::Quote,
        Tag::List(None) => Kind::List,
        Tag::List(Some(_)) => Kind::Numbers,
        Tag::Item => Kind::Item,
        Tag::Emphasis => Kind::Emphasis,
        Tag::Strong => Kind::Strong,
        Tag::Strikethrough => Kind::Struck,
        Tag::Table(_) => Kind::Table,
        Tag::TableHead => Kind::Head,
        Tag::TableRow => Kind::Line,
        Tag::TableCell => Kind::Cell,
        _ => Kind::Nothing,
    }
}

fn kind_of_end(tag: TagEnd) -> Kind {
    match tag {
        TagEnd::Paragraph => Kind::Paragraph,
        TagEnd::Heading(_) => Kind::Heading,
        TagEnd::BlockQuote(_) => Kind::Quote,
        TagEnd::Item => Kind::Item,
        TagEnd::Emphasis => Kind::Emphasis,
        TagEnd::Strong => Kind::Strong,
        TagEnd::Strikethrough => Kind::Struck,
        TagEnd::Table => Kind::Table,
        TagEnd::TableHead => Kind::Head,
        TagEnd::TableRow => Kind::Line,
        TagEnd::TableCell => Kind::Cell,
        _ => Kind::Nothing,
    }
}

/// The host of an address of the web; `None` for every other address.
fn host(address: &str) -> Option<&str> {
    let (scheme, rest) = address.split_once("://")?;
    let is_web = scheme.eq_ignore_ascii_case("http") || scheme.eq_ignore_ascii_case("https");
    let host = rest.split(['/', '?', '#', '\\']).next()?;
    let host = host.rsplit('@').next()?;
    let is_plain = !host.is_empty()
        && host
            .chars()
            .all(|c| c.is_alphanumeric() || "-._:[]".contains(c));
    (is_web && is_plain && !address.contains(char::is_control)).then_some(host)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(pieces: &[Piece]) -> String {
        let texts = pieces.iter().filter_map(|piece| match piece {
            Piece::Text(text) | Piece::Code(text) => Some(text.as_str()),
            _ => None,
        });
        texts.collect()
    }

    #[test]
    fn html_is_text() {
        for hostile in [
            "<script>alert(1)</script>",
            "a <img src=x onerror=alert(1)> b",
            "<!-- x -->",
            "<style>*{}</style>",
        ] {
            let pieces = pieces(hostile);
            assert_eq!(text(&pieces).trim(), hostile);
            assert!(!pieces.iter().any(|it| matches!(it, Piece::Link { .. })));
        }
    }

    #[test]
    fn links_lead_to_the_web_alone_and_say_where() {
        let link = |address: &str| {
            let pieces = pieces(&format!("[x](<{address}>)"));
            pieces.into_iter().find_map(|piece| match piece {
                Piece::LinkEnd { host } => Some(host),
                _ => None,
            })
        };
        assert_eq!(
            link("https://example.org/a?b").as_deref(),
            Some("example.org")
        );
        assert_eq!(
            link("HTTP://bank.example@evil.example/x").as_deref(),
            Some("evil.example")
        );
        for other in [
            "javascript:alert(1)",
            "data:text/html,x",
            "file:///etc/passwd",
            "//evil.example",
            "/api/status",
            "#work",
            "https:///x",
            "vbscript://x",
        ] {
            assert_eq!(link(other), None, "{other}");
        }
        let picture = pieces("![a picture](https://example.org/x.png)");
        assert!(
            matches!(&picture[1], Piece::Link { .. }),
            "it is named, and not loaded"
        );
    }

    #[test]
    fn every_tag_is_closed_however_deep() {
        let deep = format!(
            "{}x\n\n* a\n  1. b\n\n|a|b|\n|-|-|\n|**c**|~~d~~|\n",
            ">".repeat(500)
        );
        let mut open = Vec::new();
        for piece in pieces(&deep) {
            match piece {
                Piece::Open(kind) => open.push(kind),
                Piece::Close(kind) => assert_eq!(open.pop(), Some(kind)),
                _ => {}
            }
            assert!(open.len() <= DEPTH);
        }
        assert_eq!(open, []);
    }
}

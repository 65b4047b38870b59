//! The commands below `zhongshu harness`, made of the operations: groups, verbs, words and flags with their help.

use super::names::{GROUPS, place};
use super::operation::{Field, Form, Operation, Place};
use super::schema::Kind;
use clap::builder::{PossibleValuesParser, ValueParser};
use clap::{Arg, ArgAction, Command, value_parser};
use std::path::PathBuf;

/// How a body is given whole.
pub const BODY: &str = "body";
/// Follows a message to the end of its turn.
pub const WAIT: &str = "wait";
/// The operation that can be followed so.
pub const SEND: &str = "messages_send";

/// The command beside the operations that asks no server: its group and its verb.
pub const ADD: (&str, &str) = ("extensions", "add");

const EXIT_CODES: &str = "Exit codes: 0 it worked; 1 it failed; 2 wrong arguments or values (400, 413, 415);\n\
    4 no server runs or answers; 5 not allowed (401, 403); 6 not there (404, 410);\n\
    7 not in this state (409, 423); 8 not now (408, 429, 503, 504).";

const FIRST_STEPS: &str = "First steps:\n  zhongshu harness sessions create\n  \
    zhongshu harness sessions send ID 'Explain this repository.' --wait\n  \
    zhongshu harness sessions get ID\n  zhongshu harness approvals list\n  \
    zhongshu harness approvals decide ID accept";

/// All commands.
pub fn command(operations: &[Operation]) -> Command {
    let mut root = Command::new("harness")
        .bin_name("zhongshu harness")
        .no_binary_name(true)
        .about("Sessions of Codex through the harness API: everything that a client of it can do")
        .after_help(format!("{FIRST_STEPS}\n\n{EXIT_CODES}"))
        .subcommand_required(true)
        .arg_required_else_help(true)
        .args(everywhere());
    let mut groups: Vec<&str> = GROUPS.iter().map(|(group, _)| *group).collect();
    for operation in operations {
        if !groups.contains(&operation.group.as_str()) {
            groups.push(&operation.group);
        }
    }
    for group in groups {
        let mut verbs: Vec<&Operation> = operations.iter().filter(|it| it.group == group).collect();
        verbs.sort_by_key(|it| place(&it.id));
        if verbs.is_empty() {
            continue;
        }
        let known = GROUPS.iter().find(|(name, _)| *name == group);
        let about = known.map_or_else(|| group.replace('-', " "), |(_, it)| (*it).to_owned());
        let mut command = Command::new(group.to_owned())
            .about(about)
            .subcommand_required(true)
            .arg_required_else_help(true)
            .subcommands(verbs.into_iter().map(verb));
        if group == ADD.0 {
            command = command.subcommand(add());
        }
        root = root.subcommand(command);
    }
    root.subcommands(ours())
}

/// What every command takes.
fn everywhere() -> [Arg; 4] {
    let path = || value_parser!(PathBuf);
    [
        Arg::new("json")
            .long("json")
            .action(ArgAction::SetTrue)
            .help("Print the server's answer as it came, also a refusal"),
        Arg::new("profile").long("profile").value_name("NAME").help(
            "Another server, as `profile add` keeps it [default: the one of this repository]",
        ),
        Arg::new("repo")
            .long("repo")
            .value_name("PATH")
            .value_parser(path())
            .help("The Git repository whose server it is [default: the one you are in]"),
        Arg::new("state-dir")
            .long("state-dir")
            .value_name("PATH")
            .value_parser(path())
            .help("Where zhongshu keeps its journal and locks"),
    ]
    .map(|arg| arg.global(true).help_heading("Options of every command"))
}

fn verb(operation: &Operation) -> Command {
    let (sentence, more) = operation.sentences();
    let more = more.map_or_else(String::new, |more| format!("{more}\n\n"));
    let mut command = Command::new(operation.verb.clone())
        .about(sentence.to_owned())
        .after_help(format!(
            "{more}Example:\n  {}\n\nRequest: {} {}",
            example(operation),
            operation.method,
            operation.path
        ));
    for field in &operation.fields {
        command = command.arg(arg(operation, field));
    }
    command = command.override_usage(usage(operation));
    if operation.takes_body {
        let body = Arg::new(BODY)
            .long("body")
            .value_name("JSON")
            .help("The body as JSON, @FILE, or - for standard input; words and flags go before what it says");
        command = command.arg(body);
    }
    if operation.id == SEND {
        let wait = Arg::new(WAIT).long("wait").action(ArgAction::SetTrue).help(
            "Wait for the end of the turn and print what was answered; exit 1 when it failed",
        );
        command = command.arg(wait);
    }
    command
}

/// The form of the line, with everything that is needed: the parser takes a part of it as optional, since `--body` may have it.
fn usage(operation: &Operation) -> String {
    let mut line = format!(
        "zhongshu harness {} {} [OPTIONS]",
        operation.group, operation.verb
    );
    let needed = |it: &&Field| it.form == Form::Flag && it.is_required;
    for field in operation.fields.iter().filter(needed) {
        line.push_str(&match field.kind {
            Kind::Boolean => format!(" --{}", field.flag()),
            _ => format!(" --{} <{}>", field.flag(), value_name(field)),
        });
    }
    for field in operation.fields.iter().filter(|it| it.form == Form::Word) {
        let more = if field.kind == Kind::Texts { "..." } else { "" };
        line.push_str(&match field.is_required && !operation.is_of_all() {
            true => format!(" <{}>{more}", value_name(field)),
            false => format!(" [{}]{more}", value_name(field)),
        });
    }
    line
}

/// What stands for a value in help.
fn value_name(field: &Field) -> String {
    match field.kind {
        Kind::Json => "JSON".to_owned(),
        Kind::Secret => "@FILE".to_owned(),
        Kind::Boolean => "BOOLEAN".to_owned(),
        _ => field.flag().replace('-', "_").to_uppercase(),
    }
}

fn example(operation: &Operation) -> String {
    let mut line = operation.example();
    if operation.id == SEND {
        line.push_str(" --wait");
    }
    line
}

fn arg(operation: &Operation, field: &Field) -> Arg {
    let is_left_to_body = field.place == Place::Body && field.is_required;
    let may_be_missing = operation.is_of_all() && field.place == Place::Path;
    let mut help = field.about.clone();
    let mut arg = Arg::new(field.id()).value_parser(parser(&field.kind));
    arg = match field.form {
        Form::Flag => arg.long(field.flag()),
        Form::Word => arg,
    };
    arg = match &field.kind {
        Kind::Boolean => arg
            .num_args(0..=1)
            .require_equals(true)
            .default_missing_value("true"),
        Kind::Texts if field.form == Form::Word => arg
            .num_args(1..)
            .trailing_var_arg(true)
            .allow_hyphen_values(true),
        Kind::Texts => {
            help.push_str(" (may be repeated)");
            arg.action(ArgAction::Append)
        }
        Kind::Json => {
            help.push_str(" (JSON, @FILE, or -)");
            arg
        }
        Kind::Any => {
            help.push_str(" (JSON, or else text)");
            arg.allow_hyphen_values(true)
        }
        Kind::Secret => {
            help.push_str(" (@FILE, or - for standard input)");
            arg
        }
        Kind::Text => arg.allow_hyphen_values(field.form == Form::Flag),
        Kind::Number(..) => arg.allow_negative_numbers(true),
        Kind::Choice(_) => arg,
    };
    if let Kind::Number(least, most) = &field.kind
        && *least > i64::MIN
        && *most < i64::MAX
    {
        help.push_str(&format!(" ({least} to {most})"));
    }
    if field.takes_null && !help.contains("`null`") {
        help.push_str(" (`null` for none)");
    }
    if is_left_to_body {
        help.push_str(" (required)");
    }
    arg = arg.value_name(value_name(field));
    arg = match is_left_to_body {
        true => arg.required_unless_present(BODY),
        false => arg.required(field.is_required && !may_be_missing),
    };
    if may_be_missing {
        help.push_str("; without it all sessions in which something waits");
    }
    arg.help(help)
}

fn parser(kind: &Kind) -> ValueParser {
    match kind {
        Kind::Number(least, most) => value_parser!(i64).range(*least..=*most).into(),
        Kind::Boolean => value_parser!(bool),
        Kind::Choice(words) => PossibleValuesParser::new(words.clone()).into(),
        _ => value_parser!(String),
    }
}

/// What is no single operation.
fn ours() -> [Command; 4] {
    let stream = Command::new("stream")
        .about("Print what happens as it happens, one line of JSON each, until Ctrl-C")
        .long_about(
            "Print what happens as it happens, one line of JSON each, until Ctrl-C. When the connection is cut it goes on behind the last \
             line; where that is too long ago a line of the type `reset` says that something was missed.",
        )
        .after_help("Example:\n  zhongshu harness stream --session 0199a1b2-… --frames one")
        .arg(
            Arg::new("session")
                .long("session")
                .value_name("ID")
                .help("Only what is about this session"),
        )
        .arg(
            Arg::new("after")
                .long("after")
                .value_name("CURSOR")
                .help("Begin behind this place: a `cursor`, as the lines of the types `ready` and `reset` have it"),
        )
        .arg(
            Arg::new("frames")
                .long("frames")
                .value_name("FRAMES")
                .value_parser(["one", "all"])
                .default_value("all")
                .help("Each event once, or under all its names"),
        );
    let request = Command::new("request")
        .about("Send a request as it is and print the answer")
        .after_help(
            "Examples:\n  zhongshu harness request GET /sessions --query limit=5\n  \
             zhongshu harness request POST /sessions --body '{\"model\":\"gpt-6\"}'",
        )
        .arg(
            Arg::new("method")
                .value_name("METHOD")
                .required(true)
                .help("GET, POST or DELETE"),
        )
        .arg(
            Arg::new("path")
                .value_name("PATH")
                .required(true)
                .help("Path behind the prefix of the server, such as /sessions"),
        )
        .arg(
            Arg::new("query")
                .long("query")
                .value_name("NAME=VALUE")
                .action(ArgAction::Append)
                .help("A parameter behind the path (may be repeated)"),
        )
        .arg(
            Arg::new(BODY)
                .long("body")
                .value_name("JSON")
                .help("The body as JSON, @FILE, or - for standard input"),
        );
    [stream, request, profile(), conformance()]
}

fn add() -> Command {
    Command::new(ADD.1)
        .about("Put an extension that comes with zhongshu where extensions lie")
        .long_about(
            "Put an extension that comes with zhongshu where extensions lie, and say how it is let run. Nothing of it runs before that. What lies \
             there in another version is left as it is, and the exit code is 1.",
        )
        .after_help("Example:\n  zhongshu harness extensions add supervisor")
        .arg(
            Arg::new("name")
                .value_name("NAME")
                .required(true)
                .help("Which: supervisor, which explains changes of files that wait, and names sessions"),
        )
        .arg(
            Arg::new("folder")
                .long("folder")
                .value_name("PATH")
                .value_parser(value_parser!(PathBuf))
                .help("A folder of harness.extensions.folders [default: agents/ of the repository]"),
        )
}

fn conformance() -> Command {
    Command::new("conformance")
        .about("Try an extension without a server and say what is wrong with it")
        .long_about(
            "Try an extension without a server and say what is wrong with it. This RUNS ITS PROGRAM as you, several times, with copies of its \
             files and made events; nothing of what it asks for is done. Look at what is in the folder first. Exit 1 when it would not work here.",
        )
        .after_help("Example:\n  zhongshu harness conformance agents/greeter")
        .arg(
            Arg::new("path")
                .value_name("PATH")
                .required(true)
                .value_parser(value_parser!(PathBuf))
                .help("Its folder, with extension.manifest.json"),
        )
}

fn profile() -> Command {
    let name = || {
        Arg::new("name")
            .value_name("NAME")
            .required(true)
            .help("Its name")
    };
    let add = Command::new("add")
        .about("Keep the address of a server and a token for it, which is read from standard input")
        .after_help(
            "Example:\n  zhongshu token create laptop --scope harness | zhongshu harness profile add laptop --url http://127.0.0.1:6211\n\n\
             A token is sent to this machine only. Forward a port for a server on another one: ssh -L 6211:127.0.0.1:6211 HOST",
        )
        .arg(name())
        .arg(
            Arg::new("url")
                .long("url")
                .value_name("URL")
                .required(true)
                .help("Its address, such as http://127.0.0.1:6211"),
        )
        .arg(
            Arg::new("prefix")
                .long("prefix")
                .value_name("PREFIX")
                .default_value(crate::web::harness::PREFIX)
                .help("Where the harness is on that server"),
        )
        .arg(
            Arg::new("token-file")
                .long("token-file")
                .value_name("FILE")
                .value_parser(value_parser!(PathBuf))
                .help("Read the token from here"),
        );
    let list = Command::new("list").about("Show names and addresses, never a token");
    let remove = Command::new("remove")
        .about("Forget an address and its token")
        .arg(name());
    Command::new("profile")
        .about("Servers that `--profile NAME` reaches")
        .subcommand_required(true)
        .arg_required_else_help(true)
        .subcommands([add, list, remove])
}

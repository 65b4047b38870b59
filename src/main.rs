//! Temporary.
use std::path::PathBuf;
fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    match args.first().map(String::as_str) {
        Some("terminal") => {
            let spec = codex_terminal::spec::Spec::read(&PathBuf::from(&args[2])).expect("spec");
            codex_terminal::run(spec).expect("run");
        }
        Some("mcp") => zhongshu::mcp::run(&PathBuf::from(&args[2])).expect("mcp"),
        Some("demo-agent") => zhongshu::demo::agent::run(&PathBuf::from(&args[1])).expect("agent"),
        _ => {
            tracing_subscriber::fmt().with_writer(std::io::stderr).init();
            let rt = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("rt");
            rt.block_on(async {
                let flags = zhongshu::config::Flags { port: Some(0), state_dir: args.first().map(PathBuf::from), json: true, ..Default::default() };
                let cwd = std::env::current_dir().expect("cwd");
                let config = match zhongshu::config::Config::load(&flags, &cwd, zhongshu::paths::Environment::of_process()) { Ok(c) => c, Err(e) => { eprintln!("{e}"); std::process::exit(2) } };
                match zhongshu::server::start(config).await {
                    Ok(server) => { println!("{}", server.login_url()); server.run().await.expect("run"); }
                    Err(error) => { eprintln!("{error}"); std::process::exit(1); }
                }
            });
        }
    }
}

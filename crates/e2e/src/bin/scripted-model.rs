//! The scripted model by hand: `scripted-model [--port N]` serves it until it is interrupted.

use std::process::ExitCode;

use moorline_e2e::ScriptedModel;

#[tokio::main]
async fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let port = match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [] => Some(0),
        ["--port", port] => port.parse().ok(),
        _ => None,
    };
    let Some(port) = port else {
        eprintln!("scripted-model takes --port N and nothing else");
        return ExitCode::from(2);
    };
    let model = match ScriptedModel::start(port, |request| eprintln!("{request}")).await {
        Ok(model) => model,
        Err(error) => {
            eprintln!("port {port} cannot be listened on: {error}");
            return ExitCode::FAILURE;
        }
    };
    println!("# The script: `edit FILE`, `run COMMAND`, `slow N`, or anything else. Start the agent with");
    for (name, value) in model.environment() {
        println!("export {name}={value}");
    }
    std::future::pending().await
}

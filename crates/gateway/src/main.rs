//! The gateway's binary.

use std::{
    io::{self, IsTerminal as _, Write as _},
    process::ExitCode,
};

use clap::Parser as _;
use moorline_gateway::{
    StartError,
    agent::preset_list,
    demo,
    options::{Command, CommandLine, Options, sentence},
    send::{SendOptions, send},
    start,
    store::{BackupError, backup, restore},
};
use rustix::process::Signal;
use tokio::signal::unix::{SignalKind, signal};
use tracing_subscriber::EnvFilter;

fn main() -> ExitCode {
    let line = match CommandLine::try_parse() {
        Ok(line) => line,
        Err(error) if error.use_stderr() => {
            eprintln!("{}", sentence(&error));
            return ExitCode::from(2);
        }
        Err(help) => {
            print!("{help}");
            return ExitCode::SUCCESS;
        }
    };
    match line.command {
        Command::Serve(options) => serve(&options),
        Command::Backup(copy) => finish(backup(&copy.data, &copy.file)),
        Command::Restore(copy) => finish(restore(&copy.data, &copy.file)),
        Command::Send(options) => deliver(options),
        Command::Agents => {
            print!("{}", preset_list());
            ExitCode::SUCCESS
        }
        Command::DemoAgent { options } => demo::run(options),
    }
}

fn finish(done: Result<(), BackupError>) -> ExitCode {
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn deliver(options: SendOptions) -> ExitCode {
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("cannot start: {error}");
            return ExitCode::FAILURE;
        }
    };
    match runtime.block_on(send(options)) {
        Ok(said) => {
            // A closed stdout does not undo what was sent.
            let _ = write!(io::stdout(), "{said}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("{error}");
            ExitCode::from(&error)
        }
    }
}

fn serve(options: &Options) -> ExitCode {
    if let Err(error) = options.check() {
        eprintln!("{error}");
        return ExitCode::from(2);
    }
    tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::new(&options.log))
        .with_writer(io::stderr)
        .with_ansi(io::stderr().is_terminal())
        .init();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("cannot start threads: {error}");
            return ExitCode::FAILURE;
        }
    };
    match runtime.block_on(run(options)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            if matches!(error, StartError::Option(_)) { ExitCode::from(2) } else { ExitCode::FAILURE }
        }
    }
}

/// Serves until a signal comes, then drains.
async fn run(options: &Options) -> Result<(), StartError> {
    let mut terminated = signal(SignalKind::terminate()).map_err(StartError::Thread)?;
    let mut interrupted = signal(SignalKind::interrupt()).map_err(StartError::Thread)?;
    // A limit on the size of files is to be a failed write, like a full disk, and not the end.
    let _too_large = signal(SignalKind::from_raw(Signal::XFSZ.as_raw())).map_err(StartError::Thread)?;
    let own_binary = std::env::current_exe().map_err(StartError::Thread)?;
    let gateway = start(options, own_binary).await?;
    // A closed stdout is no reason to stop: the link also stands in the data folder's token file.
    let _ = writeln!(io::stdout(), "{}", gateway.link());
    tokio::select! {
        _ = terminated.recv() => {}
        _ = interrupted.recv() => {}
    }
    tracing::info!("stopping");
    gateway.drain().await;
    Ok(())
}

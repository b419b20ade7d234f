//! The session with curl of `docs/protocol.md`, run as it stands there.

use std::process::Stdio;

use tokio::{process::Command, time::timeout};

use crate::world::{DEADLINE, TOKEN, World};

const PAGE: &str = include_str!("../../../../docs/protocol.md");

/// A command of the page and what it prints, `…` standing for anything.
struct Step {
    line: usize,
    command: String,
    prints: Vec<&'static str>,
}

/// The page's session, over all its blocks.
fn session() -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    let mut is_inside = false;
    for (index, line) in PAGE.lines().enumerate() {
        match (is_inside, line) {
            (_, "```console session") => is_inside = true,
            (_, "```") => is_inside = false,
            (true, line) => match (line.strip_prefix("$ "), steps.last_mut()) {
                (Some(command), _) => steps.push(Step { line: index + 1, command: command.to_owned(), prints: Vec::new() }),
                (None, Some(step)) => step.prints.push(line),
                (None, None) => panic!("docs/protocol.md:{}: a session begins with a command", index + 1),
            },
            (false, _) => {}
        }
    }
    steps
}

/// Runs commands in one shell; what each printed.
async fn run(world: &World, steps: &[Step]) -> Vec<String> {
    const MARK: &str = "---- step ----";
    let folder = tempfile::tempdir().unwrap();
    let commands: Vec<String> = steps.iter().map(|step| format!("echo '{MARK}'\n{}\n", step.command)).collect();
    let mut shell = Command::new("bash");
    shell.args(["-c", &format!("exec 2>&1\n{}", commands.concat())]).current_dir(&folder);
    shell.env("GATEWAY", world.url("")).env("TOKEN", TOKEN).env("LC_ALL", "C").stdin(Stdio::null()).kill_on_drop(true);
    let printed = folder.path().join("printed.txt");
    shell.stdout(std::fs::File::create(&printed).unwrap());
    let running = shell.spawn().expect("bash");
    let end = timeout(DEADLINE, running.wait_with_output()).await;
    let text = std::fs::read_to_string(printed).unwrap();
    assert!(end.is_ok(), "the session does not end:\n{text}");
    let printed: Vec<String> = text.split(&format!("{MARK}\n")).skip(1).map(str::to_owned).collect();
    assert_eq!(printed.len(), steps.len(), "{text}");
    printed
}

/// Whether a line is what the page says.
fn is_as_said(line: &str, said: &str) -> bool {
    let mut parts = said.split('…');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = line.strip_prefix(first) else { return false };
    let mut parts: Vec<&str> = parts.collect();
    let Some(last) = parts.pop() else { return rest.is_empty() };
    for part in parts {
        let Some((_, behind)) = rest.split_once(part) else { return false };
        rest = behind;
    }
    rest.ends_with(last)
}

#[tokio::test]
async fn the_session_of_the_page_prints_what_the_page_says() {
    let steps = session();
    assert!(steps.len() > 30, "{}", steps.len());
    let world = World::start(&[]).await;
    let printed = run(&world, &steps).await;
    for (step, printed) in steps.iter().zip(printed) {
        let lines: Vec<&str> = printed.lines().collect();
        let is_same = lines.len() == step.prints.len() && lines.iter().zip(&step.prints).all(|(line, said)| is_as_said(line, said));
        assert!(is_same, "docs/protocol.md:{}: {}\nprinted\n{printed}\nand not\n{}", step.line, step.command, step.prints.join("\n"));
    }
}

#[test]
fn a_line_is_held_against_the_page_in_full() {
    for (line, said, expected) in [
        ("204", "204", true),
        ("204 ", "204", false),
        ("404", "204", false),
        (r#"{"seq":12} 200"#, r#"{"seq":…} 200"#, true),
        (r#"{"seq":12} 404"#, r#"{"seq":…} 200"#, false),
        ("a:b:c", "a:…:…", true),
        ("a:b", "a:…:…", false),
    ] {
        assert_eq!(is_as_said(line, said), expected, "{line} as {said}");
    }
}

//! The command line: words to a task.

use crate::failure::{Failure, Outcome};

/// What to say when asked, or when nothing was asked for.
pub(crate) const USAGE: &str = "\
Moorline's own commands. Each first sets up what it needs and is missing.

  cargo xtask run [gateway options]       build everything, start the gateway with the demo agent, print one link
  cargo xtask test [part…] [options]      run every test, or the parts native, wasm, e2e, simulation
      --seeds N --from S                  seeds of the simulation (default 20000 from 0)
      -- ARGS                             further arguments for `cargo test` (one part only)
  cargo xtask test agents [name…]         get real agents from npm and run whole turns with them against a scripted
                                          model: qwen and gemini, or those named, claude and opencode among them
  cargo xtask fuzz [target…] [options]    throw at every decoder what nobody meant to send
      --executions N --from SEED          inputs for each target (default 100000 from 0)
  cargo xtask bench [figure…]             print the figures, or those of size, page, gateway, million, stalled, flood; fails
                                          above the ceiling of the first load
      --peers                             the gateway's beside those of other servers, which are installed first
  cargo xtask lint                        formatting, clippy and rustdoc, for both targets
  cargo xtask dist                        put the client and the gateway into target/dist
  cargo xtask setup                       get everything the other commands need";

/// Seeds that the simulation runs when nothing else is asked for.
const DEFAULT_SEEDS: u64 = 20_000;

/// One of the project's commands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Task {
    /// Build everything and start the gateway with these further options.
    Run(Vec<String>),
    /// Run tests.
    Test(TestPlan),
    /// Run the tests of these real agents, which no other task runs.
    TestAgents(AgentPlan),
    /// Run the fuzzer with these words of its own.
    Fuzz(Vec<String>),
    /// Print figures.
    Bench(BenchPlan),
    /// Check formatting, lints and documentation.
    Lint,
    /// Gather what is shipped.
    Dist,
    /// Get everything that any task needs.
    Setup,
    /// Print the usage.
    Help,
}

/// Which tests to run, and how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TestPlan {
    /// The parts, in the order in which they run.
    pub(crate) parts: Vec<Part>,
    /// The seeds of the simulation.
    pub(crate) seeds: Seeds,
    /// Further arguments for `cargo test`.
    pub(crate) arguments: Vec<String>,
}

impl TestPlan {
    /// Whether this is every test there is, unfiltered.
    pub(crate) fn is_full(&self) -> bool {
        self.parts == Part::ALL
    }
}

/// Which real agents to test, and how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct AgentPlan {
    /// In the order in which they are listed.
    pub(crate) agents: Vec<RealAgent>,
    /// Further arguments for the tests.
    pub(crate) arguments: Vec<String>,
}

/// An agent that npm has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RealAgent {
    /// Qwen Code.
    Qwen,
    /// Gemini CLI.
    Gemini,
    /// Claude Code.
    Claude,
    /// OpenCode.
    OpenCode,
}

impl RealAgent {
    /// Each of them.
    pub(crate) const ALL: [Self; 4] = [Self::Qwen, Self::Gemini, Self::Claude, Self::OpenCode];
    /// The smallest two.
    const DEFAULT: [Self; 2] = [Self::Qwen, Self::Gemini];

    /// Its word on the command line, and the gateway's name for it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Qwen => "qwen",
            Self::Gemini => "gemini",
            Self::Claude => "claude",
            Self::OpenCode => "opencode",
        }
    }
}

/// A range of seeds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Seeds {
    /// The first one.
    pub(crate) from: u64,
    /// How many.
    pub(crate) count: u64,
}

/// One kind of tests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    /// Every crate but the client and the end-to-end tests, on this machine.
    Native,
    /// The client's tests in a headless browser.
    Wasm,
    /// The simulation and its broken variants.
    Simulation,
    /// The real gateway and a real browser.
    EndToEnd,
}

impl Part {
    const ALL: [Self; 4] = [Self::Native, Self::Wasm, Self::Simulation, Self::EndToEnd];

    /// Its word on the command line.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Native => "native",
            Self::Wasm => "wasm",
            Self::Simulation => "simulation",
            Self::EndToEnd => "e2e",
        }
    }
}

/// Which figures to take.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct BenchPlan {
    /// In the order in which they are taken.
    pub(crate) figures: Vec<Figure>,
    /// Whether the gateway stands alone.
    pub(crate) company: Company,
}

/// Who is measured beside the gateway.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Company {
    /// Nobody.
    None,
    /// Other servers that do a part of what it does.
    Peers,
}

/// One group of figures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Figure {
    /// The first load.
    Size,
    /// Events into the page.
    Page,
    /// Appends and delivery.
    Gateway,
    /// A journal of a million events.
    Million,
    /// One reader that stops, beside others.
    Stalled,
    /// One session whose agent floods, beside others.
    Flood,
}

impl Figure {
    const ALL: [Self; 6] = [Self::Size, Self::Page, Self::Gateway, Self::Million, Self::Stalled, Self::Flood];

    /// Its word on the command line.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Size => "size",
            Self::Page => "page",
            Self::Gateway => "gateway",
            Self::Million => "million",
            Self::Stalled => "stalled",
            Self::Flood => "flood",
        }
    }
}

/// Reads the words after `cargo xtask`.
///
/// # Errors
///
/// When a word is not known; the sentence names it.
pub(crate) fn parse(words: impl IntoIterator<Item = String>) -> Outcome<Task> {
    let mut words = words.into_iter();
    let Some(task) = words.next() else {
        return Ok(Task::Help);
    };
    let rest: Vec<String> = words.collect();
    match task.as_str() {
        "run" => Ok(Task::Run(rest)),
        "test" if rest.first().is_some_and(|word| word == "agents") => parse_test_agents(&rest[1..]).map(Task::TestAgents),
        "test" => parse_test(rest).map(Task::Test),
        "fuzz" => Ok(Task::Fuzz(rest)),
        "bench" => parse_bench(rest).map(Task::Bench),
        "lint" => nothing_more(&rest, Task::Lint),
        "dist" => nothing_more(&rest, Task::Dist),
        "setup" => nothing_more(&rest, Task::Setup),
        "help" | "--help" | "-h" => Ok(Task::Help),
        other => Err(Failure::new(format!("there is no task {other}; `cargo xtask help` lists them"))),
    }
}

fn parse_bench(mut words: Vec<String>) -> Outcome<BenchPlan> {
    let all = words.len();
    words.retain(|word| word != "--peers");
    let company = if words.len() < all { Company::Peers } else { Company::None };
    let figures = choose(&Figure::ALL, Figure::name, &words)?;
    if company == Company::Peers && !figures.contains(&Figure::Gateway) {
        return Err(Failure::new("--peers goes with the gateway's figures"));
    }
    Ok(BenchPlan { figures, company })
}

fn parse_test(words: Vec<String>) -> Outcome<TestPlan> {
    let mut seeds = Seeds { from: 0, count: DEFAULT_SEEDS };
    let mut parts = Vec::new();
    let mut arguments = Vec::new();
    let mut words = words.into_iter();
    while let Some(word) = words.next() {
        match word.as_str() {
            "--seeds" => seeds.count = number("--seeds", words.next())?,
            "--from" => seeds.from = number("--from", words.next())?,
            "--" => arguments.extend(words.by_ref()),
            _ => parts.push(word),
        }
    }
    let plan = TestPlan { parts: choose(&Part::ALL, Part::name, &parts)?, seeds, arguments };
    if !plan.arguments.is_empty() && plan.parts.len() != 1 {
        return Err(Failure::new("arguments after -- go with exactly one part of the tests"));
    }
    Ok(plan)
}

fn parse_test_agents(words: &[String]) -> Outcome<AgentPlan> {
    let (names, arguments) = match words.iter().position(|word| word == "--") {
        Some(at) => (&words[..at], &words[at + 1..]),
        None => (words, &[][..]),
    };
    let agents = if names.is_empty() { RealAgent::DEFAULT.to_vec() } else { choose(&RealAgent::ALL, RealAgent::name, names)? };
    Ok(AgentPlan { agents, arguments: arguments.to_vec() })
}

/// The choices that the words name, in their usual order; all of them when there is no word.
fn choose<T: Copy>(all: &[T], name: impl Fn(T) -> &'static str, words: &[String]) -> Outcome<Vec<T>> {
    let known = || all.iter().map(|choice| name(*choice)).collect::<Vec<_>>().join(", ");
    if let Some(word) = words.iter().find(|word| all.iter().all(|choice| name(*choice) != *word)) {
        return Err(Failure::new(format!("{word} is none of {}", known())));
    }
    let chosen = |choice: &T| words.is_empty() || words.iter().any(|word| name(*choice) == word);
    Ok(all.iter().copied().filter(chosen).collect())
}

fn number(option: &str, value: Option<String>) -> Outcome<u64> {
    value.and_then(|value| value.parse().ok()).ok_or_else(|| Failure::new(format!("{option} takes a whole number")))
}

fn nothing_more(rest: &[String], task: Task) -> Outcome<Task> {
    match rest.first() {
        None => Ok(task),
        Some(word) => Err(Failure::new(format!("{word} is one word too many"))),
    }
}

#[cfg(test)]
mod tests {
    use super::{AgentPlan, BenchPlan, Company, Figure, Part, RealAgent, Seeds, Task, TestPlan, parse};
    use crate::failure::Outcome;

    fn parsed(line: &str) -> Outcome<Task> {
        parse(line.split_whitespace().map(str::to_owned))
    }

    #[test]
    fn test_without_a_part_means_every_part() {
        let expected = TestPlan { parts: Part::ALL.to_vec(), seeds: Seeds { from: 0, count: 20_000 }, arguments: vec![] };
        assert!(expected.is_full());
        assert_eq!(parsed("test"), Ok(Task::Test(expected)));
    }

    #[test]
    fn seeds_and_parts_may_stand_in_any_order() {
        let expected = TestPlan { parts: vec![Part::Simulation], seeds: Seeds { from: 7, count: 9 }, arguments: vec![] };
        assert_eq!(parsed("test --from 7 simulation --seeds 9"), Ok(Task::Test(expected)));
    }

    #[test]
    fn arguments_for_cargo_test_need_one_part() {
        let Ok(Task::Test(plan)) = parsed("test e2e -- cut_points --nocapture") else {
            panic!("the line is valid");
        };
        assert_eq!(plan.arguments, ["cut_points", "--nocapture"]);
        assert!(parsed("test -- cut_points").is_err());
    }

    #[test]
    fn real_agents_are_tested_by_name_and_by_no_other_task() {
        let plan = |agents: &[RealAgent], arguments: &[&str]| {
            let arguments = arguments.iter().map(|word| (*word).to_owned()).collect();
            Ok(Task::TestAgents(AgentPlan { agents: agents.to_vec(), arguments }))
        };
        assert_eq!(parsed("test agents"), plan(&[RealAgent::Qwen, RealAgent::Gemini], &[]));
        assert_eq!(parsed("test agents opencode -- cuts"), plan(&[RealAgent::OpenCode], &["cuts"]));
        assert!(parsed("test agents nobody").is_err() && parsed("test native agents").is_err());
    }

    #[test]
    fn the_gateway_is_measured_in_company_when_asked() {
        let expected = BenchPlan { figures: vec![Figure::Gateway], company: Company::Peers };
        assert_eq!(parsed("bench gateway --peers"), Ok(Task::Bench(expected)));
    }

    #[test]
    fn run_passes_everything_on_and_the_others_refuse_what_they_do_not_know() {
        let options = vec!["--agent".to_owned(), "acp:agent".to_owned()];
        assert_eq!(parsed("run --agent acp:agent"), Ok(Task::Run(options)));
        assert_eq!(parsed("fuzz --from 7"), Ok(Task::Fuzz(vec!["--from".to_owned(), "7".to_owned()])));
        assert_eq!(parsed("bench size"), Ok(Task::Bench(BenchPlan { figures: vec![Figure::Size], company: Company::None })));
        for line in ["ran", "dist now", "bench speed", "bench --peers size", "test nativ", "test --seeds many", "test --seeds"] {
            assert!(parsed(line).is_err(), "{line}");
        }
    }
}

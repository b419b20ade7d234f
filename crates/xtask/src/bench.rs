//! `cargo xtask bench`: the project's figures.

use crate::arguments::{BenchPlan, Company, Figure};
use crate::compression::FIRST_LOAD_CEILING_BYTES;
use crate::failure::{Failure, Outcome};
use crate::process;
use crate::product;
use crate::setup::{Browser, ClientTools, Peers};
use crate::step;
use crate::test;
use crate::workspace::Workspace;

/// Prints figures. The ceiling of the first load is checked; the others depend on the machine.
///
/// # Errors
///
/// When the first load is above its ceiling, or a measurement cannot be made.
pub(crate) fn bench(workspace: &Workspace, plan: &BenchPlan) -> Outcome {
    let is_wanted = |figure| plan.figures.contains(&figure);
    let browser = if is_wanted(Figure::Page) { Some(Browser::ensure()?) } else { None };
    if is_wanted(Figure::Size) || is_wanted(Figure::Page) {
        product::client(workspace, &ClientTools::ensure(workspace)?)?;
    }
    let peers = if plan.company == Company::Peers { Some(Peers::ensure(workspace)?) } else { None };
    let measured: Vec<Figure> = plan.figures.iter().copied().filter(|figure| *figure != Figure::Size).collect();
    let gateway = if measured.is_empty() { None } else { Some(product::gateway(workspace)?) };
    if is_wanted(Figure::Size) {
        step::run("bench size", || check_first_load(product::print_first_load(workspace)?))?;
    }
    for figure in measured {
        step::run(&format!("bench {}", figure.name()), || {
            let mut command = process::cargo();
            command.current_dir(&workspace.root).args([
                "run",
                "--release",
                "--package",
                "moorline-e2e",
                "--bin",
                "bench",
                "--",
                figure.name(),
            ]);
            if let Some(gateway) = &gateway {
                test::tell_products(&mut command, workspace, gateway);
            }
            if let Some(browser) = &browser {
                command.env("CHROMEDRIVER", &browser.driver);
            }
            if let Some(peers) = &peers {
                command.env("MOORLINE_BENCH_DURABLE_STREAMS", &peers.durable_streams).env("MOORLINE_BENCH_SOCKET_IO", &peers.socket_io);
            }
            process::run(&mut command)
        })?;
    }
    Ok(())
}

fn check_first_load(bytes: u64) -> Outcome {
    if bytes <= FIRST_LOAD_CEILING_BYTES {
        return Ok(());
    }
    Err(Failure::new(format!("the first load is {bytes} bytes of brotli, {} above its ceiling", bytes - FIRST_LOAD_CEILING_BYTES)))
}

#[cfg(test)]
mod tests {
    use super::check_first_load;

    #[test]
    fn the_ceiling_itself_passes_and_one_byte_more_does_not() {
        assert!(check_first_load(307_200).is_ok());
        assert!(check_first_load(307_201).is_err());
    }
}

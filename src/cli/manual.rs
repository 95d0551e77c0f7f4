//! What is made of the command tree itself: completions for a shell, and pages for `man`.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Command, CommandFactory};
use clap_complete::Shell;
use color_eyre::Result;
use color_eyre::eyre::WrapErr;

use super::Arguments;
use super::output::{StdoutError, talk};

#[derive(Debug, clap::Args)]
pub(super) struct CompletionsArgs {
    /// The shell to complete for.
    shell: Shell,
}

impl CompletionsArgs {
    pub(super) fn run(&self) -> Result<ExitCode> {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut Arguments::command(), "blastdeck", &mut script);
        write_out(&script)
    }
}

#[derive(Debug, clap::Args)]
pub(super) struct ManArgs {
    /// Write a page for each command into this directory.
    #[arg(long, value_name = "DIR")]
    to: Option<PathBuf>,
}

impl ManArgs {
    pub(super) fn run(&self) -> Result<ExitCode> {
        let Some(directory) = &self.to else {
            let mut page = Vec::new();
            clap_mangen::Man::new(on_paper(whole_tree())).render(&mut page)?;
            return write_out(&page);
        };
        let written = write_pages(directory).wrap_err_with(|| format!("{} cannot be written", directory.display()))?;
        talk(&format!("{written} pages written into {}: `man -l` shows one", directory.display()));
        Ok(ExitCode::SUCCESS)
    }
}

/// With the global options at each command, and the names by which `man` knows them.
fn whole_tree() -> Command {
    let mut tree = Arguments::command();
    tree.build();
    tree
}

/// A command without what its help says about other kinds of help on a screen.
fn on_paper(command: Command) -> Command {
    command.mut_args(|arg| if arg.get_id() == "help" { arg.help("Print help").long_help("Print help") } else { arg })
}

/// A page for each command that is not hidden, named as `man` looks for them: `blastdeck-blast-send.1`. Returns how many.
fn write_pages(directory: &Path) -> std::io::Result<usize> {
    std::fs::create_dir_all(directory)?;
    let mut waiting = vec![(whole_tree(), "blastdeck".to_owned())];
    let mut written = 0;
    while let Some((command, name)) = waiting.pop() {
        let verbs = command.get_subcommands().filter(|verb| !verb.is_hide_set() && verb.get_name() != "help");
        waiting.extend(verbs.map(|verb| (verb.clone(), format!("{name}-{}", verb.get_name()))));
        let mut page = Vec::new();
        clap_mangen::Man::new(on_paper(command)).title(&name).render(&mut page)?;
        std::fs::write(directory.join(format!("{name}.1")), page)?;
        written += 1;
    }
    Ok(written)
}

fn write_out(bytes: &[u8]) -> Result<ExitCode> {
    let mut out = std::io::stdout().lock();
    out.write_all(bytes).and_then(|()| out.flush()).wrap_err(StdoutError)?;
    Ok(ExitCode::SUCCESS)
}

#[cfg(test)]
mod tests {
    use super::{CommandFactory, write_pages};
    use crate::cli::Arguments;

    #[test]
    fn every_command_has_a_page() {
        let home = tempfile::tempdir().unwrap();

        let written = write_pages(home.path()).unwrap();

        let page = std::fs::read_to_string(home.path().join("blastdeck-blast-send.1")).unwrap();
        assert!(page.contains("blastdeck blast send") && page.contains("Start no standby"), "{page}");
        assert_eq!(std::fs::read_dir(home.path()).unwrap().count(), written);
        assert!(!home.path().join("blastdeck-guard-postgres.1").exists());
        let pages = std::fs::read_dir(home.path()).unwrap().map(|page| std::fs::read_to_string(page.unwrap().path()));
        assert!(pages.flatten().all(|page| !page.contains("see a summary")));
    }

    #[test]
    fn the_command_tree_is_sound() {
        Arguments::command().debug_assert();
    }
}

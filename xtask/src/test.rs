//! `cargo xtask test` and `cargo xtask lint`: which steps run, what became of each, and the table at the end.

use std::time::{Duration, Instant};

use anyhow::{Result, bail};

use crate::steps::{ALL, Passed, Step};
use crate::ui;
use crate::workspace::Workspace;

/// What became of a step.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Verdict {
    Passed(Passed),
    Failed,
    /// Never started, because this earlier step did not pass.
    NotRun {
        after: &'static str,
    },
}

struct Line {
    name: &'static str,
    elapsed: Duration,
    verdict: Verdict,
}

/// Runs the named steps and those that they need; all when none is named. With `fail_fast` nothing runs after a failure.
pub(crate) fn run(workspace: &Workspace, names: &[String], fail_fast: bool) -> Result<()> {
    let started = Instant::now();
    let mut lines: Vec<Line> = Vec::new();
    for step in selection(names) {
        let begun = Instant::now();
        let verdict = match obstacle(step, &lines, fail_fast) {
            Some(after) => Verdict::NotRun { after },
            None => attempt(workspace, step),
        };
        lines.push(Line { name: step.name, elapsed: begun.elapsed(), verdict });
    }
    eprint!("\n{}", table(&lines));
    let failed: Vec<_> = lines.iter().filter(|line| line.verdict == Verdict::Failed).map(|line| line.name).collect();
    let passed = lines.iter().filter(|line| matches!(line.verdict, Verdict::Passed(_))).count();
    ui::note(&format!("{} steps in {}", lines.len(), ui::seconds(started.elapsed())));
    // What a machine that reads the end of the output looks for.
    println!("{passed} passed, {} failed", failed.len());
    if failed.is_empty() {
        return Ok(());
    }
    bail!("repeat what failed with `cargo xtask test --only {}`", failed.join(" "))
}

fn attempt(workspace: &Workspace, step: &Step) -> Verdict {
    match ui::step(step.name, || (step.run)(workspace)) {
        Ok(passed) => Verdict::Passed(passed),
        Err(error) => {
            ui::error(&error);
            Verdict::Failed
        }
    }
}

/// The steps to run, in their order, with all that they need.
fn selection(names: &[String]) -> Vec<&'static Step> {
    let mut wanted: Vec<&str> = names.iter().map(String::as_str).collect();
    for step in ALL.iter().rev() {
        if wanted.contains(&step.name) {
            wanted.extend(step.needs);
        }
    }
    ALL.iter().filter(|step| names.is_empty() || wanted.contains(&step.name)).collect()
}

/// The earlier step because of which this one cannot run.
fn obstacle(step: &Step, lines: &[Line], fail_fast: bool) -> Option<&'static str> {
    let stopped = |line: &&Line| match line.verdict {
        Verdict::Passed(_) => false,
        Verdict::Failed => fail_fast || step.needs.contains(&line.name),
        Verdict::NotRun { .. } => step.needs.contains(&line.name),
    };
    lines.iter().find(stopped).map(|line| line.name)
}

fn table(lines: &[Line]) -> String {
    let width = lines.iter().map(|line| line.name.len()).max().unwrap_or(0);
    let row = |line: &Line| {
        let result = match &line.verdict {
            Verdict::Passed(Passed::Fully) => "ok".to_string(),
            Verdict::Passed(Passed::Except(what)) => format!("ok, BUT {what}"),
            Verdict::Failed => "FAILED".to_string(),
            Verdict::NotRun { after } => format!("not run, because {after} did not pass"),
        };
        format!("{:width$}  {:>12}  {result}\n", line.name, ui::seconds(line.elapsed))
    };
    lines.iter().map(row).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(steps: &[&Step]) -> Vec<&'static str> {
        steps.iter().map(|step| step.name).collect()
    }

    fn line(name: &'static str, seconds: u64, verdict: Verdict) -> Line {
        Line { name, elapsed: Duration::from_secs(seconds), verdict }
    }

    fn step(name: &str) -> &'static Step {
        ALL.iter().find(|step| step.name == name).unwrap()
    }

    #[test]
    fn a_step_brings_what_it_needs() {
        assert_eq!(names(&selection(&["types".into()])), ["guests", "wheel", "types"]);
        assert_eq!(names(&selection(&["format".into()])), ["format"]);
        assert_eq!(selection(&[]).len(), ALL.len());
    }

    #[test]
    fn a_failure_stops_only_what_needs_it() {
        let lines = [line("guests", 1, Verdict::Failed), line("wheel", 0, Verdict::NotRun { after: "guests" })];
        assert_eq!(obstacle(step("rust"), &lines, false), Some("guests"));
        assert_eq!(obstacle(step("pytest"), &lines, false), Some("wheel"));
        assert_eq!(obstacle(step("ruff"), &lines, false), None);
        assert_eq!(obstacle(step("ruff"), &lines, true), Some("guests"));
    }

    #[test]
    fn the_table_says_what_became_of_each_step() {
        let lines = [
            line("format", 2, Verdict::Passed(Passed::Fully)),
            line("deny", 12, Verdict::Passed(Passed::Except("advisories not checked".into()))),
            line("guests", 130, Verdict::Failed),
            line("wheel", 0, Verdict::NotRun { after: "guests" }),
        ];
        let expected = "\
format         2.0 s  ok
deny            12 s  ok, BUT advisories not checked
guests  2 min 10 s  FAILED
wheel          0.0 s  not run, because guests did not pass
";
        let squeeze = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
        assert_eq!(squeeze(&table(&lines)), squeeze(expected));
        assert!(table(&lines).lines().all(|row| row.find("  ").is_some()));
    }
}

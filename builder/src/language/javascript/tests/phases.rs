//! How long the phases take. Nothing is checked here: times belong to the machine.
//!
//! `cargo test --release -p hks-builder --lib javascript::tests::phases -- --ignored --nocapture`

use std::time::Instant;

use super::*;

fn median(name: &str, times: usize, mut work: impl FnMut()) {
    work();
    let mut taken: Vec<Duration> = Vec::new();
    for _ in 0..times {
        let started = Instant::now();
        work();
        taken.push(started.elapsed());
    }
    taken.sort_unstable();
    println!("{name:<52} p50 {:>9.3?}  max {:>9.3?}", taken[times / 2], taken[times - 1]);
}

/// Four lines a function.
fn typescript(lines: usize) -> String {
    let function = |n| {
        format!(
            "export function total{n}(list: readonly Item[], rate: number = {n}): number {{\n  const sum = list.reduce\
             ((a: number, i: Item): number => a + i.cents * i.count, 0);\n  return (sum as number) * rate;\n}}\n"
        )
    };
    let rest: String = (0..lines / 4).map(function).collect();
    format!(
        "interface Item {{ cents: number; count: number }}\n{rest}export const handler = (e: Item[]) => total1(e);\n"
    )
}

#[test]
#[ignore = "measures, and checks nothing"]
fn measure() {
    let text = typescript(200);
    median("strip 200 lines of TypeScript, no process", 200, || {
        built_without_tools(&[("handler.ts", &text)], "").ok();
    });
    let text = text + "enum More { A }\n";
    median("translate the same with an enum, no process", 200, || {
        built_without_tools(&[("handler.ts", &text)], "").ok();
    });
    let tools = toolchains();
    let files = [
        ("index.ts", "import { f } from './f';\nexport const handler = () => f();"),
        ("f.ts", "export const f = () => 1;"),
    ];
    median("bundle two files", 20, || {
        built_with(&tools, &files, "").ok();
    });
    let text = "import { z } from 'zod';\nexport const handler = (e) => z.string().parse(e);";
    median("install and bundle zod", 3, || {
        built_with(&tools, &[("index.js", text)], "packages: ['zod@4']").ok();
    });
}

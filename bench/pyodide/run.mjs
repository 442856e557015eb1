// CPython in Node.js by Pyodide.
//
// `node run.mjs once SCRIPT` runs the script read from the file once, with the event from stdin, and ends.
// `node run.mjs serve SCRIPT` loads Pyodide once and runs the script anew for every line of stdin.

import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { loadPyodide } from "pyodide";

const [mode, file] = process.argv.slice(2);
const source = readFileSync(file, "utf8");
const pyodide = await loadPyodide();

function run(event) {
  const globals = pyodide.toPy({ event_json: event });
  const value = pyodide.runPython(source, { globals });
  globals.destroy();
  return value;
}

if (mode === "once") {
  console.log(run(readFileSync(0, "utf8")));
} else {
  console.log(JSON.stringify({ version: pyodide.version }));
  for await (const line of createInterface({ input: process.stdin })) {
    console.log(run(line));
  }
}

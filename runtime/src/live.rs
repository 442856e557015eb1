//! An instance in its store: made from a snapshot, called, and taken a snapshot of between two calls.

use std::sync::Arc;

use hks_engine::{get_global, set_global};
use wasmtime::Store;
use wasmtime::component::{ComponentExportIndex, ComponentNamedList, Instance, Lift, Lower};

use crate::bindings::hks::function::types::Failure;
use crate::command;
use crate::host::Guest;
use crate::http::exchange::exchange;
use crate::http::{request, response};
use crate::prepared::{Entry, Prepared};
use crate::snapshot::{Snapshot, Ticket, with_ticket};

type GuestStore = Store<Guest>;

const NO_INTERPRETER: &str = "source text for what is no interpreter";

/// An instance. Its store is always passed along: whoever has it mutably knows that no guest runs.
pub(crate) struct Live {
    instance: Instance,
    prepared: Prepared,
    ticket: Option<Arc<Ticket>>,
}

/// What is asked of an instance.
#[derive(Clone, Copy)]
pub(crate) enum Request<'a> {
    /// The handler of a function that is there already.
    Handle { event: &'a str, context: &'a str },
    /// An interpreter: the handler of this source.
    Run { source: Source<'a>, event: &'a str, context: &'a str },
    /// An interpreter: the top level of this source.
    Load { source: Source<'a> },
}

/// Source text, and what the interpreter made of it before.
#[derive(Clone, Copy)]
pub(crate) struct Source<'a> {
    pub(crate) text: &'a str,
    pub(crate) compiled: Option<&'a [u8]>,
}

impl Live {
    /// Makes an instance of what is prepared.
    pub(crate) async fn start(store: &mut GuestStore, prepared: &Prepared) -> wasmtime::Result<Self> {
        let ticket = prepared.snapshot().map(Snapshot::ticket);
        let instantiation = prepared.instance().instantiate_async(&mut *store);
        let instance = with_ticket(ticket.as_ref(), instantiation).await?;
        let mut live = Self { instance, prepared: prepared.clone(), ticket };
        live.set_globals(store).await?;
        Ok(live)
    }

    /// What it is an instance of.
    pub(crate) fn prepared(&self) -> &Prepared {
        &self.prepared
    }

    /// Calls it. An error is a trap or the like, after which the instance must not be used any more.
    pub(crate) async fn call(
        &mut self,
        store: &mut GuestStore,
        request: Request<'_>,
    ) -> wasmtime::Result<Result<String, Failure>> {
        match (self.prepared.entry(), request) {
            (Entry::Function(handle), Request::Handle { event, context }) => {
                self.call_export(store, handle, (event, context)).await
            }
            (Entry::Interpreter(exports), Request::Handle { event, context }) => {
                self.call_export(store, exports.call, (event, context)).await
            }
            (Entry::Interpreter(exports), Request::Run { source, event, context }) => {
                self.call_export(store, exports.run, (source.text, source.compiled, event, context)).await
            }
            (Entry::Interpreter(exports), Request::Load { source }) => {
                let loaded: Result<(), Failure> =
                    self.call_export(store, exports.load, (source.text, source.compiled)).await?;
                Ok(loaded.map(|()| "null".into()))
            }
            (Entry::Http(handle), Request::Handle { event, .. }) => self.answer(store, handle, event).await,
            (Entry::Command(run), Request::Handle { .. }) => self.run(store, run).await,
            (Entry::Function(_) | Entry::Http(_) | Entry::Command(_), _) => wasmtime::bail!(NO_INTERPRETER),
        }
    }

    /// Has a server answer the request that `event` stands for.
    async fn answer(
        &mut self,
        store: &mut GuestStore,
        handle: ComponentExportIndex,
        event: &str,
    ) -> wasmtime::Result<Result<String, Failure>> {
        let request = match request::from_event(event) {
            Ok(request) => request,
            Err(failure) => {
                // Nothing has run in it.
                self.came_back();
                return Ok(Err(failure));
            }
        };
        let (method, bytes_max) = (request.method().clone(), store.data().output.value_bytes_max());
        let handle = self.instance.get_typed_func(&mut *store, handle)?;
        let take = async |response| response::into_value(response, &method, bytes_max).await;
        self.begins();
        let answer = exchange(store, &handle, request, take).await?;
        self.came_back();
        Ok(response::of_answer(answer))
    }

    /// Runs a command to its end. The event is its stdin.
    async fn run(
        &mut self,
        store: &mut GuestStore,
        run: ComponentExportIndex,
    ) -> wasmtime::Result<Result<String, Failure>> {
        let run = self.instance.get_typed_func::<(), (Result<(), ()>,)>(&mut *store, run)?;
        self.begins();
        let ended = run.call_async(&mut *store, ()).await.map(|(ended,)| ended);
        if command::ended_itself(&ended) {
            self.came_back();
        }
        let guest = store.data();
        command::result(ended, guest, guest.output.value_bytes_max())
    }

    /// What an interpreter makes of a source, to be handed to others of its kind.
    pub(crate) async fn compile(
        &mut self,
        store: &mut GuestStore,
        source: &str,
    ) -> wasmtime::Result<Result<Vec<u8>, Failure>> {
        match self.prepared.entry() {
            Entry::Interpreter(exports) => self.call_export(store, exports.compile, (source,)).await,
            Entry::Function(_) | Entry::Http(_) | Entry::Command(_) => wasmtime::bail!(NO_INTERPRETER),
        }
    }

    /// Takes a snapshot, from which other instances start where this one is now.
    ///
    /// # Errors
    /// Why there can be none, for people.
    pub(crate) async fn snapshot(&mut self, store: &mut GuestStore) -> Result<Snapshot, String> {
        let (Some(initial), Some(ticket)) = (self.prepared.snapshot().cloned(), self.ticket.clone()) else {
            return Err("what its memory begins with is not known beforehand".into());
        };
        if let [reason, ..] = self.prepared.unstorable() {
            return Err(reason.clone());
        }
        let held = store.data_mut().wasi.handles();
        if held > 0 {
            return Err(format!(
                "it holds {held} open {} (files, folders, streams or timers) after its top level; use paths and files in \
                 the handler instead",
                if held == 1 { "handle" } else { "handles" }
            ));
        }
        let globals = self.globals(store).await.map_err(|error| format!("its globals cannot be read: {error:#}"))?;
        initial.capture(&ticket, globals).map_err(|error| format!("its memory cannot be stored: {error}"))
    }

    async fn globals(&mut self, store: &mut GuestStore) -> wasmtime::Result<Vec<Vec<u64>>> {
        let counts = self.prepared.globals().to_vec();
        let mut globals = Vec::with_capacity(counts.len());
        for (module, count) in counts.into_iter().enumerate() {
            let get = self.instance.get_typed_func::<(u32,), (u64,)>(&mut *store, get_global(module))?;
            let mut values = Vec::with_capacity(count as usize);
            for index in 0..count {
                values.push(get.call_async(&mut *store, (index,)).await?.0);
            }
            globals.push(values);
        }
        Ok(globals)
    }

    /// Sets the globals that the snapshot names; an initial one names none.
    async fn set_globals(&mut self, store: &mut GuestStore) -> wasmtime::Result<()> {
        let Some(snapshot) = self.prepared.snapshot().cloned() else { return Ok(()) };
        for (module, values) in snapshot.globals().iter().enumerate() {
            let set = self.instance.get_typed_func::<(u32, u64), ()>(&mut *store, set_global(module))?;
            for (index, bits) in (0_u32..).zip(values) {
                set.call_async(&mut *store, (index, *bits)).await?;
            }
        }
        Ok(())
    }

    /// Calls an exported function, whose type was checked when the component was prepared.
    async fn call_export<P, R>(
        &mut self,
        store: &mut GuestStore,
        export: ComponentExportIndex,
        parameters: P,
    ) -> wasmtime::Result<R>
    where
        P: ComponentNamedList + Lower + Send + Sync,
        R: Lift + Send + Sync + 'static,
        (R,): ComponentNamedList + Lift,
    {
        self.begins();
        let function = self.instance.get_typed_func::<P, (R,)>(&mut *store, export)?;
        let (returned,) = function.call_async(&mut *store, parameters).await?;
        self.came_back();
        Ok(returned)
    }

    fn begins(&self) {
        if let Some(ticket) = &self.ticket {
            ticket.runs();
        }
    }

    /// Only a guest that came back by itself leaves memory that may serve another.
    fn came_back(&self) {
        if let Some(ticket) = &self.ticket {
            ticket.ended_well();
        }
    }
}

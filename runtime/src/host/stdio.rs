//! The standard streams of a guest: what is printed becomes lines of a log; what a command prints to stdout is kept instead,
//! up to the output limit, because it is its value.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use bytes::Bytes;
use hks_protocol::Stream;
use tokio::io::AsyncWrite;
use wasmtime_wasi::cli::{IsTerminal, StdoutStream};
use wasmtime_wasi::p2::pipe::MemoryInputPipe;
use wasmtime_wasi::p2::{OutputStream, Pollable, StreamError, StreamResult};

use crate::bounded::{Bounded, TooLarge};
use crate::host::Output;

/// What a guest may write before it must ask again.
const CHUNK_BYTES: usize = 64 << 10;

/// What a guest is started with as a program.
pub(crate) enum Program {
    /// Functions and servers: nothing to read, and what they print is logged.
    Silent,
    /// A command: it reads the event, and its stdout is kept.
    Command {
        /// Its only argument, by custom its name.
        name: String,
        stdin: Bytes,
        stdout: Kept,
    },
}

/// What a command has printed to stdout. Clones are the same.
#[derive(Clone)]
pub(crate) struct Kept(Arc<Mutex<Bounded>>);

impl Kept {
    pub(crate) fn new(bytes_max: u64) -> Self {
        Self(Arc::new(Mutex::new(Bounded::new(bytes_max))))
    }

    pub(crate) fn take(&self) -> Vec<u8> {
        self.lock().take()
    }

    fn lock(&self) -> MutexGuard<'_, Bounded> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Where a guest's stdout or stderr ends.
#[derive(Clone)]
pub(super) enum Sink {
    Log(Stream, Output),
    Kept(Kept),
}

impl Sink {
    fn write(&self, bytes: &[u8]) -> Result<(), TooLarge> {
        match self {
            Self::Log(stream, output) => output.write(*stream, bytes),
            Self::Kept(kept) => kept.lock().extend(bytes)?,
        }
        Ok(())
    }
}

impl IsTerminal for Sink {
    fn is_terminal(&self) -> bool {
        false
    }
}

impl StdoutStream for Sink {
    fn async_stream(&self) -> Box<dyn AsyncWrite + Send + Sync> {
        Box::new(self.clone())
    }

    fn p2_stream(&self) -> Box<dyn OutputStream> {
        Box::new(self.clone())
    }
}

impl OutputStream for Sink {
    /// What exceeds the output limit ends the command: it could not do anything about it.
    fn write(&mut self, bytes: Bytes) -> StreamResult<()> {
        Self::write(self, &bytes).map_err(|too_large| StreamError::Trap(too_large.into()))
    }

    fn flush(&mut self) -> StreamResult<()> {
        Ok(())
    }

    fn check_write(&mut self) -> StreamResult<usize> {
        Ok(CHUNK_BYTES)
    }
}

#[wasmtime_wasi::async_trait]
impl Pollable for Sink {
    async fn ready(&mut self) {}
}

impl AsyncWrite for Sink {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Poll::Ready(Self::write(&self, bytes).map(|()| bytes.len()).map_err(io::Error::other))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

/// What is read from stdin: these bytes, then the end.
pub(super) fn input(bytes: Bytes) -> MemoryInputPipe {
    MemoryInputPipe::new(bytes)
}

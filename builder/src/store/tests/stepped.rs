//! Runs operations one request at a time, so that a test decides what happens between any two of them, or that none follows.

use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::{Mutex, MutexGuard};
use std::task::{Context, Poll, Waker};

use async_trait::async_trait;
use futures_util::stream::BoxStream;
use object_store::{
    CopyOptions, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStoreExt, PutMultipartOptions,
    PutOptions, PutPayload, PutResult,
};

use super::*;

/// Lets requests through that were granted.
#[derive(Debug, Default)]
struct Gate(Mutex<(usize, Vec<Waker>)>);

impl Gate {
    fn lock(&self) -> MutexGuard<'_, (usize, Vec<Waker>)> {
        self.0.lock().unwrap()
    }

    async fn pass(&self) {
        poll_fn(|context| {
            let mut gate = self.lock();
            if gate.0 == 0 {
                gate.1.push(context.waker().clone());
                return Poll::Pending;
            }
            gate.0 -= 1;
            Poll::Ready(())
        })
        .await;
    }
}

/// The objects of somebody whose requests pass a gate.
#[derive(Debug)]
struct Stepped {
    inner: Arc<dyn ObjectStore>,
    gate: Arc<Gate>,
}

impl fmt::Display for Stepped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("stepped")
    }
}

#[async_trait]
impl ObjectStore for Stepped {
    async fn put_opts(
        &self,
        location: &Path,
        payload: PutPayload,
        options: PutOptions,
    ) -> object_store::Result<PutResult> {
        self.gate.pass().await;
        self.inner.put_opts(location, payload, options).await
    }

    async fn put_multipart_opts(
        &self,
        location: &Path,
        options: PutMultipartOptions,
    ) -> object_store::Result<Box<dyn MultipartUpload>> {
        self.gate.pass().await;
        self.inner.put_multipart_opts(location, options).await
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> object_store::Result<GetResult> {
        self.gate.pass().await;
        self.inner.get_opts(location, options).await
    }

    fn delete_stream(
        &self,
        locations: BoxStream<'static, object_store::Result<Path>>,
    ) -> BoxStream<'static, object_store::Result<Path>> {
        let (inner, gate) = (Arc::clone(&self.inner), Arc::clone(&self.gate));
        let delete = move |location: object_store::Result<Path>| {
            let (inner, gate) = (Arc::clone(&inner), Arc::clone(&gate));
            async move {
                gate.pass().await;
                let location = location?;
                inner.delete(&location).await.map(|()| location)
            }
        };
        locations.then(delete).boxed()
    }

    /// In two pages, between which something may happen.
    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, object_store::Result<ObjectMeta>> {
        let (inner, gate, prefix) = (Arc::clone(&self.inner), Arc::clone(&self.gate), prefix.cloned());
        let pages = async move {
            gate.pass().await;
            let mut first: Vec<ObjectMeta> = inner.list(prefix.as_ref()).try_collect().await?;
            first.sort_by(|a, b| a.location.cmp(&b.location));
            first.truncate(first.len() / 2);
            let Some(last) = first.last().map(|object| object.location.clone()) else {
                return inner.list(prefix.as_ref()).try_collect().await;
            };
            gate.pass().await;
            let rest: Vec<ObjectMeta> = inner.list_with_offset(prefix.as_ref(), &last).try_collect().await?;
            first.extend(rest);
            Ok(first)
        };
        stream::once(pages).map_ok(|page: Vec<ObjectMeta>| stream::iter(page.into_iter().map(Ok))).try_flatten().boxed()
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> object_store::Result<ListResult> {
        self.gate.pass().await;
        self.inner.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> object_store::Result<()> {
        self.gate.pass().await;
        self.inner.copy_opts(from, to, options).await
    }
}

/// Something that goes on until it is done, or is dropped, which is a crash.
pub(super) struct Task<T> {
    gate: Arc<Gate>,
    future: Pin<Box<dyn Future<Output = T>>>,
}

impl<T> Task<T> {
    /// `work` is given the store of `fixture` behind a gate.
    pub(super) fn new<F: Future<Output = T> + 'static>(fixture: &Fixture, work: impl FnOnce(Store) -> F) -> Self {
        let gate = Arc::new(Gate::default());
        let objects: Arc<dyn ObjectStore> = Arc::new(Stepped { inner: fixture.raw.clone(), gate: gate.clone() });
        let store = Store { objects: Objects::new(objects, "the store"), ..fixture.store.clone() };
        Self { gate, future: Box::pin(work(store)) }
    }

    /// One request at most.
    pub(super) fn step(&mut self) -> Poll<T> {
        let wakers = {
            let mut gate = self.gate.lock();
            gate.0 = 1;
            std::mem::take(&mut gate.1)
        };
        wakers.into_iter().for_each(Waker::wake);
        self.future.as_mut().poll(&mut Context::from_waker(Waker::noop()))
    }

    /// What came of it, unless it crashed before its request number `crash_after`.
    pub(super) fn run(mut self, crash_after: usize) -> Option<T> {
        for _ in 0..crash_after {
            if let Poll::Ready(result) = self.step() {
                return Some(result);
            }
        }
        None
    }
}

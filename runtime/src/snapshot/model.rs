//! Slots against plain vectors, for property tests and for fuzzing: bytes are read as a sequence of what can be done to
//! slots and snapshots, and after each step everything has to be what a `Vec<u8>` says.

use std::ops::Range;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use hks_engine::Digest;

use super::places::NewMemory;
use super::raw::{Memory, PageRun, Pagemap};
use super::runs::Run;
use super::slot::Slot;
use super::source::Overlay;
use super::*;

pub(super) const WASM_PAGE: usize = 65_536;
pub(super) const MINIMUM: usize = 4 * WASM_PAGE;
const BYTES_MAX: usize = 12 * WASM_PAGE;
const RESERVED: usize = 16 << 20;
const GUARD: usize = 1 << 20;
const LIVE_MAX: usize = 3;
const KNOWN_MAX: usize = 6;

/// Globals of the module that the model's snapshots are of.
pub(super) const GLOBALS: [u32; 2] = [1, 2];

/// What a start needs, without an engine.
pub(super) fn start(snapshot: &Snapshot) -> io::Result<Memory> {
    let (ticket, places) = (snapshot.ticket(), &snapshot.0.places);
    let new = with_ticket(Some(&ticket), async { places.memory(snapshot.0.minimum, RESERVED, GUARD) });
    match pin!(new).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(Ok(NewMemory::Slot(ticket))) => Ok(Memory(ticket)),
        Poll::Ready(Err(error)) => Err(error),
        Poll::Ready(Ok(NewMemory::Plain(_))) | Poll::Pending => unreachable!("the ticket was at hand"),
    }
}

/// An initial snapshot of pages of which some are zero, and its content.
pub(super) fn initial(places: &Arc<Places>, bytes: usize) -> (Snapshot, Vec<u8>) {
    let runs: Vec<Run> = (0..bytes / PAGE_BYTES / 8).map(|run| Run { first: run as u32 * 8 + 1, count: 5 }).collect();
    let mut content = vec![0; bytes];
    for run in &runs {
        for page in run.first..run.first + run.count {
            let start = page as usize * PAGE_BYTES;
            content[start..start + PAGE_BYTES].fill(page as u8 | 1);
        }
    }
    // As the engine has it, without the zeros at the end.
    let end = runs.last().map_or(0, |run| (run.first + run.count) as usize * PAGE_BYTES);
    let base = Base::of_bytes(bytes, &content[..end]).expect("memory for a file");
    let source = Source { id: places.next_id(), base: Arc::new(base), overlay: None, bytes };
    (Snapshot::new(places, source, Digest::of(b"model"), bytes, Vec::new()), content)
}

/// What this process may do with parts of `addresses`, by `/proc/self/maps`.
pub(super) fn permissions(addresses: Range<usize>) -> Vec<String> {
    let maps = std::fs::read_to_string("/proc/self/maps").expect("/proc is mounted");
    let number = |text: &str| usize::from_str_radix(text, 16).expect("an address");
    let found = maps.lines().filter_map(|line| {
        let (range, rest) = line.split_once(' ')?;
        let (start, end) = range.split_once('-')?;
        (number(start) < addresses.end && addresses.start < number(end)).then(|| rest[..4].to_owned())
    });
    found.collect()
}

/// How many pages the kernel says are a region's own.
pub(super) fn own_pages(slot: &mut Slot, pagemap: &Pagemap) -> usize {
    let size = slot.size();
    let mut found = [PageRun::default(); 64];
    let (mut at, mut own) = (0, 0);
    while at < size {
        let (count, walked) = slot.region().scan(pagemap, at..size, &mut found).expect("the kernel tells");
        own += found[..count].iter().filter(|run| !run.is_shared_zeros()).map(|run| run.pages().len()).sum::<usize>();
        at = walked;
    }
    own
}

/// Bytes as the file of a snapshot: as they are, behind a digest that is right, and as the numbers in a header.
pub(crate) fn read_file(bytes: &[u8]) {
    use super::file::{Header, MAGIC, read, write};

    let (snapshot, _) = initial(&Arc::new(Places::new(PlacesConfig::default())), MINIMUM);
    let resume = |file: &[u8]| {
        // What is accepted can be started, unless it is larger than what is reserved here.
        let Ok(read) = snapshot.read(file, &GLOBALS) else { return };
        if read.memory_bytes() <= RESERVED {
            let memory = start(&read).expect("it can be mapped");
            assert_eq!(memory.0.on_slot(|slot| slot.difference()).expect("it can be read"), None);
        }
        assert_eq!(snapshot.read(&read.to_bytes(), &GLOBALS).expect("written by us").to_bytes(), read.to_bytes());
    };
    let _ = read(bytes);
    let mut sealed = [&MAGIC[..], bytes].concat();
    sealed.extend_from_slice(Digest::of(&sealed).as_bytes());
    resume(&sealed);
    let mut numbers = bytes.chunks_exact(4).map(|four| u32::from_le_bytes([four[0], four[1], four[2], four[3]]));
    let mut next = || numbers.next().unwrap_or(0);
    let wasm_pages = u64::from(next() % 300);
    let runs: Vec<Run> = (0..next() % 8).map(|_| Run { first: next(), count: next() }).collect();
    let pages: usize = runs.iter().map(|run| run.count as usize % 100).sum();
    let globals = vec![vec![next().into(); next() as usize % 3]; next() as usize % 4];
    let memory_bytes = wasm_pages * WASM_PAGE as u64;
    let header = Header { component: snapshot.component().to_string(), memory_bytes, runs, globals };
    resume(&write(&header, &vec![next() as u8; pages * PAGE_BYTES]));
}

struct Known {
    snapshot: Snapshot,
    content: Vec<u8>,
}

struct Live {
    memory: Memory,
    /// Any snapshot of the same component.
    of: Snapshot,
    content: Vec<u8>,
}

/// Slots and snapshots, and what they have to be.
pub(crate) struct Model {
    places: Arc<Places>,
    config: PlacesConfig,
    pagemap: Option<Pagemap>,
    known: Vec<Known>,
    live: Vec<Live>,
}

impl Model {
    pub(crate) fn new(config: PlacesConfig) -> Self {
        let places = Arc::new(Places::new(config));
        let known = [MINIMUM, MINIMUM].map(|bytes| {
            let (snapshot, content) = initial(&places, bytes);
            Known { snapshot, content }
        });
        Self { places, config, pagemap: probe::pagemap().ok(), known: known.into(), live: Vec::new() }
    }

    /// Does what the bytes say, five for each step, and looks at everything after each.
    pub(crate) fn run(mut self, steps: &[u8]) {
        for step in steps.chunks_exact(5) {
            self.step([step[0], step[1], step[2], step[3], step[4]]);
            self.check();
        }
        let places = Arc::clone(&self.places);
        drop(self);
        assert_eq!(places.waiting(), (0, 0), "all is given back when nobody can start it any more");
    }

    fn step(&mut self, [step, which, a, b, c]: [u8; 5]) {
        let which = usize::from(which);
        if self.live.is_empty() || step % 16 >= 14 {
            return self.start(which);
        }
        let live = which % self.live.len();
        match step % 16 {
            0..=3 => self.live[live].write_some(a, b, c),
            4..=5 => self.live[live].write_pages(a, b, c),
            6 => self.live[live].read(a, b),
            7..=8 => self.live[live].grow(a),
            9..=10 => self.end(live, true),
            11 => self.end(live, a.is_multiple_of(2)),
            12 => self.capture(live, a),
            _ => self.forget_or_reload(which, a),
        }
    }

    fn start(&mut self, which: usize) {
        if self.live.len() == LIVE_MAX {
            self.end(which % LIVE_MAX, true);
        }
        let Known { snapshot, content } = &self.known[which % self.known.len()];
        let memory = start(snapshot).expect("there is memory");
        let live = Live { memory, of: snapshot.clone(), content: content.clone() };
        assert_eq!(live.memory.0.on_slot(|slot| slot.difference()).expect("it can be read"), None);
        live.check();
        let first = live.memory.0.pointer() as usize;
        let beyond = permissions(first + live.content.len()..first + RESERVED + GUARD);
        assert!(!beyond.is_empty() && beyond.iter().all(|may| may == "---p"), "{beyond:?}");
        self.live.push(live);
    }

    fn end(&mut self, live: usize, well: bool) {
        let Live { memory, of, .. } = self.live.swap_remove(live);
        drop(of);
        if well {
            memory.0.ended_well();
        }
        let discarded = self.places.stats().discarded;
        drop(memory);
        assert_eq!(self.places.stats().discarded - discarded, u64::from(!well));
    }

    fn capture(&mut self, live: usize, a: u8) {
        let Live { memory, of, content } = &self.live[live];
        let globals = vec![vec![a.into()], vec![1, 2]];
        let snapshot = of.capture(&memory.0, globals).expect("it can be captured");
        assert_eq!(snapshot.memory_bytes(), content.len());
        let content = content.clone();
        if self.known.len() == KNOWN_MAX {
            self.known.remove(usize::from(a) % KNOWN_MAX);
        }
        self.known.push(Known { snapshot, content });
    }

    fn forget_or_reload(&mut self, which: usize, a: u8) {
        let which = which % self.known.len();
        if a.is_multiple_of(3) && self.known.len() > 1 {
            self.known.remove(which);
            return;
        }
        let old = &mut self.known[which].snapshot;
        let bytes = old.to_bytes();
        let new = old.read(&bytes, &GLOBALS).expect("what was written can be read");
        assert_eq!((new.to_bytes(), new.globals()), (bytes, old.globals()));
        *old = new;
    }

    fn check(&self) {
        self.live.iter().for_each(Live::check);
        let stats = self.places.stats();
        assert_eq!(stats.differed, 0);
        assert!(stats.waiting <= self.config.waiting_max && stats.waiting_bytes <= self.config.waiting_bytes_max);
        let (mut slots, mut bytes) = (0, 0);
        self.places.on_waiting(|slot| {
            slots += 1;
            bytes += slot.own_bytes();
            let in_snapshot = slot.source().overlay.as_ref().map_or(0, Overlay::copied_bytes);
            assert!(slot.own_bytes() - in_snapshot <= self.config.kept_pages_max * PAGE_BYTES);
            if let Some(pagemap) = &self.pagemap {
                assert_eq!(own_pages(slot, pagemap) * PAGE_BYTES, slot.own_bytes(), "what the kernel counts");
            }
        });
        assert_eq!((slots, bytes), (stats.waiting, stats.waiting_bytes));
    }
}

impl Live {
    fn check(&self) {
        assert_eq!(self.memory.0.size(), self.content.len());
        self.memory.0.on_slot(|slot| {
            assert_eq!(slot.size(), self.content.len());
            let now = slot.region().read(0..self.content.len()).expect("it is mapped");
            if now != self.content {
                let page = now.chunks(PAGE_BYTES).zip(self.content.chunks(PAGE_BYTES)).position(|(a, b)| a != b);
                panic!("page {page:?} is not what it has to be");
            }
        });
    }

    fn page(&self, a: u8) -> usize {
        usize::from(a) * (self.content.len() / PAGE_BYTES) / 256
    }

    fn write(&mut self, at: usize, bytes: usize, value: u8) {
        let end = (at + bytes).min(self.content.len());
        self.content[at..end].fill(value);
        self.memory.0.on_slot(|slot| slot.region().write(at, &self.content[at..end]).expect("it is mapped"));
    }

    fn write_some(&mut self, a: u8, b: u8, c: u8) {
        self.write(self.page(a) * PAGE_BYTES + usize::from(b) * 16, 1 + usize::from(c) * 8, c);
    }

    fn write_pages(&mut self, a: u8, b: u8, c: u8) {
        self.write(self.page(a) * PAGE_BYTES, (1 + usize::from(b) % 80) * PAGE_BYTES, if c < 64 { 0 } else { c });
    }

    fn read(&self, a: u8, b: u8) {
        let start = self.page(a) * PAGE_BYTES;
        let end = (start + usize::from(b) * PAGE_BYTES).min(self.content.len());
        let read = |slot: &mut Slot| slot.region().read(start..end).map(|now| now == &self.content[start..end]);
        assert!(self.memory.0.on_slot(read).expect("it is mapped"));
    }

    fn grow(&mut self, a: u8) {
        let size = self.content.len() + usize::from(a % 4) * WASM_PAGE;
        if size <= BYTES_MAX {
            self.memory.0.grow_to(size).expect("there is room");
            self.content.resize(size, 0);
        }
        assert!(self.memory.0.grow_to(RESERVED + WASM_PAGE).is_err(), "more than is reserved");
    }
}

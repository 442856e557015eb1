//! Slots and snapshots on real memory, see [`super::model`].

use proptest::prelude::*;
use wasmtime::LinearMemory as _;

use super::file::{Header, read, write};
use super::model::{GLOBALS, MINIMUM, Model, WASM_PAGE, initial, own_pages, permissions, start};
use super::raw::{Memory, SealedFile};
use super::runs::{RUNS_MAX, Run};
use super::*;

fn config() -> PlacesConfig {
    PlacesConfig { verify: Verify::Always, ..PlacesConfig::default() }
}

fn places(config: PlacesConfig) -> Arc<Places> {
    Arc::new(Places::new(config))
}

/// What a guest writes.
fn write_to(memory: &Memory, at: usize, bytes: &[u8]) {
    memory.0.on_slot(|slot| slot.region().write(at, bytes)).unwrap();
}

fn read_from(memory: &Memory, range: std::ops::Range<usize>) -> Vec<u8> {
    memory.0.on_slot(|slot| slot.region().read(range).map(<[u8]>::to_vec)).unwrap()
}

fn end_well(memory: Memory) {
    memory.0.ended_well();
    drop(memory);
}

/// Writes something of its own to each of the pages.
fn write_pages(memory: &Memory, pages: impl IntoIterator<Item = usize>) {
    for page in pages {
        write_to(memory, page * PAGE_BYTES, &(page + 1).to_le_bytes());
    }
}

fn run(steps: &[[u8; 5]], config: PlacesConfig) {
    Model::new(config).run(steps.as_flattened());
}

#[cfg(not(miri))]
proptest! {
    #![proptest_config(ProptestConfig { cases: ProptestConfig::default().cases / 4, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn files_are_refused_or_can_be_started(bytes in proptest::collection::vec(0_u8..4, 0..200)) {
        super::model::read_file(&bytes);
    }

    /// The default, with little room.
    #[test]
    fn slots_are_what_a_vector_says(steps in proptest::collection::vec(any::<[u8; 5]>(), 0..120), kept_pages_max in 0_usize..40) {
        run(&steps, PlacesConfig { waiting_max: 3, kept_pages_max, ..config() });
    }

    #[test]
    fn slots_are_what_a_vector_says_without_scan(steps in proptest::collection::vec(any::<[u8; 5]>(), 0..120)) {
        run(&steps, PlacesConfig { waiting_max: 3, scan: false, ..config() });
    }

    #[test]
    fn slots_are_what_a_vector_says_with_few_bytes_to_wait(steps in proptest::collection::vec(any::<[u8; 5]>(), 0..120), pages in 0_usize..60) {
        run(&steps, PlacesConfig { waiting_bytes_max: pages * PAGE_BYTES, ..config() });
    }
}

/// Each thread goes through its own steps with slots of the same snapshots.
#[test]
#[cfg_attr(miri, ignore = "maps memory")]
fn threads_share_slots_without_sharing_memory() {
    let places = places(PlacesConfig { waiting_max: 5, ..config() });
    let (snapshot, content) = initial(&places, MINIMUM);
    std::thread::scope(|scope| {
        for thread in 1_u8..=4 {
            let (snapshot, content) = (&snapshot, &content);
            scope.spawn(move || {
                for round in 0..100 {
                    let memory = start(snapshot).unwrap();
                    assert!(read_from(&memory, 0..MINIMUM) == *content, "thread {thread} in round {round}");
                    memory.0.grow_to(MINIMUM + WASM_PAGE).unwrap();
                    let written = vec![thread; MINIMUM + WASM_PAGE];
                    write_to(&memory, 0, &written);
                    assert!(read_from(&memory, 0..written.len()) == written);
                    end_well(memory);
                }
            });
        }
    });
    let stats = places.stats();
    assert_eq!((stats.differed, stats.mapped + stats.reused, stats.verified), (0, 400, 400));
    drop(snapshot);
    assert_eq!(places.waiting(), (0, 0));
}

#[test]
#[cfg_attr(miri, ignore = "maps memory")]
fn what_was_grown_is_inaccessible_afterwards_and_zero_when_grown_again() {
    for scan in [true, false] {
        let places = places(PlacesConfig { scan, ..config() });
        let (snapshot, _) = initial(&places, MINIMUM);
        let memory = start(&snapshot).unwrap();
        let tail = memory.as_ptr() as usize + MINIMUM..memory.as_ptr() as usize + MINIMUM + 3 * WASM_PAGE;
        memory.0.grow_to(MINIMUM + 3 * WASM_PAGE).unwrap();
        write_to(&memory, MINIMUM, &vec![7; 3 * WASM_PAGE]);
        assert!(permissions(tail.clone()).contains(&"rw-p".to_owned()));
        end_well(memory);
        assert_eq!(permissions(tail.clone()), ["---p"]);
        let memory = start(&snapshot).unwrap();
        assert_eq!(memory.as_ptr() as usize + MINIMUM, tail.start, "the same slot");
        memory.0.grow_to(MINIMUM + 3 * WASM_PAGE).unwrap();
        assert!(read_from(&memory, MINIMUM..MINIMUM + 3 * WASM_PAGE).iter().all(|byte| *byte == 0));
    }
}

/// The kernel may open a part of what was asked for before it fails, and a guest can reach that: no bounds are checked but by
/// what is mapped.
#[test]
#[cfg_attr(miri, ignore = "maps memory")]
fn what_a_failed_growth_left_open_is_closed() {
    let places = places(config());
    let (snapshot, _) = initial(&places, MINIMUM);
    let memory = start(&snapshot).unwrap();
    let first = memory.as_ptr() as usize + MINIMUM;
    memory.0.on_slot(|slot| slot.region().obstruct(MINIMUM + WASM_PAGE..MINIMUM + 2 * WASM_PAGE)).unwrap();
    assert!(memory.0.grow_to(MINIMUM + 3 * WASM_PAGE).is_err());
    assert_eq!(memory.0.size(), MINIMUM);
    assert_eq!(permissions(first..first + WASM_PAGE), ["rw-p"], "halfway");
    end_well(memory);
    assert_eq!(places.waiting().0, 1);
    let may = permissions(first..first + 3 * WASM_PAGE);
    assert!(may.iter().all(|may| may.starts_with("---")), "{may:?}");
}

#[test]
#[cfg_attr(miri, ignore = "maps memory")]
fn a_slot_that_cannot_be_restored_is_discarded() {
    let places = places(config());
    let (snapshot, _) = initial(&places, MINIMUM);
    let memory = start(&snapshot).unwrap();
    memory.0.grow_to(MINIMUM + WASM_PAGE).unwrap();
    memory.0.on_slot(|slot| slot.region().lock(MINIMUM..MINIMUM + PAGE_BYTES)).unwrap();
    end_well(memory);
    assert_eq!((places.stats().discarded, places.waiting()), (1, (0, 0)));
}

#[test]
#[cfg_attr(miri, ignore = "maps memory")]
fn an_instance_that_did_not_end_well_is_discarded() {
    let places = places(config());
    let (snapshot, _) = initial(&places, MINIMUM);
    drop(start(&snapshot).unwrap());
    let memory = start(&snapshot).unwrap();
    memory.0.ended_well();
    memory.0.runs();
    drop(memory);
    let stats = places.stats();
    assert_eq!((stats.discarded, stats.mapped, stats.waiting), (2, 2, 0));
}

#[test]
#[cfg_attr(miri, ignore = "maps memory")]
fn a_slot_that_was_changed_behind_its_back_is_found() {
    for scan in [true, false] {
        let places = places(PlacesConfig { scan, ..config() });
        let (snapshot, _) = initial(&places, MINIMUM);
        let memory = start(&snapshot).unwrap();
        let other =
            SealedFile::create(PAGE_BYTES, |file| std::os::unix::fs::FileExt::write_all_at(file, b"x", 9)).unwrap();
        // A page that was never written, and yet is another.
        memory.0.on_slot(|slot| slot.region().map(7 * PAGE_BYTES..8 * PAGE_BYTES, &other, 0)).unwrap();
        assert_eq!(memory.0.on_slot(|slot| slot.difference()).unwrap(), Some(7));
        end_well(memory);
        let stats = places.stats();
        assert_eq!((stats.verified, stats.differed, stats.discarded, stats.waiting), (1, 1, 1, 0));
    }
}

#[test]
#[cfg_attr(miri, ignore = "maps memory")]
fn one_of_so_many_is_verified() {
    let places = places(PlacesConfig { verify: Verify::Every(4.try_into().unwrap()), ..config() });
    let (snapshot, _) = initial(&places, MINIMUM);
    for _ in 0..12 {
        end_well(start(&snapshot).unwrap());
    }
    assert_eq!(places.stats().verified, 3);
}

#[test]
#[cfg_attr(miri, ignore = "maps memory")]
fn slots_of_the_snapshot_that_waited_longest_are_evicted_first() {
    let places = places(PlacesConfig { waiting_max: 3, ..config() });
    let (old, _) = initial(&places, MINIMUM);
    let (new, _) = initial(&places, MINIMUM);
    let all = [&old, &old, &new, &new].map(|snapshot| start(snapshot).unwrap());
    all.into_iter().for_each(end_well);
    assert_eq!(places.waiting().0, 3);
    // Both of the new one are there.
    let _both = [&new, &new].map(|snapshot| start(snapshot).unwrap());
    assert_eq!((places.stats().reused, places.waiting().0), (2, 1));
}

#[test]
#[cfg_attr(miri, ignore = "maps memory")]
fn slots_that_keep_too_many_bytes_are_evicted() {
    let places = places(PlacesConfig { waiting_bytes_max: 10 * PAGE_BYTES, ..config() });
    if !places.scans() {
        return;
    }
    let (snapshot, _) = initial(&places, MINIMUM);
    let all = [4, 4, 4].map(|pages| {
        let memory = start(&snapshot).unwrap();
        write_pages(&memory, 0..pages);
        memory
    });
    all.into_iter().for_each(end_well);
    assert_eq!(places.waiting(), (2, 8 * PAGE_BYTES));
}

/// The page of [`scattered`] that every slot has a copy of; it lies beyond the base.
const COPIED: usize = MINIMUM / PAGE_BYTES + RUNS_MAX * 2;

/// A stored snapshot with one more run of pages than is mapped. Those that are taken here have their runs joined.
fn scattered(snapshot: &Snapshot) -> Snapshot {
    let runs: Vec<Run> =
        (0..=RUNS_MAX as u32).map(|run| Run { first: (MINIMUM / PAGE_BYTES) as u32 + run * 2, count: 1 }).collect();
    let pages = vec![7; runs.len() * PAGE_BYTES];
    let component = snapshot.component().to_string();
    let header = Header { component, memory_bytes: 8 * WASM_PAGE as u64, runs, globals: Vec::new() };
    snapshot.read(&write(&header, &pages), &[]).unwrap()
}

/// Pages of an overlay that is too scattered to be mapped are memory of each slot, and count, also without a scan.
#[test]
#[cfg_attr(miri, ignore = "maps memory")]
fn copied_pages_of_an_overlay_count_as_bytes() {
    for scan in [true, false] {
        let places = places(PlacesConfig { scan, kept_pages_max: 0, ..config() });
        let (snapshot, _) = initial(&places, MINIMUM);
        let memory = start(&snapshot).unwrap();
        write_pages(&memory, (0..40).step_by(2));
        let joined = snapshot.capture(&memory.0, Vec::new()).unwrap();
        end_well(start(&joined).unwrap());
        assert_eq!(places.waiting(), (1, 0), "all of it is mapped");
        let scattered = scattered(&snapshot);
        end_well(start(&scattered).unwrap());
        assert_eq!(places.waiting(), (2, PAGE_BYTES));
    }
}

/// Merging equal pages and splitting huge ones put the kernel's page of zeros where zeros were written.
#[test]
#[cfg_attr(miri, ignore = "maps memory")]
fn pages_that_the_kernel_made_its_page_of_zeros_are_put_back() {
    let places = places(config());
    let (snapshot, _) = initial(&places, MINIMUM);
    let (scattered, copied) = (scattered(&snapshot), COPIED * PAGE_BYTES..(COPIED + 1) * PAGE_BYTES);
    let memory = start(&scattered).unwrap();
    memory.0.on_slot(|slot| slot.region().discard(copied.clone())).unwrap();
    assert_eq!(read_from(&memory, copied.clone()), [0; PAGE_BYTES]);
    end_well(memory);
    let memory = start(&scattered).unwrap();
    assert_eq!(read_from(&memory, copied), [7; PAGE_BYTES]);
    assert_eq!((places.stats().reused, places.stats().differed), (1, 0));
}

/// An instance may outlive every handle of its snapshot; its slot must not wait for a start that cannot come.
#[test]
#[cfg_attr(miri, ignore = "maps memory")]
fn a_slot_that_comes_back_after_its_snapshot_is_gone_does_not_wait() {
    let places = places(config());
    let (snapshot, _) = initial(&places, MINIMUM);
    let memory = start(&snapshot).unwrap();
    end_well(start(&snapshot).unwrap());
    drop(snapshot);
    end_well(memory);
    assert_eq!((places.waiting(), places.stats().discarded), ((0, 0), 0));
}

#[test]
#[cfg_attr(miri, ignore = "maps memory")]
fn what_a_heavy_execution_wrote_is_given_back_over_time() {
    let places = places(config());
    if !places.scans() {
        return;
    }
    let (snapshot, _) = initial(&places, MINIMUM);
    let execute = |pages: std::ops::Range<usize>| {
        let memory = start(&snapshot).unwrap();
        write_pages(&memory, pages);
        end_well(memory);
        places.waiting().1 / PAGE_BYTES
    };
    assert_eq!(execute(0..60), 60);
    let kept: Vec<usize> = (0..50).map(|_| execute(0..3)).collect();
    assert_eq!((kept[0], kept.last()), (60, Some(&3)));
    assert!(kept.is_sorted_by(|a, b| a >= b));
}

#[test]
#[cfg_attr(miri, ignore = "maps memory")]
fn no_more_pages_are_kept_than_granted() {
    let places = places(PlacesConfig { kept_pages_max: 5, ..config() });
    if !places.scans() {
        return;
    }
    let pagemap = probe::pagemap().unwrap();
    let (snapshot, _) = initial(&places, MINIMUM);
    for _ in 0..20 {
        let memory = start(&snapshot).unwrap();
        write_pages(&memory, 0..60);
        end_well(memory);
        places.on_waiting(|slot| assert_eq!(own_pages(slot, &pagemap), 5));
    }
}

/// More runs than are mapped, longer and shorter ones than are, in the base and beyond it, and more than the kernel tells at
/// once.
#[test]
#[cfg_attr(miri, ignore = "maps memory")]
fn overlays_of_many_runs_are_put_back() {
    for scan in [true, false] {
        let places = places(PlacesConfig { scan, kept_pages_max: 100, ..config() });
        let (snapshot, mut content) = initial(&places, 32 * WASM_PAGE);
        let memory = start(&snapshot).unwrap();
        let size = 140 * WASM_PAGE;
        memory.0.grow_to(size).unwrap();
        content.resize(size, 0);
        let short = (0..700).step_by(2).map(|page| page..page + 1);
        let long = (0..36).map(|run| 710 + run * 40..710 + run * 40 + 32);
        for page in short.chain(long).flatten() {
            content[page * PAGE_BYTES..][..PAGE_BYTES].fill((page as u8) << 1 | 2);
        }
        write_to(&memory, 0, &content);
        let captured = snapshot.capture(&memory.0, Vec::new()).unwrap();
        let own = captured.own_bytes() / PAGE_BYTES;
        assert_eq!(own, 699 + 36 * 40 - 8, "the nearest are joined");
        for round in 0..40_u8 {
            let memory = start(&captured).unwrap();
            assert!(read_from(&memory, 0..size) == content, "round {round}");
            match round % 4 {
                0 => write_to(&memory, 0, &vec![round; size]),
                1 => write_to(&memory, 0, &vec![0; size]),
                2 => write_pages(&memory, (0..size / PAGE_BYTES).step_by(3)),
                _ => {}
            }
            end_well(memory);
        }
        let stats = places.stats();
        assert_eq!((stats.differed, stats.discarded, stats.mapped), (0, 0, 2));
    }
}

#[test]
#[cfg_attr(miri, ignore = "maps memory")]
fn a_ticket_is_for_one_memory_and_for_no_other_size() {
    let places = places(config());
    let (snapshot, _) = initial(&places, MINIMUM);
    let ask = |ticket: &Arc<Ticket>, minimum| {
        let new = with_ticket(Some(ticket), async { places.memory(minimum, 1 << 24, 1 << 20).is_ok() });
        let mut context = std::task::Context::from_waker(std::task::Waker::noop());
        std::pin::pin!(new).poll(&mut context)
    };
    let ticket = snapshot.ticket();
    assert_eq!(ask(&ticket, MINIMUM + WASM_PAGE), std::task::Poll::Ready(false));
    assert_eq!(ask(&ticket, MINIMUM), std::task::Poll::Ready(true));
    assert_eq!((places.stats().mapped, places.stats().plain), (1, 0));
    assert_eq!(ask(&ticket, MINIMUM + WASM_PAGE), std::task::Poll::Ready(true));
    assert_eq!((places.stats().mapped, places.stats().plain), (1, 1));
}

#[test]
#[cfg_attr(miri, ignore = "maps memory")]
fn a_panic_leaves_no_ticket_behind() {
    let places = places(config());
    let (snapshot, _) = initial(&places, MINIMUM);
    let ticket = snapshot.ticket();
    let panics = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        let panicking = with_ticket(Some(&ticket), async { panic!("on purpose") });
        let _: std::task::Poll<()> =
            std::pin::pin!(panicking).poll(&mut std::task::Context::from_waker(std::task::Waker::noop()));
    }));
    assert!(panics.is_err());
    drop(places.memory(MINIMUM, 1 << 24, 1 << 20).unwrap());
    assert_eq!(places.stats().plain, 1);
    assert_eq!(Arc::strong_count(&ticket), 1);
}

#[test]
#[cfg_attr(miri, ignore = "maps memory")]
fn a_used_stack_is_handed_out_again_and_keeps_little() {
    for scan in [true, false] {
        a_used_stack_is_handed_out_again(&Stacks::new(1, places(PlacesConfig { scan, ..PlacesConfig::default() })));
    }
}

fn a_used_stack_is_handed_out_again(stacks: &Stacks) {
    let (mut first, second) = (stacks.take(1 << 20).unwrap(), stacks.take(1 << 20).unwrap());
    first.write(0, b"deep").unwrap();
    let pointer = first.pointer();
    stacks.put(first);
    stacks.put(second);
    let again = stacks.take(1 << 20).unwrap();
    assert_eq!((again.pointer(), &again.read(0..PAGE_BYTES).unwrap()[..4]), (pointer, &[0; 4][..]));
    assert_ne!(stacks.take(1 << 20).unwrap().pointer(), pointer);
    stacks.put(again);
    assert_eq!(stacks.take(1 << 16).unwrap().bytes(), 1 << 16, "another size");
    let guard = stacks.take(1 << 16).unwrap().guard();
    assert!(permissions(guard.start as usize..guard.end as usize).iter().all(|may| may == "---p"));
}

#[test]
#[cfg_attr(miri, ignore = "maps memory")]
fn addresses_outside_of_a_region_are_refused() {
    let mut region = raw::Region::reserve(4 * PAGE_BYTES, PAGE_BYTES).unwrap();
    let file = SealedFile::create(PAGE_BYTES, |_| Ok(())).unwrap();
    region.open(0..4 * PAGE_BYTES).unwrap();
    assert!(region.open(0..5 * PAGE_BYTES).is_err());
    assert!(region.close(4 * PAGE_BYTES..5 * PAGE_BYTES).is_err());
    assert!(region.open(0..1).is_err() && region.discard(1..PAGE_BYTES).is_err(), "parts of pages");
    #[expect(clippy::reversed_empty_ranges, reason = "that is the point")]
    let reversed = 2 * PAGE_BYTES..PAGE_BYTES;
    assert!(region.read(reversed).is_err());
    assert!(region.write(4 * PAGE_BYTES - 1, b"xy").is_err() && region.write(usize::MAX, b"xy").is_err());
    assert!(region.map(0..2 * PAGE_BYTES, &file, 0).is_err(), "the file is shorter");
    assert!(region.map(0..PAGE_BYTES, &file, usize::MAX - PAGE_BYTES + 1).is_err());
    assert!(raw::Region::reserve(usize::MAX - PAGE_BYTES + 1, PAGE_BYTES).is_err());
    assert!(raw::Region::reserve(0, 0).is_err());
}

#[test]
#[cfg_attr(miri, ignore = "maps memory")]
fn nobody_can_change_a_sealed_file() {
    use std::os::unix::fs::FileExt;
    let mut kept = None;
    let file = SealedFile::create(PAGE_BYTES, |file| {
        kept = Some(file.try_clone()?);
        file.write_all_at(b"x", 0)
    });
    let kept = kept.unwrap();
    assert!(kept.write_all_at(b"y", 0).is_err() && kept.set_len(0).is_err() && kept.set_len(1 << 20).is_err());
    assert_eq!(file.unwrap().bytes()[0], b'x');
    assert!(SealedFile::create(0, |_| Ok(())).unwrap().bytes().is_empty());
}

/// A snapshot in a file, with the globals of [`GLOBALS`].
fn stored() -> (Snapshot, Vec<u8>) {
    let places = places(config());
    let (snapshot, _) = initial(&places, MINIMUM);
    let memory = start(&snapshot).unwrap();
    write_pages(&memory, [3, 4, 9]);
    let captured = snapshot.capture(&memory.0, vec![vec![1], vec![u64::MAX, 0]]).unwrap();
    (snapshot, captured.to_bytes())
}

#[test]
#[cfg_attr(miri, ignore = "maps memory")]
fn a_file_of_another_component_is_refused() {
    let (snapshot, bytes) = stored();
    assert!(snapshot.read(&bytes, &GLOBALS).is_ok());
    for globals in [&[1][..], &[2, 1], &[1, 2, 3], &[]] {
        assert!(snapshot.read(&bytes, globals).is_err(), "{globals:?}");
    }
    let (mut header, pages) = read(&bytes).unwrap();
    header.memory_bytes = (MINIMUM - WASM_PAGE) as u64;
    assert!(snapshot.read(&write(&header, pages), &GLOBALS).is_err(), "too small");
    header.memory_bytes = MINIMUM as u64;
    assert!(snapshot.read(&write(&header, pages), &GLOBALS).is_ok());
    header.component = Digest::of(b"another").to_string();
    assert!(snapshot.read(&write(&header, pages), &GLOBALS).is_err(), "another component");
}

/// A header with a page of overlay.
fn header() -> Header {
    Header {
        component: Digest::of(b"model").to_string(),
        memory_bytes: MINIMUM as u64,
        runs: vec![super::runs::Run { first: 3, count: 1 }],
        globals: vec![vec![1], vec![2, 3]],
    }
}

#[test]
fn a_file_is_read_as_it_was_written() {
    let bytes = write(&header(), &[7; PAGE_BYTES]);
    assert_eq!(read(&bytes).unwrap(), (header(), &[7; PAGE_BYTES][..]));
}

#[test]
fn a_file_with_any_byte_changed_or_missing_is_refused() {
    let mut bytes = write(&header(), &[7; PAGE_BYTES]);
    let step = if cfg!(miri) { 977 } else { 1 };
    for at in (0..bytes.len()).step_by(step) {
        bytes[at] ^= 1;
        assert!(read(&bytes).is_err(), "byte {at}");
        bytes[at] ^= 1;
        assert!(read(&bytes[..at]).is_err(), "{at} bytes");
    }
    bytes.push(0);
    assert!(read(&bytes).is_err());
}

/// Behind a digest that is right, since anybody can make one.
#[test]
fn hostile_headers_are_refused() {
    let page = [7; PAGE_BYTES];
    let refused = |change: fn(&mut Header)| {
        let mut header = header();
        change(&mut header);
        read(&write(&header, &page)).is_err()
    };
    let run = |first, count| super::runs::Run { first, count };
    assert!(!refused(|_| {}));
    assert!(refused(|header| header.memory_bytes = 0));
    assert!(refused(|header| header.memory_bytes = u64::MAX));
    assert!(refused(|header| header.memory_bytes += PAGE_BYTES as u64), "no size that a memory can have");
    assert!(refused(|header| header.memory_bytes = (1 << 32) + WASM_PAGE as u64));
    assert!(!refused(|header| header.memory_bytes = 1 << 32));
    assert!(refused(|header| header.runs[0].first = (MINIMUM / PAGE_BYTES) as u32), "beyond the memory");
    assert!(refused(|header| header.runs[0].first = u32::MAX));
    assert!(refused(|header| header.runs[0].count = u32::MAX));
    assert!(refused(|header| header.runs[0].count = 0));
    assert!(refused(|header| header.runs.clear()), "pages of no run");
    let overlapping = Header { runs: vec![run(3, 1), run(3, 1)], ..header() };
    assert!(read(&write(&overlapping, &[page, page].concat())).is_err());
    let wrapping = Header { runs: vec![run(0, u32::MAX), run(u32::MAX, 2)], memory_bytes: 1 << 32, ..header() };
    assert!(read(&write(&wrapping, &page)).is_err());
}

/// A file with these bytes where the header is, and this as its length.
fn with_header(length: u32, header: &[u8]) -> Vec<u8> {
    let mut bytes = b"HKSSNAP1".to_vec();
    bytes.extend(length.to_le_bytes());
    bytes.extend(header);
    let digest = Digest::of(&bytes);
    bytes.extend(digest.as_bytes());
    bytes
}

#[test]
fn headers_that_are_none_are_refused() {
    let good = serde_json::to_vec(&Header { runs: Vec::new(), ..header() }).unwrap();
    let length = u32::try_from(good.len()).unwrap();
    assert!(read(&with_header(length, &good)).is_ok());
    for length in [0, length - 1, length + 1, 1 << 26, u32::MAX] {
        assert!(read(&with_header(length, &good)).is_err(), "{length}");
    }
    for text in ["", "null", "[]", "{}", r#"{"component":1}"#, &"[".repeat(100_000)] {
        assert!(read(&with_header(text.len() as u32, text.as_bytes())).is_err());
    }
    assert!(read(b"").is_err() && read(&with_header(0, b"")[8..]).is_err());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: ProptestConfig::default().cases / if cfg!(miri) { 64 } else { 1 }, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn random_bytes_are_refused(bytes in proptest::collection::vec(any::<u8>(), 0..300), length: u32) {
        prop_assert!(read(&bytes).is_err());
        prop_assert!(read(&with_header(length, &bytes)).is_err());
    }

    #[test]
    fn random_numbers_never_panic(
        memory_bytes: u64,
        wasm_pages in 0_u64..70_000,
        runs in proptest::collection::vec(any::<(u32, u32)>(), 0..5),
        globals in proptest::collection::vec(proptest::collection::vec(any::<u64>(), 0..3), 0..3),
    ) {
        let runs: Vec<_> = runs.into_iter().map(|(first, count)| super::runs::Run { first, count }).collect();
        for memory_bytes in [memory_bytes, wasm_pages * WASM_PAGE as u64] {
            let header = Header { memory_bytes, runs: runs.clone(), globals: globals.clone(), ..header() };
            let _ = read(&write(&header, &[7; PAGE_BYTES]));
        }
    }
}

//! Small heaps and lists of objects, laid out as the C library and the guest lay them out, and what must be refused.

use super::{Done, heap, immortals, quiet};

const BASE: u32 = 0x1000;
const STATE: u32 = 0x100;
const LIST: u32 = 0x8000;
const TYPE: u32 = 0x700;
const MEMORY_BYTES: u32 = 0x10000;
const TOP_FOOT_BYTES: u32 = 56;

/// A memory in which everything is as expected: two used chunks, a hole of `HOLE` bytes between them, the top chunk.
struct Memory(Vec<u8>);

const FIRST: u32 = BASE + 8;
const HOLE: u32 = FIRST + 0x20;
const HOLE_BYTES: u32 = 0x30;
const LAST: u32 = HOLE + HOLE_BYTES;
const TOP: u32 = LAST + 0x20;
/// In the first chunk, and in the last.
const OBJECTS: [u32; 2] = [FIRST + 8, LAST + 8];

impl Memory {
    fn new() -> Self {
        let mut memory = Self(vec![0; MEMORY_BYTES as usize]);
        let end = LIST - 0x100;
        let bin = STATE + 40 + HOLE_BYTES / 8 * 8;
        for number in 0..32 {
            let bin = STATE + 40 + number * 8;
            memory.set(&[(bin + 8, bin), (bin + 12, bin)]);
        }
        memory.set(&[
            (STATE, 1 << (HOLE_BYTES / 8)),
            (STATE + 12, end - TOP_FOOT_BYTES - TOP),
            (STATE + 16, BASE),
            (STATE + 24, TOP),
            (STATE + 432, end - BASE),
            (STATE + 448, BASE),
            (STATE + 452, end - BASE),
            (bin + 8, HOLE),
            (bin + 12, HOLE),
            (FIRST + 4, 0x20 | 3),
            (HOLE + 4, HOLE_BYTES | 1),
            (HOLE + 8, bin),
            (HOLE + 12, bin),
            (LAST, HOLE_BYTES),
            (LAST + 4, 0x20 | 2),
            (TOP + 4, (end - TOP_FOOT_BYTES - TOP) | 1),
            (OBJECTS[0], 3),
            (OBJECTS[0] + 4, TYPE),
            (OBJECTS[1], 5 << 28),
            (OBJECTS[1] + 4, TYPE),
        ]);
        memory.list(&[(OBJECTS[0], TYPE), (OBJECTS[1], TYPE)]);
        memory
    }

    fn set(&mut self, words: &[(u32, u32)]) {
        for (address, word) in words {
            let at = *address as usize;
            self.0[at..at + 4].copy_from_slice(&word.to_le_bytes());
        }
    }

    fn list(&mut self, pairs: &[(u32, u32)]) {
        let body: Vec<u8> =
            pairs.iter().flat_map(|(object, ty)| [object.to_le_bytes(), ty.to_le_bytes()].concat()).collect();
        let count = u32::try_from(pairs.len()).unwrap();
        let list =
            [b"HKS-IMMORTALS-V1", &count.to_le_bytes()[..], &immortals::crc32(&body).to_le_bytes(), &body].concat();
        self.0[LIST as usize..LIST as usize + list.len()].copy_from_slice(&list);
    }

    /// The memory as `quiet` leaves it.
    fn rest(&self) -> anyhow::Result<(Vec<u8>, Done)> {
        let bytes: String = self.0.iter().map(|byte| format!("\\{byte:02x}")).collect();
        let text = format!(r#"(component (core module (memory 1) (data (i32.const 0) "{bytes}")))"#);
        let (component, done) = quiet(wat::parse_str(text)?)?;
        Ok((super::Image::read(&component)?.bytes().to_vec(), done))
    }

    fn refusal(&self) -> String {
        format!("{:#}", self.rest().err().expect("it is to be refused"))
    }
}

fn word(memory: &[u8], address: u32) -> u32 {
    let at = address as usize;
    u32::from_le_bytes(memory[at..at + 4].try_into().unwrap())
}

#[test]
fn objects_become_immortal_and_the_list_goes() {
    let (memory, done) = Memory::new().rest().unwrap();
    assert_eq!(done.immortals, immortals::Made { made: 1, were: 1, dead: 0 });
    assert_eq!([word(&memory, OBJECTS[0]), word(&memory, OBJECTS[1])], [5 << 28; 2]);
    assert_eq!(word(&memory, OBJECTS[0] + 4), TYPE);
    assert!(memory[LIST as usize..].iter().all(|byte| *byte == 0));
}

#[test]
fn the_hole_is_in_use_and_in_no_bin() {
    let (memory, done) = Memory::new().rest().unwrap();
    assert_eq!(done.plugged, heap::Plugged { chunks: 3, holes: 1, bytes: u64::from(HOLE_BYTES) });
    assert_eq!(word(&memory, HOLE + 4), HOLE_BYTES | 3);
    assert_eq!(word(&memory, LAST + 4), 0x20 | 3);
    assert_eq!(word(&memory, STATE), 0);
    let bin = STATE + 40 + HOLE_BYTES;
    assert_eq!([word(&memory, bin + 8), word(&memory, bin + 12)], [bin; 2]);
}

#[test]
fn an_object_that_died_is_left_alone() {
    let other = OBJECTS[0] + 0x10;
    for change in [(other, 0), (other, 0x0040_0000), (other + 4, 0x1234)] {
        let mut memory = Memory::new();
        memory.set(&[(other, 1), (other + 4, TYPE), change]);
        memory.list(&[(OBJECTS[0], TYPE), (OBJECTS[1], TYPE), (other, TYPE)]);
        let (rested, done) = memory.rest().unwrap();
        assert_eq!((done.immortals.made, done.immortals.dead), (1, 1));
        assert_eq!(word(&rested, change.0), change.1);
    }
}

#[test]
fn a_list_that_tells_nothing_is_refused() {
    let mut memory = Memory::new();
    memory.list(&[(OBJECTS[0], 0x1234); 65]);
    assert!(memory.refusal().contains("65 of 0 objects are not what the guest says"), "{}", memory.refusal());
    let mut memory = Memory::new();
    memory.set(&[(LIST + 24, 0)]);
    assert!(memory.refusal().contains("0 lists of objects are in memory"), "{}", memory.refusal());
}

#[test]
fn another_number_for_immortal_objects_is_refused() {
    let mut memory = Memory::new();
    memory.set(&[(OBJECTS[1], 7 << 28)]);
    assert!(memory.refusal().contains("none of them with 0x50000000"), "{}", memory.refusal());
}

#[test]
fn an_object_in_a_hole_is_refused() {
    let mut memory = Memory::new();
    memory.set(&[(HOLE + 0x10, 1), (HOLE + 0x14, TYPE)]);
    memory.list(&[(HOLE + 0x10, TYPE)]);
    assert!(memory.refusal().contains("where memory is free"), "{}", memory.refusal());
}

#[test]
fn a_heap_that_is_not_understood_is_refused() {
    for (change, reason) in [
        ((STATE + 12, 8), "0 places look like the state of the allocator"),
        ((FIRST + 4, 0x10 | 3), "has the head 0x0"),
        ((FIRST + 4, 0x8000 | 3), "has the head"),
        ((LAST + 4, 0x20 | 3), "does not know the one before"),
        ((LAST, 0x20), "is not closed"),
        ((STATE, 0), "1 chunks are free, but the bins hold 0"),
    ] {
        let mut memory = Memory::new();
        memory.set(&[change]);
        assert!(memory.refusal().contains(reason), "{reason}: {}", memory.refusal());
    }
}

#[test]
fn zeros_that_are_not_in_the_file_cannot_be_changed() {
    let component = wat::parse_str(r#"(component (core module (memory 1) (data (i32.const 8) "abcd")))"#).unwrap();
    let mut image = super::Image::read(&component).unwrap();
    image.set_word(8, 1).unwrap();
    image.set_word(12, 0).unwrap();
    assert!(image.set_word(12, 1).unwrap_err().to_string().contains("in no data segment"));
    assert!(image.word(9).is_err() && image.word(0x10000).is_err());
}

#[test]
fn modules_that_are_not_fused_are_refused() {
    let text = r#"(component (core module (memory 1)) (core module (memory 1)))"#;
    let error = quiet(wat::parse_str(text).unwrap()).err().unwrap().to_string();
    assert!(error.contains("2 memories"), "{error}");
}

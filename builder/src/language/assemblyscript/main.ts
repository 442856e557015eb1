// Doubles the number that it is given, after it has filled memory that is not the adapter's.

export function cabi_realloc(old: usize, oldSize: usize, alignment: usize, size: usize): usize {
  return (heap.alloc(size + alignment) + alignment - 1) & ~(alignment - 1);
}

const BLOCK_BYTES = 1 << 20;

function isWhole(block: Uint8Array): bool {
  for (let at = 0; at < block.length; at++) {
    if (block[at] != 0xff) return false;
  }
  return true;
}

let text = "";
const buffer = new ArrayBuffer(4096);
for (let length = process.stdin.read(buffer); length > 0; length = process.stdin.read(buffer)) {
  text += String.UTF8.decode(buffer.slice(0, length as i32));
}
const blocks: Uint8Array[] = [];
for (let round = 0; round < 24; round++) {
  process.stderr.write(`round ${round}\n`);
  blocks.push(new Uint8Array(BLOCK_BYTES).fill(0xff));
}
for (let round = 0; round < blocks.length; round++) {
  if (!isWhole(blocks[round])) process.exit(3);
}
process.stdout.write(`{"result":${parseInt(text) * 2}}`);

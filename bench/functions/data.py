"""Builds as many MiB of live data as its first call asks for, and shows in later ones that they are there."""

BLOCK_BYTES = 16 << 10
BLOCKS = []


def handler(event):
    for number in range(len(BLOCKS), event["mib"] * (1 << 20) // BLOCK_BYTES):
        BLOCKS.append(bytearray(number.to_bytes(4, "little")) * (BLOCK_BYTES // 4))
    # A block in the middle, because whoever looks at all pays for all.
    some = len(BLOCKS) // 2
    return {"blocks": len(BLOCKS), "right": not BLOCKS or int.from_bytes(BLOCKS[some][-4:], "little") == some}

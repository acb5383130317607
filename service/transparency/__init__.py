"""The formats of a transparency log: its tree, tiles, checkpoints, witnesses and receipts, without a clock, a disk or a network."""

//! What a function says of itself: `function.yaml`.

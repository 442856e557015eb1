//! Rust names for the WIT package `hks:function`: what guests import is implemented in [`host`](crate::host), what they
//! export is called in [`attempt`](crate::attempt).

wasmtime::component::bindgen!({
    path: "../wit",
    world: "interpreter",
    imports: {
        "hks:function/clock.sleep": async | trappable,
        default: trappable,
    },
    exports: { default: async },
});

//! How WebAssembly is compiled and run: one place, so that both sides agree.

use std::hash::{Hash, Hasher};
use std::num::NonZeroUsize;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use wasmtime::{Config, MemoryCreator, OptLevel, StackCreator};

use crate::{Error, Result};

/// What may be chosen about an engine. Everything else is fixed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EngineConfig {
    /// How guests are stopped and measured.
    pub metering: Metering,
    /// Which processors the machine code is for.
    pub cpu: CpuTarget,
}

/// How guests are stopped and measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Metering {
    /// Fuel is the deterministic budget and the meter, the epoch stops a guest at its deadline.
    #[default]
    FuelAndEpoch,
    /// The deadline alone: a fifth faster, and fuel is neither bounded nor reported.
    Epoch,
    /// Nothing stops a guest. For benchmarks of trusted code only; the runtime refuses to use it otherwise.
    None,
}

impl Metering {
    /// Whether fuel is counted.
    #[must_use]
    pub fn fuel(self) -> bool {
        self == Self::FuelAndEpoch
    }

    /// Whether a running guest can be interrupted.
    #[must_use]
    pub fn epoch(self) -> bool {
        self != Self::None
    }
}

/// Which processors the machine code is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CpuTarget {
    /// This machine, with all its features.
    #[default]
    Host,
    /// x86-64-v2 (SSE4.2, POPCNT; every server since 2009) or plain aarch64: for code that is shipped to other machines.
    Baseline,
}

/// Compiles components and runs what it compiled. Cheap to clone.
#[derive(Clone)]
pub struct Engine {
    inner: wasmtime::Engine,
    config: EngineConfig,
    fingerprint: [u8; 32],
}

impl Engine {
    /// An engine to compile with. Instances of it copy their memory at the start; the runtime has its own places for them.
    ///
    /// # Errors
    /// The processor cannot run the configuration.
    pub fn new(config: &EngineConfig) -> Result<Self> {
        Self::build(config, base_config(config))
    }

    /// An engine whose instances live where `memories` and `stacks` say. It runs what any engine of the same configuration
    /// compiled.
    ///
    /// # Errors
    /// The processor cannot run the configuration.
    pub fn with_places(
        config: &EngineConfig,
        memories: Arc<dyn MemoryCreator>,
        stacks: Arc<dyn StackCreator>,
    ) -> Result<Self> {
        let wasm = base_config(config).map(|mut wasm| {
            wasm.with_host_memory(memories);
            wasm.with_host_stack(stacks);
            wasm
        });
        Self::build(config, wasm)
    }

    fn build(config: &EngineConfig, wasm: wasmtime::Result<Config>) -> Result<Self> {
        let inner = wasm.and_then(|wasm| wasmtime::Engine::new(&wasm)).map_err(|e| Error::Engine(format!("{e:#}")))?;
        let mut hasher = StableHasher(blake3::Hasher::new());
        inner.precompile_compatibility_hash().hash(&mut hasher);
        // What an artifact is besides machine code, see `split`.
        hasher.write(b"split 3");
        let fingerprint = *hasher.0.finalize().as_bytes();
        Ok(Self { inner, config: *config, fingerprint })
    }

    /// The engine of Wasmtime, for the runtime.
    #[must_use]
    pub fn wasmtime(&self) -> &wasmtime::Engine {
        &self.inner
    }

    /// How its guests are stopped and measured.
    #[must_use]
    pub fn metering(&self) -> Metering {
        self.config.metering
    }

    /// What was chosen about it.
    #[must_use]
    pub fn config(&self) -> &EngineConfig {
        &self.config
    }

    /// Digest of all that machine code depends on: Wasmtime's version, its settings, the processor's features.
    #[must_use]
    pub fn fingerprint(&self) -> &[u8; 32] {
        &self.fingerprint
    }
}

/// Stack of the guest's own frames. With the host's frames on top it must stay under the fiber's stack, which must stay
/// under a thread's: at 8 MiB on an 8 MiB thread the process dies instead of the guest.
const WASM_STACK_BYTES: usize = 2 << 20;
const FIBER_STACK_BYTES: usize = 3 << 20;

#[expect(clippy::disallowed_methods, reason = "this is the one place")]
fn base_config(config: &EngineConfig) -> wasmtime::Result<Config> {
    let mut wasm = Config::new();
    wasm.consume_fuel(config.metering.fuel());
    wasm.epoch_interruption(config.metering.epoch());
    wasm.max_wasm_stack(WASM_STACK_BYTES);
    wasm.async_stack_size(FIBER_STACK_BYTES);
    wasm.cranelift_opt_level(OptLevel::Speed);
    // What memory begins with is split off before compilation, see `split`, and mapped by the runtime. Segments that are
    // left are copied, because memory that the host provides cannot be mapped by Wasmtime.
    wasm.memory_init_cow(false);
    // A guest's trap is told by its outcome. Frames of machine code would only tell hosts' secrets.
    wasm.wasm_backtrace_max_frames(None::<NonZeroUsize>);
    wasm.generate_address_map(false);
    wasm.native_unwind_info(false);
    switch_off_proposals(&mut wasm);
    if config.cpu == CpuTarget::Baseline {
        select_baseline(&mut wasm)?;
    }
    Ok(wasm)
}

/// Each of these had escapes or leaks of its own, and no guest of ours needs them.
fn switch_off_proposals(wasm: &mut Config) {
    wasm.wasm_memory64(false);
    wasm.wasm_multi_memory(false);
    wasm.wasm_relaxed_simd(false);
    wasm.wasm_wide_arithmetic(false);
    wasm.shared_memory(false);
}

#[cfg(target_arch = "x86_64")]
fn select_baseline(wasm: &mut Config) -> wasmtime::Result<()> {
    wasm.target(concat!("x86_64-unknown-", "linux-gnu"))?;
    for feature in ["has_cmpxchg16b", "has_sse3", "has_ssse3", "has_sse41", "has_sse42", "has_popcnt"] {
        #[expect(unsafe_code, reason = "Cranelift's flags are named by text")]
        // SAFETY: these are the x86-64-v2 features by Cranelift's names; loading checks that the host has each of them.
        unsafe {
            wasm.cranelift_flag_enable(feature);
        }
    }
    Ok(())
}

#[cfg(not(target_arch = "x86_64"))]
fn select_baseline(wasm: &mut Config) -> wasmtime::Result<()> {
    wasm.target(&format!("{}-unknown-linux-gnu", std::env::consts::ARCH))?;
    Ok(())
}

/// Feeds `Hash` implementations into a digest that is the same in every process.
struct StableHasher(blake3::Hasher);

impl Hasher for StableHasher {
    fn write(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    fn finish(&self) -> u64 {
        let digest = self.0.finalize();
        u64::from_le_bytes(digest.as_bytes()[..8].try_into().expect("a digest has 32 bytes"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn engine(metering: Metering, cpu: CpuTarget) -> Engine {
        Engine::new(&EngineConfig { metering, cpu }).unwrap()
    }

    #[test]
    fn the_fingerprint_tells_settings_apart_and_is_stable() {
        let fuel = engine(Metering::FuelAndEpoch, CpuTarget::Host);
        assert_eq!(fuel.fingerprint(), engine(Metering::FuelAndEpoch, CpuTarget::Host).fingerprint());
        assert_ne!(fuel.fingerprint(), engine(Metering::Epoch, CpuTarget::Host).fingerprint());
        assert_ne!(fuel.fingerprint(), engine(Metering::FuelAndEpoch, CpuTarget::Baseline).fingerprint());
    }
}

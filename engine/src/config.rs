//! How WebAssembly is compiled and run: one place, so that both sides agree.

use std::hash::{Hash, Hasher};
use std::num::NonZeroUsize;

use wasmtime::{Config, Enabled, InstanceAllocationStrategy, OptLevel, PoolingAllocationConfig};

use crate::{Error, Result};

/// What may be chosen about an engine. Everything else is fixed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct EngineConfig {
    /// How guests are stopped and measured.
    pub metering: Metering,
    /// Where instances live.
    pub allocation: Allocation,
    /// Which processors the machine code is for.
    pub cpu: CpuTarget,
}

/// How guests are stopped and measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
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

/// Where instances live.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Allocation {
    /// In a pool of so many places if the host grants the address space, otherwise on demand.
    Auto {
        /// Instances at once; each reserves some 8 GiB of addresses, not of memory.
        instances: u32,
    },
    /// Each in memory of its own, mapped when it starts: slower, and works everywhere.
    OnDemand,
}

impl Default for Allocation {
    fn default() -> Self {
        Self::Auto { instances: 1000 }
    }
}

/// Which processors the machine code is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum CpuTarget {
    /// This machine, with all its features.
    #[default]
    Host,
    /// x86-64-v2 (SSE4.2, POPCNT; every server since 2009) or plain aarch64: for code that is shipped to other machines.
    Baseline,
}

/// What the host granted, for `doctor` and the logs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AllocationInUse {
    /// A pool is in use.
    pub pooled: bool,
    /// Written pages are found by the kernel (PAGEMAP_SCAN, Linux 6.7), which makes the end of an execution cheap.
    pub pagemap_scan: bool,
    /// Instances that may live at once; `None` where only memory bounds them.
    pub instances: Option<u32>,
    /// Why something better is not in use, one line each.
    pub fallbacks: Vec<String>,
}

/// Compiles components and runs what it compiled. Cheap to clone.
#[derive(Clone)]
pub struct Engine {
    inner: wasmtime::Engine,
    metering: Metering,
    allocation: AllocationInUse,
    fingerprint: [u8; 32],
}

impl Engine {
    /// Builds an engine with the best allocation that the host grants, and notes what it had to do without.
    ///
    /// # Errors
    /// The processor cannot run the configuration at all.
    pub fn new(config: &EngineConfig) -> Result<Self> {
        let mut fallbacks = Vec::new();
        for attempt in Attempt::in_order(config.allocation) {
            match attempt.build(config) {
                Ok(inner) => return Ok(Self::with(inner, config.metering, attempt.in_use(fallbacks))),
                Err(error) => fallbacks.push(format!("{}: {error}", attempt.describe())),
            }
        }
        Err(Error::Engine(fallbacks.join("; ")))
    }

    fn with(inner: wasmtime::Engine, metering: Metering, allocation: AllocationInUse) -> Self {
        let mut hasher = StableHasher(blake3::Hasher::new());
        inner.precompile_compatibility_hash().hash(&mut hasher);
        let fingerprint = *hasher.0.finalize().as_bytes();
        Self { inner, metering, allocation, fingerprint }
    }

    /// The engine of Wasmtime, for the runtime.
    #[must_use]
    pub fn wasmtime(&self) -> &wasmtime::Engine {
        &self.inner
    }

    /// How its guests are stopped and measured.
    #[must_use]
    pub fn metering(&self) -> Metering {
        self.metering
    }

    /// Where its instances live.
    #[must_use]
    pub fn allocation(&self) -> &AllocationInUse {
        &self.allocation
    }

    /// Digest of all that machine code depends on: Wasmtime's version, its settings, the processor's features.
    #[must_use]
    pub fn fingerprint(&self) -> &[u8; 32] {
        &self.fingerprint
    }
}

/// One way to allocate, from best to most modest.
#[derive(Clone, Copy)]
enum Attempt {
    Pool { instances: u32, pagemap_scan: bool },
    OnDemand,
}

impl Attempt {
    fn in_order(allocation: Allocation) -> Vec<Self> {
        match allocation {
            Allocation::OnDemand => vec![Self::OnDemand],
            Allocation::Auto { instances } => vec![
                Self::Pool { instances, pagemap_scan: true },
                Self::Pool { instances, pagemap_scan: false },
                Self::OnDemand,
            ],
        }
    }

    fn describe(self) -> &'static str {
        match self {
            Self::Pool { pagemap_scan: true, .. } => "pool with PAGEMAP_SCAN",
            Self::Pool { pagemap_scan: false, .. } => "pool",
            Self::OnDemand => "on demand",
        }
    }

    fn in_use(self, fallbacks: Vec<String>) -> AllocationInUse {
        match self {
            Self::Pool { instances, pagemap_scan } => {
                AllocationInUse { pooled: true, pagemap_scan, instances: Some(instances), fallbacks }
            }
            Self::OnDemand => AllocationInUse { pooled: false, pagemap_scan: false, instances: None, fallbacks },
        }
    }

    fn build(self, config: &EngineConfig) -> wasmtime::Result<wasmtime::Engine> {
        let mut wasm = base_config(config)?;
        wasm.allocation_strategy(match self {
            Self::Pool { instances, pagemap_scan } => {
                InstanceAllocationStrategy::Pooling(pool_config(instances, pagemap_scan))
            }
            Self::OnDemand => InstanceAllocationStrategy::OnDemand,
        });
        wasmtime::Engine::new(&wasm)
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
    // Interpreters' memory images are dense enough; this is the largest that we ship, with room.
    wasm.memory_guaranteed_dense_image_size(256 << 20);
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

fn pool_config(instances: u32, pagemap_scan: bool) -> PoolingAllocationConfig {
    let mut pool = PoolingAllocationConfig::new();
    pool.total_component_instances(instances);
    pool.total_stacks(instances);
    // A component that is linked when it is instantiated, as toolchains for dynamic languages make them, has some 16 modules.
    pool.max_core_instances_per_component(64);
    pool.total_core_instances(instances.saturating_mul(64));
    pool.max_memories_per_component(4);
    pool.total_memories(instances.saturating_mul(2));
    pool.max_tables_per_component(8);
    pool.max_tables_per_module(2);
    pool.total_tables(instances.saturating_mul(4));
    // CPython's table has some 15,000 entries.
    pool.table_elements(40_000);
    pool.max_memory_size(2 << 30);
    pool.max_component_instance_size(4 << 20);
    pool.max_core_instance_size(4 << 20);
    pool.table_keep_resident(1 << 20);
    // Without the scan, keeping pages means to copy all of them at the end of every execution (3 ms for CPython).
    pool.linear_memory_keep_resident(if pagemap_scan { 16 << 20 } else { 0 });
    pool.pagemap_scan(if pagemap_scan { Enabled::Yes } else { Enabled::No });
    pool
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
        Engine::new(&EngineConfig { metering, cpu, allocation: Allocation::OnDemand }).unwrap()
    }

    #[test]
    fn a_pool_that_the_host_cannot_map_falls_back_and_says_so() {
        let config = EngineConfig { allocation: Allocation::Auto { instances: 1_000_000 }, ..EngineConfig::default() };
        let engine = Engine::new(&config).unwrap();
        assert!(!engine.allocation().pooled);
        assert_eq!(engine.allocation().fallbacks.len(), 2, "{:?}", engine.allocation().fallbacks);
    }

    #[test]
    fn the_fingerprint_tells_settings_apart_and_is_stable() {
        let fuel = engine(Metering::FuelAndEpoch, CpuTarget::Host);
        assert_eq!(fuel.fingerprint(), engine(Metering::FuelAndEpoch, CpuTarget::Host).fingerprint());
        assert_ne!(fuel.fingerprint(), engine(Metering::Epoch, CpuTarget::Host).fingerprint());
        assert_ne!(fuel.fingerprint(), engine(Metering::FuelAndEpoch, CpuTarget::Baseline).fingerprint());
    }

    #[test]
    fn allocation_does_not_change_what_is_compiled() {
        let pooled = Engine::new(&EngineConfig::default()).unwrap();
        assert_eq!(pooled.fingerprint(), engine(Metering::FuelAndEpoch, CpuTarget::Host).fingerprint());
    }
}

/** What faults do to this process: burn CPU, hold memory, crash. The others act on requests alone. */
import type { Fault } from './fault.ts';
import type { FaultEffect } from './fault-registry.ts';

/** The event loop is blocked for at most one slice, so that requests are slow and not dead. */
const CPU_SLICE_MS = 100;
const BYTES_PER_MEBIBYTE = 1024 * 1024;
/** Zero would leave the pages untouched, and untouched pages cost no memory. */
const FILL_BYTE = 1;

function nothing(): void {}

function burnCpu(percent: number): () => void {
  const busyMs = (CPU_SLICE_MS * percent) / 100;
  const timer = setInterval(() => {
    const end = performance.now() + busyMs;
    while (performance.now() < end);
  }, CPU_SLICE_MS);
  timer.unref();
  return () => clearInterval(timer);
}

function holdMemory(mebibytes: number): () => void {
  // One piece for each mebibyte: the kernel's out-of-memory killer sees it grow, as a leak does.
  let held: Buffer[] = Array.from({ length: mebibytes }, () => Buffer.alloc(BYTES_PER_MEBIBYTE, FILL_BYTE));
  return () => {
    if (held.length > 0) held = [];
  };
}

function crashAfter(delayMs: number, crash: () => void): () => void {
  const timer = setTimeout(crash, delayMs);
  return () => clearTimeout(timer);
}

/** @param crash ends the process as a bug would */
export function createProcessEffect(crash: () => void): FaultEffect {
  return ({ kind, settings }: Fault) => {
    if (kind === 'cpu') return burnCpu(settings.percent ?? 0);
    if (kind === 'memory') return holdMemory(settings.mebibytes ?? 0);
    if (kind === 'crash') return crashAfter(settings.afterMilliseconds ?? 0, crash);
    return nothing;
  };
}

export { SandboxClock } from './clock.ts';
export type { SandboxAccess } from './guard.ts';
export { type SimulatorName, simulators } from './registry.ts';
export type { SandboxRules } from './rules.ts';
export { createSandbox, type Sandbox, type SandboxOptions } from './sandbox.ts';

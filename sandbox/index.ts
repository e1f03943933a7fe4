export { SandboxClock } from './clock.ts';
export { simulators } from './registry.ts';
export type { SandboxRules } from './rules.ts';
export { createSandbox, type Sandbox, type SandboxOptions } from './sandbox.ts';

export * from './service.ts';
export * from './config.ts';
export * from './secrets.ts';
export * from './workspaces.ts';
export * from './crm-tokens.ts';
export { createSessions } from './sessions.ts';
export { createNumberNames } from './number-names.ts';
export { createOwnNumberReader } from './own-number.ts';
export { createRetention } from './retention.ts';

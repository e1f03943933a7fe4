export * from './service.ts';
export * from './config.ts';
export * from './secrets/secrets.ts';
export * from './workspaces.ts';
export * from './accounts/crm-tokens.ts';
export { createSessions } from './members/sessions.ts';
export { createNumberNames } from './channels/number-names.ts';
export { createOwnNumberReader } from './channels/own-number.ts';
export { createRetention } from './retention.ts';

export * from './service.ts';
export * from './config.ts';
export * from './secrets.ts';
export * from './workspaces.ts';

export * from './lines.ts';
export * from './mask.ts';
export * from './days.ts';

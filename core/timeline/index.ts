export * from './lines.ts';
export * from './mask.ts';
export * from './date-format.ts';
export * from './days.ts';
export * from './words.ts';

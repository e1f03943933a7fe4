export * from './database.ts';
export * from './engine.ts';
export * from './until.ts';
export * from './vendor-data.ts';
export * from './whatsapp.ts';
export * from './canonical-state.ts';
export * from './sample-corpus.ts';
export * from './town.ts';

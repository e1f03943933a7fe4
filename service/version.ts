import manifest from './package.json' with { type: 'json' };

/** Of this Sangam. */
export const { version } = manifest;

import path from 'node:path';
import type { MediaPlace, MediaPlaces } from '@sangam/core/pipeline';
import { type BucketSettings, openBucket } from './bucket.ts';
import { openFolder } from './folder.ts';

export interface MediaSettings {
  readonly dataDir: string;
  /** Undefined: media are kept in the data folder. */
  readonly bucket: BucketSettings | undefined;
}

/** New media go into the bucket where there is one; what the folder holds from before is found there. */
export function createMediaPlaces({ dataDir, bucket }: MediaSettings): MediaPlaces {
  const inBucket = bucket === undefined ? undefined : openBucket(bucket);
  let opened: Promise<MediaPlace> | undefined;
  /** One that could not be opened, as on a full disk, is tried anew. */
  const folder = (): Promise<MediaPlace> => {
    opened ??= openFolder(path.resolve(dataDir, 'media')).catch((error: unknown) => {
      opened = undefined;
      throw error;
    });
    return opened;
  };
  return {
    current: async () => inBucket ?? folder(),
    async named(name) {
      if (inBucket?.name === name) return inBucket;
      if (!name.startsWith('folder ')) return undefined;
      const place = await folder();
      return place.name === name ? place : undefined;
    },
  };
}

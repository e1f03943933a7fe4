import type { Readable } from 'node:stream';

/** Where bytes of media lie: a folder, or a bucket. Files there bear random names and say nothing of whose they are. */
export interface MediaPlace {
  /** As rows name it. */
  readonly name: string;
  /** `sha256`: in hex. Whole or not at all; the same key anew is written over. */
  put(key: string, bytes: Blob, sha256: string): Promise<void>;
  /** Undefined: nothing lies there under this key. `part`: from which byte to which, both included. */
  get(key: string, part?: { readonly start: number; readonly end: number }): Promise<Readable | undefined>;
  /** Also of what is not there. */
  delete(key: string): Promise<void>;
}

/** What this process reaches. */
export interface MediaPlaces {
  /** Where new ones go. */
  current(): Promise<MediaPlace>;
  /** Undefined: it lies with another process. */
  named(name: string): Promise<MediaPlace | undefined>;
}

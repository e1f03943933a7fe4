import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';

/** Bytes of media, beside the journal: files of the data folder, or memory where there is none. */
export interface MediaBytes {
  /** Throws where the disk is full. */
  save(id: string, bytes: Buffer): void;
  read(id: string): Buffer | undefined;
  remove(id: string): void;
  /** Forgets what nobody knows any more. */
  keepOnly(ids: ReadonlySet<string>): void;
}

/** What all of them may take up; beyond it the oldest are forgotten. */
const mostBytes = 256 * 1024 * 1024;

export function createMediaBytes(dataDir: string | undefined): MediaBytes {
  const place = dataDir === undefined ? inMemory() : inFolder(path.join(dataDir, 'media'));
  /** Sizes, the oldest first. */
  const sizes = new Map<string, number>();
  let total = 0;

  const remove = (id: string): void => {
    total -= sizes.get(id) ?? 0;
    sizes.delete(id);
    place.remove(id);
  };

  return {
    save(id, bytes) {
      place.save(id, bytes);
      sizes.set(id, bytes.length);
      total += bytes.length;
      for (const oldest of sizes.keys()) {
        if (total <= mostBytes || oldest === id) return;
        remove(oldest);
      }
    },
    read: (id) => place.read(id),
    remove,
    keepOnly(ids) {
      for (const id of place.ids()) {
        if (!ids.has(id)) place.remove(id);
      }
      for (const id of ids) {
        const size = place.read(id)?.length;
        if (size === undefined) continue;
        sizes.set(id, size);
        total += size;
      }
    },
  };
}

interface Place extends Pick<MediaBytes, 'save' | 'read' | 'remove'> {
  ids(): Iterable<string>;
}

function inMemory(): Place {
  const kept = new Map<string, Buffer>();
  return {
    save: (id, bytes) => void kept.set(id, bytes),
    read: (id) => kept.get(id),
    remove: (id) => void kept.delete(id),
    ids: () => [...kept.keys()],
  };
}

function inFolder(folder: string): Place {
  const fileOf = (id: string): string => path.join(folder, id);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  return {
    // People try it out with pictures of their own: nobody else may read them.
    save: (id, bytes) => writeFileSync(fileOf(id), bytes, { mode: 0o600 }),
    read(id) {
      try {
        return readFileSync(fileOf(id));
      } catch {
        return undefined;
      }
    },
    remove: (id) => rmSync(fileOf(id), { force: true }),
    ids: () => readdirSync(folder),
  };
}

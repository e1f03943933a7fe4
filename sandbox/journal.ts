import { createReadStream } from 'node:fs';
import { mkdir, open, rename } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import path from 'node:path';
import { createInterface } from 'node:readline';

/** What happened in the sandbox, a JSON line each, so that it survives being killed. */
export interface Journal<Entry> {
  /** Resolves once the entry is with the operating system. */
  append(entry: Entry): Promise<void>;
  close(): Promise<void>;
}

/** A journal that forgets: the state lives as long as the process. */
export function memoryJournal<Entry>(): Journal<Entry> {
  return { append: () => Promise.resolve(), close: () => Promise.resolve() };
}

/** Replays a journal, rewrites it as the state it adds up to, and goes on from there. One process owns it. */
export async function openJournal<Entry>(
  folder: string,
  replay: (entry: Entry) => void,
  state: () => Iterable<Entry>,
): Promise<Journal<Entry>> {
  await mkdir(folder, { recursive: true });
  const file = path.join(folder, 'journal.jsonl');
  await replayFile(file, replay);
  const compacted = `${file}.new`;
  const fresh = await open(compacted, 'w');
  for (const entry of state()) await fresh.appendFile(`${JSON.stringify(entry)}\n`);
  await fresh.close();
  await rename(compacted, file);
  const handle = await open(file, 'a');
  return appending(handle);
}

async function replayFile<Entry>(file: string, replay: (entry: Entry) => void): Promise<void> {
  const existing = await open(file, 'r').catch(() => undefined);
  if (existing === undefined) return;
  await existing.close();
  for await (const line of createInterface({ input: createReadStream(file), crlfDelay: Infinity })) {
    try {
      replay(JSON.parse(line) as Entry);
    } catch {
      // Only the last line can be torn: the process was killed while writing what it had not yet answered.
      return;
    }
  }
}

function appending<Entry>(handle: FileHandle): Journal<Entry> {
  let waiting: { line: string; resolve: () => void; reject: (error: unknown) => void }[] = [];
  let writing: Promise<void> | undefined;
  const write = async (): Promise<void> => {
    while (waiting.length > 0) {
      const batch = waiting;
      waiting = [];
      try {
        await handle.appendFile(batch.map(({ line }) => line).join(''));
        for (const { resolve } of batch) resolve();
      } catch (error) {
        for (const { reject } of batch) reject(error);
      }
    }
    writing = undefined;
  };
  return {
    append: (entry) =>
      new Promise((resolve, reject) => {
        waiting.push({ line: `${JSON.stringify(entry)}\n`, resolve, reject });
        writing ??= write();
      }),
    async close() {
      await writing;
      await handle.close();
    },
  };
}

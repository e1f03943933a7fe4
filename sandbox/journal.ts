import { type FileHandle, mkdir, open, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';

/** A keeper of state: it can take in again what it appended, and tell its state in as few entries. */
export interface JournalPart {
  readonly name: string;
  replay(entry: unknown): void;
  snapshot(): Iterable<unknown>;
}

/**
 * State changes as JSON lines, `[part, entry]`. Survives the death of the process at any instruction, not of the
 * machine: nothing is synced to disk after the start.
 */
export interface Journal {
  append(part: string, entry: unknown): void;
  /** Resolves when all that was appended so far is written. Rejects when it could not be. */
  written(): Promise<void>;
  close(): Promise<void>;
}

export type Append = (entry: unknown) => void;

const lineSchema = z.tuple([z.string(), z.unknown()]);
const linesPerWrite = 1_000;

/**
 * Loads the folder's journal into the parts, writes it anew without what was overtaken, and goes on from there.
 * Without a folder nothing is kept. Throws when the file is damaged elsewhere than in its last line.
 */
export async function openJournal(
  dataDir: string | undefined,
  parts: readonly JournalPart[],
): Promise<Journal> {
  if (dataDir === undefined) {
    return { append: () => undefined, written: () => Promise.resolve(), close: () => Promise.resolve() };
  }
  await mkdir(dataDir, { recursive: true });
  const file = path.join(dataDir, 'sandbox.jsonl');
  await load(file, parts);
  await compact(file, parts);
  return appendTo(await open(file, 'a'));
}

async function load(file: string, parts: readonly JournalPart[]): Promise<void> {
  const handle = await openExisting(file);
  if (handle === undefined) return;
  const byName = new Map(parts.map((part) => [part.name, part]));
  let number = 0;
  let torn: number | undefined;
  for await (const line of handle.readLines()) {
    number += 1;
    if (torn !== undefined) throw damaged(file, torn);
    const read = lineSchema.safeParse(parse(line));
    // A kill in the middle of a write leaves half a line at the end; what it was part of was never answered.
    if (!read.success) torn = number;
    else replay(byName.get(read.data[0]), read.data[1], file, number);
  }
}

async function openExisting(file: string): Promise<FileHandle | undefined> {
  try {
    return await open(file, 'r');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
}

function replay(part: JournalPart | undefined, entry: unknown, file: string, line: number): void {
  if (part === undefined) throw damaged(file, line);
  try {
    part.replay(entry);
  } catch (error) {
    throw damaged(file, line, error);
  }
}

function damaged(file: string, line: number, cause?: unknown): Error {
  const message = `${file} is damaged at line ${String(line)}: delete it to start the sandbox afresh.`;
  return new Error(message, { cause });
}

function parse(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}

async function compact(file: string, parts: readonly JournalPart[]): Promise<void> {
  const fresh = `${file}.new`;
  // People try it out with numbers of their own: nobody else may read it, whatever an earlier start left.
  await rm(fresh, { force: true });
  const handle = await open(fresh, 'wx', 0o600);
  try {
    let lines: string[] = [];
    for (const part of parts) {
      for (const entry of part.snapshot()) {
        lines.push(toLine(part.name, entry));
        if (lines.length < linesPerWrite) continue;
        await handle.appendFile(lines.join(''));
        lines = [];
      }
    }
    await handle.appendFile(lines.join(''));
    await handle.sync();
  } finally {
    await handle.close();
  }
  await rename(fresh, file);
}

function appendTo(handle: FileHandle): Journal {
  let gathering: string[] | undefined;
  let failed = false;
  let tail = Promise.resolve();

  const writeNext = async (): Promise<void> => {
    const lines = gathering ?? [];
    gathering = undefined;
    await handle.appendFile(lines.join(''));
  };

  return {
    append(part, entry) {
      if (failed) return;
      if (gathering === undefined) {
        gathering = [];
        tail = tail.then(writeNext);
        // Whoever asks `written` hears of a failure; nobody asking must not end the process.
        tail.catch(() => {
          failed = true;
        });
      }
      gathering.push(toLine(part, entry));
    },
    written: () => tail,
    async close() {
      await tail.catch(() => undefined);
      await handle.close();
    },
  };
}

function toLine(part: string, entry: unknown): string {
  return `${JSON.stringify([part, entry])}\n`;
}

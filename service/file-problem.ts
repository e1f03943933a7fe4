import { type FileHandle, stat } from 'node:fs/promises';

const problems: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file or folder: correct the path',
  EISDIR: 'it is a folder: name a file in it',
  ERR_FS_EISDIR: 'it is a folder: name a file in it',
  ENOTDIR: 'a part of the path is a file: correct the path',
  EACCES: 'this user may not: mend the rights of it and its folder, or name another',
  EPERM: 'this user may not: mend the rights of it and its folder, or name another',
  EROFS: 'nothing can be written there: name another',
  ENOSPC: 'the disk is full: make room, or name another',
};

/** A file somebody named, as `open` opens it. Throws an `Error` that says why it cannot be, and what to do. */
export async function openNamed(
  file: string,
  done: 'read' | 'written',
  open: () => Promise<FileHandle>,
): Promise<FileHandle> {
  const there = await stat(file).catch(() => undefined);
  if (there?.isDirectory() === true) throw new Error(told(file, done, 'EISDIR'));
  // Such as /dev/null: what is written takes the place of what stands there.
  if (done === 'written' && there?.isFile() === false) {
    throw new Error(`${file} cannot be written: it is a device, pipe or socket: name a file.`);
  }
  return open().catch((error: unknown) => {
    throw fileProblem(error, file, done);
  });
}

/** Why a file could not be read or written, and what to do. Anything but a file's problem is as it was. */
export function fileProblem(error: unknown, file: string, done: 'read' | 'written'): unknown {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  return Object.hasOwn(problems, code) ? new Error(told(file, done, code), { cause: error }) : error;
}

function told(file: string, done: 'read' | 'written', code: string): string {
  return `${file} cannot be ${done}: ${problems[code] ?? ''} (${code}).`;
}

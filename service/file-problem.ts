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

/** Why a file could not be read or written, and what to do. Anything but a file's problem is as it was. */
export function fileProblem(error: unknown, file: string, done: 'read' | 'written'): unknown {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  const problem = problems[code];
  if (problem === undefined) return error;
  return new Error(`${file} cannot be ${done}: ${problem} (${code}).`, { cause: error });
}

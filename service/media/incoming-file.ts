import { PassThrough, type Readable } from 'node:stream';
import busboy from 'busboy';
import type { Request } from 'express';
import { Refusal } from '@sangam/core/errors';

/** A file as a request brings it: as its body, or as the first file of a form. */
export interface IncomingFile {
  readonly stream: Readable;
  readonly claimedType: string;
  /** As its form says it. */
  readonly filename: string | undefined;
  /** The rest of the request is not read. */
  leave(): void;
}

/** Throws a `Refusal` where there is none. */
export async function fileOf(request: Request): Promise<IncomingFile> {
  const type = request.headers['content-type'] ?? '';
  if (request.body !== undefined || type === '') throw noFile();
  if (/^multipart\/form-data\b/i.test(type)) return fileOfForm(request);
  const stream = new PassThrough();
  follow(request, stream);
  return {
    stream: request.pipe(stream),
    claimedType: type,
    filename: undefined,
    leave: () => request.unpipe(stream),
  };
}

function fileOfForm(request: Request): Promise<IncomingFile> {
  return new Promise((resolve, reject) => {
    const form = openForm(request);
    follow(request, form);
    form.once('file', (_name, stream, { filename, mimeType }) => {
      resolve({ stream, claimedType: mimeType, filename, leave: () => request.unpipe(form) });
    });
    form.once('error', () => reject(noFile()));
    form.once('close', () => reject(noFile()));
    request.pipe(form);
  });
}

function openForm({ headers }: Request): busboy.Busboy {
  try {
    return busboy({
      headers,
      defParamCharset: 'utf8',
      limits: { files: 1, fields: 10, fieldSize: 1024, parts: 12 },
    });
  } catch {
    throw noFile();
  }
}

/** A request that breaks off ends what reads it. */
function follow(request: Request, reader: PassThrough | busboy.Busboy): void {
  request.once('close', () => {
    if (!request.complete) reader.destroy(new Error('The request ended before it was whole.'));
  });
}

function noFile(): Refusal {
  return new Refusal(
    'invalid',
    'bad_request',
    'This takes a file: as the body, with its content-type and ?filename=…, or as the first file of multipart/form-data.',
  );
}

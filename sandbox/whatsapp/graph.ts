import type { Request } from 'express';
import { arrivalOf, monotonicMs } from '../arrivals.ts';
import type { SandboxClock } from '../clock.ts';
import type { VendorCall, VendorRequest } from '../crm.ts';
import type { Fault } from '../faults.ts';
import { type Answer, parseJson } from '../http.ts';
import { badToken, graphError, unknownNode, unknownObject } from './graph-errors.ts';
import type { MediaOperations } from './media-operations.ts';
import type { Numbers } from './numbers.ts';
import type { Requests } from './requests.ts';
import { bodyFacts } from './send-body.ts';
import type { Endpoint, PreparedSend } from './send.ts';
import type { SendingLimits } from './sending-limits.ts';
import type { TemplateOperations } from './template-operations.ts';
import type { UploadSessions } from './upload-sessions.ts';

/** Graph as an app calls it: any version, one app, one account, one number. docs/vendors/whatsapp.md §3. */
export interface Graph {
  call(request: VendorRequest, incoming: Request): Promise<VendorCall>;
  failure(asked: { readonly status?: number | undefined; readonly code?: string | undefined }): Answer;
  /** Whether these headers or this query carry the token. */
  isAuthorized(request: Pick<VendorRequest, 'headers' | 'query'>): boolean;
}

interface Operation {
  readonly name: string;
  run(): Answer;
  readonly fault?: Fault | undefined;
  end?(answered: Answer | undefined): void;
}

export function createGraph(options: {
  phoneNumberId: string;
  wabaId: string;
  appId: string;
  accessToken: string;
  clock: SandboxClock;
  numbers: Numbers;
  templates: TemplateOperations;
  media: MediaOperations;
  uploads: UploadSessions;
  limits: SendingLimits;
  requests: Requests;
  prepareSend: (text: string, endpoint: Endpoint) => PreparedSend;
}): Graph {
  const { phoneNumberId, wabaId, appId, accessToken, clock } = options;
  const { numbers, templates, media, uploads, limits, requests } = options;

  const isAuthorized: Graph['isAuthorized'] = ({ headers, query }) =>
    [`Bearer ${accessToken}`, `OAuth ${accessToken}`].includes(headers.authorization ?? '') ||
    query.get('access_token') === accessToken;

  const send = (request: VendorRequest, incoming: Request, id: string, endpoint: Endpoint): Operation => {
    const isOurs = isAuthorized(request) && id === phoneNumberId;
    const prepared = isOurs ? options.prepareSend(request.text, endpoint) : undefined;
    const told = bodyFacts.safeParse(parseJson(request.text)).data ?? {};
    const entry = requests.begin({
      ...arrivalOf(incoming),
      at: clock.now(),
      endpoint,
      to: told.to,
      recipient: told.recipient,
      type: told.status ?? told.type ?? 'text',
      template: told.template?.name,
      language: told.template?.language?.code,
      category: prepared?.template?.category,
      opaque: told.biz_opaque_callback_data,
    });
    const accepted = (wamid: string): void => {
      entry.wamid = wamid;
    };
    return {
      name: `POST /${endpoint}`,
      run: () => prepared?.run(accepted) ?? unknownObject(id),
      fault: prepared?.fault,
      end(answered) {
        const status = incoming.res?.headersSent === true ? incoming.res.statusCode : undefined;
        if (status !== undefined) Object.assign(entry, { status, answeredMonotonicMs: monotonicMs() });
        entry.code = codeOf(answered);
      },
    };
  };

  const uploadMedium = async (request: VendorRequest, id: string): Promise<Operation> => {
    const form = isAuthorized(request) ? await formOf(request) : undefined;
    const file = form?.get('file');
    const upload =
      file instanceof File ? { type: file.type, bytes: Buffer.from(await file.arrayBuffer()) } : undefined;
    return {
      name: 'POST /media',
      run: () => (id === phoneNumberId ? media.upload(form, upload) : unknownObject(id)),
    };
  };

  const edge = (request: VendorRequest, id: string, name: string): Operation => {
    const { method, query, text } = request;
    const operation = `${method} /${name}`;
    const onAccount = (run: () => Answer): Operation => ({
      name: operation,
      run: () => (id === wabaId ? run() : unknownNode(id, method.toLowerCase())),
    });
    switch (operation) {
      case 'GET /phone_numbers':
        return onAccount(() => numbers.list(query));
      case 'GET /message_templates':
        return onAccount(() => templates.list(query));
      case 'POST /message_templates':
        return onAccount(() => templates.submit(text));
      case 'DELETE /message_templates':
        return onAccount(() => templates.remove(query));
      case 'POST /uploads':
        return {
          name: operation,
          run: () => (id === appId ? uploads.open(request) : unknownNode(id, 'post')),
        };
      default:
        return { name: 'unknown', run: () => unknownNode(`${id}/${name}`, method.toLowerCase()) };
    }
  };

  const node = (request: VendorRequest, id: string): Operation => {
    const { method, query, text } = request;
    const none = unknownNode(id, method.toLowerCase());
    const named = (name: string, run: () => Answer | undefined): Operation => ({
      name,
      run: () => run() ?? none,
    });
    if (id.startsWith('upload:'))
      return named(`${method} /{upload}`, () =>
        method === 'POST' ? uploads.append(id, request) : uploads.read(id),
      );
    if (method === 'DELETE') return named('DELETE /{media}', () => media.remove(id, request));
    if (method === 'POST') return named('POST /{template}', () => templates.edit(id, text));
    if (id === phoneNumberId) return named('GET /{number}', () => numbers.read(query));
    if (id === wabaId) return named('GET /{account}', () => numbers.account(query));
    return named('GET /{node}', () => templates.read(id, query) ?? media.read(id, request));
  };

  const operationOf = async (request: VendorRequest, incoming: Request): Promise<Operation> => {
    const { method, path } = request;
    if (path === downloads) return { name: 'GET /{media url}', run: () => media.download(request.query) };
    const [, id = '', name, ...rest] = path
      .replace(/^\/v\d+(\.\d+)?/, '')
      .split('/')
      .map(decodeURIComponent);
    if (rest.length > 0 || id === '')
      return { name: 'unknown', run: () => unknownNode(path, method.toLowerCase()) };
    if (name === undefined) return node(request, id);
    if (method === 'POST' && (name === 'messages' || name === 'marketing_messages'))
      return send(request, incoming, id, name);
    if (method === 'POST' && name === 'media') return uploadMedium(request, id);
    return edge(request, id, name);
  };

  const withUsage = (answer: Answer): Answer => ({
    ...answer,
    headers: {
      'X-Business-Use-Case-Usage': JSON.stringify({ [wabaId]: [limits.usage()] }),
      ...answer.headers,
    },
  });

  return {
    async call(request, incoming) {
      const operation = await operationOf(request, incoming);
      return {
        operation: operation.name,
        fault: operation.fault,
        run() {
          if (!isAuthorized(request)) return badToken(request.headers.authorization);
          const limited = limits.call();
          return withUsage(limited === undefined ? operation.run() : graphError(limited));
        },
        end: (answered) => operation.end?.(answered),
      };
    },
    failure({ status, code }) {
      const meant = code === undefined ? codeByStatus(status) : Number(code);
      return withUsage(graphError({ code: meant }, { status }));
    },
    isAuthorized,
  };
}

const downloads = '/whatsapp_business/attachments/';

/** Where a vendor's path begins, as `GET /sandbox` has it below `/whatsapp`. */
export function isGraphPath(path: string): boolean {
  return path === downloads || /^\/v\d+(\.\d+)?\//.test(path);
}

function codeByStatus(status = 500): number {
  if (status === 401) return 190;
  if (status === 429) return 4;
  if (status < 500) return 100;
  return status === 500 ? 1 : 2;
}

function codeOf(answered: Answer | undefined): number | undefined {
  const { error } = (answered?.body ?? {}) as { error?: { code?: number } };
  return error?.code;
}

/** Undefined: it is no form. */
async function formOf({ headers, bytes }: VendorRequest): Promise<FormData | undefined> {
  const type = headers['content-type'] ?? '';
  if (!type.startsWith('multipart/form-data')) return undefined;
  try {
    return await new Response(new Uint8Array(bytes), { headers: { 'content-type': type } }).formData();
  } catch {
    return undefined;
  }
}

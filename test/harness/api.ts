import { type ServiceProcess, enter } from './service-fixture.ts';

/** What the API says; `body`: undefined where it says nothing. */
interface ApiAnswer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  readonly body: never;
}

/** Asks the API for what lies below `/api/v1`. */
export type Api = (method: string, path: string, body?: unknown) => Promise<ApiAnswer>;

/** The API as whoever holds this session sees it. */
export function apiOf(url: string, session: string): Api {
  return async (method, path, body) => {
    const response = await fetch(`${url}/api/v1${path}`, {
      method,
      headers: { authorization: `Bearer ${session}`, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    return {
      status: response.status,
      headers: response.headers,
      text,
      body: (text === '' ? undefined : JSON.parse(text)) as never,
    };
  };
}

/** Enters by the link a service printed when it started. */
export async function signIn(
  service: ServiceProcess,
): Promise<{ readonly link: string; readonly session: string; readonly api: Api }> {
  const link = /http\S+\/admin\/enter\/\S+/.exec(service.output())?.[0];
  if (link === undefined) throw new Error('The service printed no admin link.');
  const session = await enter(service.url, link);
  return { link, session, api: apiOf(service.url, session) };
}

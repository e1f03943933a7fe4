import express, { type Request, type RequestHandler, type Response, Router } from 'express';
import type { MemberRole } from '@sangam/core/store';
import type { Member } from '../members/sessions.ts';
import { mustBeUtf8, notFound, otherMethods } from './errors.ts';
import { readableText } from './input.ts';

/** One thing the API does. */
export interface Route {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  /** Below `/api/v1`, as Express reads it. */
  readonly path: string;
  /** The least a member must be: who may read, a rep, an admin. */
  readonly may: MemberRole;
  readonly handle: (request: Request, response: Answer) => Promise<void>;
}

type Handle = Route['handle'];

export function route(method: Route['method'], path: string, may: MemberRole, handle: Handle): Route {
  return { method, path, may, handle };
}

/** `locals.member`: who asks. */
export type Answer = Response<unknown, { member: Member }>;

const largestBody = 1024 * 1024;

/** Serves these routes: another method of a path that is there is a 405, another path a 404, whoever asks. */
export function apiRouter(
  routes: readonly Route[],
  requireMember: (may: MemberRole) => RequestHandler,
): Router {
  const router = Router();
  const readJson = express.json({ limit: largestBody, verify: mustBeUtf8 });
  for (const [path, ofPath] of Map.groupBy(routes, (route) => route.path)) {
    const atPath = router.route(path);
    for (const { method, may, handle } of ofPath) {
      const verb = method.toLowerCase() as Lowercase<typeof method>;
      atPath[verb](requireMember(may), readJson, readableText);
      atPath[verb](handle);
    }
    atPath.all(otherMethods(...ofPath.map(({ method }) => method)));
  }
  router.use(notFound);
  return router;
}

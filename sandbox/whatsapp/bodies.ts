import type { RequestHandler } from 'express';
import { isAdmitted } from '../admission.ts';
import { rawBodies } from '../http.ts';
import type { Graph } from './graph.ts';

/** Media are larger than anything else, and are read only of those who may put them here. */
export function mediaBodies(graph: Pick<Graph, 'isAuthorized'>): RequestHandler {
  const large = rawBodies('101mb');
  return async (request, response, next) => {
    const { path, headers, method } = request;
    const query = new URL(request.url, 'http://localhost').searchParams;
    const isVendors = /^\/v\d+(\.\d+)?\/([^/]+\/media|upload:[^/]+)$/.test(path);
    const isLarge =
      method === 'POST' &&
      ((isVendors && graph.isAuthorized({ headers, query })) ||
        (path === '/customer/media' && (await isAdmitted(response))));
    if (isLarge) await large(request, response, next);
    else next();
  };
}

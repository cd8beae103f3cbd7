// Events of API Gateway, function URLs and load balancers as HTTP requests. Pure.

import {
  bodyOf,
  type EventRequest,
  encodeText,
  escaped,
  HeaderList,
  isTree,
  type Tree,
  textIn,
  treeIn,
} from './http-request.ts';

/** The request of an HTTP event; undefined for an event of another kind. */
export function httpRequestOf(event: Tree): EventRequest | undefined {
  const context = treeIn(event, 'requestContext');
  if (isTree(context['elb'])) return fromLoadBalancer(event, context);
  if (isTree(context['http'])) return fromVersion2(event, context);
  if (typeof event['httpMethod'] === 'string' && isTree(event['requestContext'])) return fromVersion1(event, context);
  return undefined;
}

/** REST APIs, and HTTP APIs with payload format 1.0: names and values of the query are decoded, the path has no stage. */
function fromVersion1(event: Tree, context: Tree): EventRequest {
  const headers = new HeaderList();
  headers.addAll(treeIn(event, 'headers'), treeIn(event, 'multiValueHeaders'));
  return {
    ...common(event, context),
    method: textIn(event, 'httpMethod'),
    target: pathOf(textIn(event, 'path')) + queryString(event, encodeText),
    headers: headers.withHost(textIn(context, 'domainName')),
    remoteAddress: textIn(treeIn(context, 'identity'), 'sourceIp'),
    style: 'api-v1',
  };
}

/** HTTP APIs with payload format 2.0 and function URLs: the query is as the client sent it, cookies are a list. */
function fromVersion2(event: Tree, context: Tree): EventRequest {
  const http = treeIn(context, 'http');
  const headers = new HeaderList();
  headers.addAll(treeIn(event, 'headers'), {});
  const cookies = event['cookies'];
  if (Array.isArray(cookies) && cookies.length > 0) headers.add('cookie', cookies.join('; '));
  const query = textIn(event, 'rawQueryString');
  return {
    ...common(event, context),
    method: textIn(http, 'method'),
    target:
      pathOf(withoutStage(textIn(event, 'rawPath'), textIn(context, 'stage'))) +
      (query === '' ? '' : `?${escaped(query, /#/g)}`),
    headers: headers.withHost(textIn(context, 'domainName')),
    remoteAddress: textIn(http, 'sourceIp'),
    style: 'api-v2',
  };
}

/** Load balancers leave names and values of the query as the client escaped them, and name the client in X-Forwarded-For alone. */
function fromLoadBalancer(event: Tree, context: Tree): EventRequest {
  const headers = new HeaderList();
  const multi = isTree(event['multiValueHeaders']);
  headers.addAll(treeIn(event, 'headers'), treeIn(event, 'multiValueHeaders'));
  return {
    ...common(event, context),
    method: textIn(event, 'httpMethod'),
    target: pathOf(textIn(event, 'path')) + queryString(event, (part) => escaped(part, /[#&]/g)),
    headers: headers.withHost(''),
    remoteAddress: forwardedFor(headers.list),
    style: multi ? 'alb-multi' : 'alb',
  };
}

function common(event: Tree, context: Tree): Pick<EventRequest, 'body' | 'requestContext'> {
  return { body: bodyOf(event), requestContext: JSON.stringify(context) };
}

function pathOf(path: string): string {
  const text = escaped(path, /[?#]/g);
  return text.startsWith('/') ? text : `/${text}`;
}

/** An HTTP API puts the name of a stage before the path; the application does not know of it. */
function withoutStage(path: string, stage: string): string {
  if (stage === '' || stage === '$default') return path;
  const prefix = `/${stage}`;
  return path === prefix || path.startsWith(`${prefix}/`) ? path.slice(prefix.length) : path;
}

function queryString(event: Tree, encode: (part: string) => string): string {
  const pairs: string[] = [];
  const multi = Object.entries(treeIn(event, 'multiValueQueryStringParameters'));
  const add = (name: string, value: unknown): void => {
    pairs.push(`${encode(name)}=${encode(typeof value === 'string' ? value : '')}`);
  };
  for (const [name, values] of multi) for (const value of Array.isArray(values) ? values : []) add(name, value);
  if (multi.length === 0) {
    for (const [name, value] of Object.entries(treeIn(event, 'queryStringParameters'))) add(name, value);
  }
  return pairs.length === 0 ? '' : `?${pairs.join('&')}`;
}

/** The last address is the one that the load balancer has added; those before it are what the client says. */
function forwardedFor(headers: readonly string[]): string {
  const at = headers.lastIndexOf('x-forwarded-for');
  return at === -1 ? '' : (headers[at + 1]?.split(',').pop()?.trim() ?? '');
}

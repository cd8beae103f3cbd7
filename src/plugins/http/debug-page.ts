// pool.debug: what a developer is shown when PHP could not answer.

import { STATUS_CODES } from 'node:http';
import type { RrtsError } from '../../core/errors.ts';

/** A page with its type. */
export interface DebugPage {
  readonly type: string;
  readonly text: string;
}

/** The page of a failure, as HTML when `accept` (the request's header) names it. It looks like that of rrts/php-client. */
export function debugPage(error: RrtsError, status: number, accept: string | undefined): DebugPage {
  const title = `${status} ${STATUS_CODES[status] ?? ''}`.trimEnd();
  const text = error.cure === undefined ? error.message : `${error.message}\n\n${error.cure}`;
  if (!/\btext\/html\b/i.test(accept ?? '')) {
    return { type: 'text/plain; charset=utf-8', text: `${title}\n\n${text}` };
  }
  const html = `<!DOCTYPE html>
<html lang="en"><meta charset="utf-8"><title>${escapeHtml(title)}</title>
<h1>${escapeHtml(title)}</h1>
<pre>${escapeHtml(text)}</pre>
</html>`;
  return { type: 'text/html; charset=utf-8', text: html };
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#039;',
};

function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => ENTITIES[character] as string);
}

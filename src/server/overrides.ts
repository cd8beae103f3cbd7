// `-o key.sub=value` from the command line, as configuration trees.

import { RrtsError } from '../core/errors.ts';
import { type ConfigNode, emptyMap, type MapNode, mergeTrees, nest } from './config-tree.ts';

/** The place that errors of overridden values name. */
export const OVERRIDE_PLACE = '-o';

/** And those of globs. */
const WATCH_PLACE = '--watch';

/**
 * All overrides in one tree; a later one wins. Values stay texts: the schema decides what becomes a number or a list.
 * @throws RrtsError ERR_CONFIG_INVALID when one has no `=` or no key.
 */
export function parseOverrides(overrides: readonly string[]): MapNode {
  let tree = emptyMap(OVERRIDE_PLACE);
  for (const override of overrides) {
    const equals = override.indexOf('=');
    const path = override.slice(0, Math.max(equals, 0)).trim().split('.');
    if (equals === -1 || path.some((key) => key === '')) {
      throw new RrtsError('ERR_CONFIG_INVALID', `-o ${override}: must be key=value, such as http.address=:8080`);
    }
    const value = { kind: 'scalar', place: OVERRIDE_PLACE, value: override.slice(equals + 1) } as const;
    tree = mergeTrees(tree, nest(path, OVERRIDE_PLACE, value));
  }
  return tree;
}

/** Puts the globs of `--watch` in; without any it keeps those of the file, and turns watching on where there are none. */
export function withWatch(tree: MapNode, globs: readonly string[] | undefined): MapNode {
  if (globs === undefined) return tree;
  const scalar = (value: string | boolean) => ({ kind: 'scalar', place: WATCH_PLACE, value }) as const;
  const put = (node: ConfigNode): MapNode => mergeTrees(tree, nest(['reload', 'watch'], WATCH_PLACE, node));
  if (globs.length > 0) return put({ kind: 'list', place: WATCH_PLACE, items: globs.map(scalar) });
  const section = tree.entries.get('reload')?.node;
  const written = section?.kind === 'map' ? section.entries.get('watch')?.node : undefined;
  const isOff = written?.kind === 'scalar' && [null, false, 'false'].includes(written.value as null | boolean | string);
  return written === undefined || isOff ? put(scalar(true)) : tree;
}

// A service with every kind of schema that PHP has a type for.

import { bytes, defineService, z } from '../../../src/index.ts';

const address = z.object({ street: z.string(), 'post-code': z.string(), since: z.date() });

interface Branch {
  name: string;
  children: Branch[];
}
const branch: z.ZodType<Branch> = z.lazy(() => z.object({ name: z.string(), children: z.array(branch) }));
const category = z.object({
  name: z.string(),
  get children() {
    return z.array(category);
  },
});
const range = z.object({ from: z.date(), until: z.date().optional() });
const deep = z.record(z.string(), z.array(z.date().nullable()));

function unused(): never {
  throw new Error('only the schemas are of interest');
}

/** Only its schemas are of interest. */
export const RICH = defineService({
  create: {
    description:
      'Makes a small image of a large one, in one of the formats that every browser of today can show. */ @here',
    input: z.object({
      image: bytes().describe('what was uploaded'),
      quality: z.int().min(1).max(100).default(80).describe('1 to 100'),
      width: z.int(),
      height: z.int().optional(),
      format: z.enum(['jpeg', 'webp', "it's"]).default('webp'),
      at: z.date(),
      until: z.date().nullish(),
      ratio: z.number().nullable(),
      labels: z.record(z.string(), z.string()).default({}),
      'content-type': z.string().nullable().default(null),
      addresses: z.array(address).optional(),
      result: z.union([z.string(), z.int(), z.date()]).optional(),
      arguments: z.boolean().default(false),
    }),
    output: z
      .object({
        image: bytes(),
        made: z.date(),
        expires: z.date().optional(),
        gone: z.date().nullable(),
        seen: z.date().nullish(),
        steps: z.array(
          z.object({
            name: z.string(),
            at: z.date(),
            took: z.number(),
            notes: z.array(z.object({ text: z.string(), read: z.date().optional() })),
          }),
        ),
        byName: z.record(z.string(), z.date()),
        either: z.union([z.date(), z.int()]),
        kind: z.enum(['jpeg', 'webp']),
        extra: z.looseObject({ id: z.int() }).optional(),
        pair: z.tuple([z.string(), z.date()]),
      })
      .describe('the image and how it came about'),
    handler: unused,
  },
  list: { input: z.object({}), output: z.array(address), handler: unused },
  count: { input: z.void(), output: z.int(), handler: unused },
  when: { input: z.object({}), output: z.date(), handler: unused },
  maybe: { input: z.object({ a: z.string().optional() }), output: z.date().nullable(), handler: unused },
  forget: { input: z.string().describe('which'), output: z.void(), handler: unused },
  whole: { input: z.array(z.date()), output: z.unknown(), handler: unused },
  tree: { input: branch, output: category, handler: unused },
  both: {
    input: z.object({
      flags: z.record(z.enum(['a', 'b']), z.boolean()),
      some: z.partialRecord(z.enum(['x', 'y']), z.int()),
    }),
    output: z.intersection(z.object({ a: z.int() }), z.object({ b: z.literal(['x', 1, true, null]) })),
    handler: unused,
  },
  shape: {
    input: z.discriminatedUnion('kind', [
      z.object({ kind: z.literal('circle'), radius: z.number() }),
      z.object({ kind: z.literal('square'), side: z.number() }),
    ]),
    output: z.union([
      z.object({ ok: z.literal(true), area: z.number() }),
      z.object({ ok: z.literal(false), why: z.string() }),
    ]),
    handler: unused,
  },
  dates: {
    input: z.object({ range, days: z.array(z.date()).default([]), deep }),
    output: z.object({ range, deep: deep.optional() }),
    handler: unused,
  },
  text: {
    input: z.object({
      email: z.email(),
      amount: z.coerce.number(),
      flag: z.stringbool(),
      trimmed: z.string().transform((text) => text.length),
      before: z.preprocess((value) => value, z.int()),
      big: z.bigint().optional(),
      when: z.date().default(() => new Date()),
      random: z.number().default(() => Math.random()),
    }),
    output: z.string(),
    handler: unused,
  },
});

// A typed service: `rrts stubs` makes src/Node/Thumbnails.php of it.

import { bytes, defineService, z } from 'rrts';
import sharp from 'sharp';

export const thumbnails = defineService({
  create: {
    description: 'Makes a small image of a large one.',
    input: z.object({
      image: bytes().describe('a JPEG, PNG, WebP, GIF or AVIF file'),
      width: z.int().min(1).max(2000).describe('in pixels; an image that is smaller keeps its size'),
      format: z.enum(['webp', 'jpeg', 'png']).default('webp'),
    }),
    output: z.object({
      image: bytes(),
      width: z.int(),
      height: z.int(),
      type: z.string().describe('media type'),
      madeAt: z.date(),
    }),
    async handler({ image, width, format }, { logger }) {
      const { data, info } = await sharp(image)
        .resize({ width, withoutEnlargement: true })
        .toFormat(format)
        .toBuffer({ resolveWithObject: true });
      logger.debug({ from: image.length, to: data.length }, 'made a thumbnail');
      return { image: data, width: info.width, height: info.height, type: `image/${info.format}`, madeAt: new Date() };
    },
  },
});

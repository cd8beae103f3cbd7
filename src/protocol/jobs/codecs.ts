// Job heads out, job replies in: picks the codec.

import type { HeadCodec, Payload } from '../payload.ts';
import type { JobHead, JobReply } from './head.ts';
import { decodeNativeReply, encodeNativeJob } from './native-job.ts';
import { decodeSdkReply, encodeSdkJob } from './sdk-job.ts';

/** The frame payload of a job, in the codec of the worker that takes it (docs/protocol.md, section 6). Never throws. */
export function encodeJobRequest(codec: HeadCodec, head: JobHead, payload: Buffer): Payload {
  return codec === 'native' || codec === 'native-json'
    ? encodeNativeJob(codec, head, payload)
    : encodeSdkJob(head, payload);
}

/** Decodes the whole reply of a worker. @throws RrtsError ERR_PROTOCOL_HEAD for native workers only: a reply that makes no sense. */
export function decodeJobReply(codec: HeadCodec, flags: number, head: Buffer, body: Buffer): JobReply {
  return codec === 'native' || codec === 'native-json' ? decodeNativeReply(flags, head) : decodeSdkReply(body);
}

// Head and body: what a request or reply frame carries.

/** One message between master and worker. `head` is encoded by one of the head codecs, `body` is raw bytes. */
export interface Payload {
  /** Frame flags that name the codec of `head`: see FLAG in frame.ts. */
  readonly flags: number;
  readonly head: Buffer;
  readonly body: Buffer;
}

/** How a worker wants its heads: decided at the handshake. `native` is MessagePack, `native-json` its fallback; `json` and `proto` are RoadRunner's. */
export type HeadCodec = 'native' | 'native-json' | 'json' | 'proto';

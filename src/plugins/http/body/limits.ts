// What a request body may be, and where its files go.

/** Limits and options of request bodies, from the `http:` section. */
export interface BodyLimits {
  /** Largest body in bytes (`max_request_size`). */
  readonly maxBytes: number;
  /** True: forms and uploads are handed to PHP as they came (`raw_body`). */
  readonly rawBody: boolean;
  readonly uploads: UploadOptions;
  /** Largest number of fields in a multipart body, files not counted. Default 1000, PHP's max_input_vars. */
  readonly maxFields?: number;
  /** Largest number of files in a multipart body. Default 1000. */
  readonly maxFiles?: number;
  /** Bytes of all fields of a multipart body together; they are held in memory. Default 32 MiB. */
  readonly maxFieldBytes?: number;
  /** Told of temporary files that could not be written or removed. */
  onError?(error: Error, path: string): void;
}

/** Where and which files are kept: `http.uploads`. */
export interface UploadOptions {
  /** Directory of the temporary files. */
  readonly dir: string;
  /** Extensions that get PHP error 8, with or without the dot, in any case. Wins over `allow`. */
  readonly forbid: readonly string[];
  /** When not empty, every other extension gets PHP error 8. */
  readonly allow: readonly string[];
  /** `server.user`: the files are given to it, so that the application can move them. */
  readonly owner?: { readonly uid: number; readonly gid: number };
}

/** Defaults of the optional limits. */
export const DEFAULT_LIMITS = { maxFields: 1000, maxFiles: 1000, maxFieldBytes: 32 * 1024 * 1024 } as const;

/** Longest name of a multipart field in bytes. */
export const MAX_NAME_BYTES = 1024;

/** Header lines and bytes of one multipart part. Browsers send two lines. */
export const MAX_PART_HEADERS = 32;
export const MAX_PART_HEADER_BYTES = 8 * 1024;

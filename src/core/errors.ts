// The one error class of rrts and the table of every code it can carry.

/** Stable error codes. docs/errors.md lists the same codes; a test keeps the two equal. */
export const ERROR_CODES = {
  ERR_CONFIG_NOT_FOUND: 'the configuration file does not exist or cannot be read',
  ERR_CONFIG_SYNTAX: 'the configuration file is not well-formed YAML',
  ERR_CONFIG_INVALID: 'the configuration has a wrong key or value',
  ERR_CONFIG_ENVIRONMENT: 'an environment variable or a dotenv file cannot be resolved',
  ERR_ROOT_REFUSED: 'PHP would run as root, and nobody said that it may',
  ERR_LISTEN: 'an address cannot be listened on',
  ERR_PROTOCOL_FRAME: 'bytes arrived that are not a frame',
  ERR_PROTOCOL_HEAD: 'a frame has a head that cannot be decoded',
  ERR_PROTOCOL_SEQUENCE: 'a well-formed frame arrived that has no place in the exchange',
  ERR_WORKER_SPAWN: 'the worker command cannot be started',
  ERR_WORKER_BOOT: 'the worker ended before it was ready',
  ERR_WORKER_BOOT_TIMEOUT: 'the worker was not ready within pool.allocate_timeout',
  ERR_WORKER_VERSION: 'the worker speaks another version of the protocol',
  ERR_WORKER_DIED: 'the worker ended while it handled a request',
  ERR_WORKER_CUT: 'the worker ended after the first bytes of its reply',
  ERR_WORKER_MALFORMED_REPLY: 'the worker sent a reply that cannot be understood',
  ERR_WORKER_ERROR: 'the worker answered with an error frame',
  ERR_WORKER_MEMORY: 'the worker used more memory than max_worker_memory_hard and was killed',
  ERR_WORKER_EXEC_TTL: 'the request ran longer than exec_ttl and its worker was killed',
  ERR_WORKER_STREAM_TIMEOUT: 'the worker did not end a cancelled stream within stream_timeout',
  ERR_POOL_QUEUE_FULL: 'the queue of waiting requests is full',
  ERR_POOL_QUEUE_TIMEOUT: 'no worker became free within queue_timeout',
  ERR_POOL_CRASH_LOOP: 'no worker can boot',
  ERR_POOL_FULL: 'the pool has as many workers as it may have',
  ERR_POOL_STOPPED: 'the pool is stopping',
  ERR_REQUEST_CANCELLED: 'the client went away',
  ERR_ON_INIT: 'the server.on_init command failed',
  ERR_STOP_TIMEOUT: 'something did not stop in time and was forced',
  ERR_STORE: 'a store of kv or lock, or the folder of cron, cannot be opened, or does not answer',
  ERR_JOBS_PIPELINE: 'there is no such pipeline',
  ERR_JOBS_FULL: 'a pipeline holds as many jobs as it may',
  ERR_JOBS_TOO_LARGE: 'the payload of a job is larger than max_payload of its pipeline',
  ERR_JOBS_INVALID: 'what was pushed, or stored, is no job',
  ERR_JOBS_STORE: 'the store of a pipeline cannot be opened, or does not answer',
  ERR_PID_FILE: 'the pid file belongs to another server that runs',
  ERR_CONTROL_NO_SERVER: 'a command found no running server',
  ERR_CONTROL_CALL: 'the running server refused what a command asked for, or failed at it',
  ERR_METRICS_LIMIT: 'the application declares more metrics, or gives them more label values, than allowed',
  ERR_CONTROL_TIMEOUT: 'the running server did not do in time what a command asked for',
  ERR_RPC_METHOD: 'there is no such RPC service or method',
  ERR_RPC_ARGUMENT: 'the argument of an RPC call is not what the method takes',
  ERR_RPC_TIMEOUT: 'an RPC call was not answered within its deadline',
  ERR_RPC_TOO_LARGE: 'an RPC call or its result is larger than allowed',
  ERR_RPC_BUSY: 'one caller has too many RPC calls under way',
  ERR_RPC_TOKEN: 'an RPC connection has not said the token',
  ERR_RPC_RESULT: 'the result of an RPC call cannot be sent',
  ERR_RPC_CANCELLED: 'an RPC call was given up: its caller is gone, or the server stops',
  ERR_RPC_FAILED: 'an RPC method failed',
  ERR_BRIDGE_MODULE: 'there is no such bridge module, or it cannot be loaded',
  ERR_BRIDGE_DENIED: 'the configuration does not allow what was called on a bridge module',
  ERR_BRIDGE_THREW: 'a Node library threw an error',
  ERR_BRIDGE_RELEASED: 'an object of a Node library was used after it was released',
  ERR_LAMBDA_API: 'the Runtime API of AWS Lambda fails, or is not there',
  ERR_LAMBDA_EVENT: 'an event of AWS Lambda cannot be run',
  ERR_LAMBDA_JOB: 'a job that an event of AWS Lambda asked for has failed',
  ERR_LAMBDA_RESPONSE: 'a response is larger than AWS Lambda takes',
  ERR_LAMBDA_TIMEOUT: 'an event was not done before the deadline of its function',
  ERR_LAMBDA_PACK: 'the package of a function cannot be written',
} as const satisfies Record<string, string>;

/** One of the stable codes of {@link ERROR_CODES}. */
export type ErrorCode = keyof typeof ERROR_CODES;

/** What goes with an error beside its code and message. */
export interface ErrorDetails {
  /** What the user can do about it; one sentence. */
  readonly cure?: string;
  /** Where it is: `app.yaml:5:17`, a script path, an address. */
  readonly place?: string;
  readonly cause?: unknown;
  /** Further facts for the log: exit code, signal, last lines of stderr. */
  readonly facts?: Readonly<Record<string, unknown>>;
}

/**
 * The error of rrts. Match on `code`, which is stable, never on the text.
 * `message` is one sentence that names the cause; `place` and `cure` are kept apart so that each front can print them its own way.
 */
export class RrtsError extends Error {
  readonly code: ErrorCode;
  readonly place: string | undefined;
  readonly cure: string | undefined;
  readonly facts: Readonly<Record<string, unknown>>;

  constructor(code: ErrorCode, message: string, details: ErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.name = 'RrtsError';
    this.code = code;
    this.place = details.place;
    this.cure = details.cure;
    this.facts = details.facts ?? {};
  }
}

/** True for an {@link RrtsError}, also one made by another copy of this module. */
export function isRrtsError(value: unknown): value is RrtsError {
  return value instanceof Error && 'code' in value && typeof value.code === 'string' && value.code in ERROR_CODES;
}

/** The message of anything that was thrown. */
export function messageOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}

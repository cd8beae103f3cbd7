// One invocation as the Runtime API hands it over.

/** What the function is to do, and what is known of it. */
export interface Invocation {
  /** AWS request id. */
  readonly id: string;
  /** The event: JSON. */
  readonly event: Buffer;
  /** When the function is cut, in milliseconds since 1970; 0 when the API does not say. */
  readonly deadlineMs: number;
  readonly functionArn: string;
  /** X-Ray trace header; empty without tracing. */
  readonly traceId: string;
  /** JSON of the client's SDK; empty as a rule. */
  readonly clientContext: string;
  readonly cognitoIdentity: string;
}

/** The context as JSON, with the names that Bref gives its parts: applications read LAMBDA_INVOCATION_CONTEXT. */
export function contextJson(invocation: Invocation): string {
  const { id, deadlineMs, functionArn, traceId, clientContext, cognitoIdentity } = invocation;
  return JSON.stringify({
    awsRequestId: id,
    deadlineMs,
    invokedFunctionArn: functionArn,
    traceId,
    ...(clientContext === '' ? {} : { clientContext }),
    ...(cognitoIdentity === '' ? {} : { cognitoIdentity }),
  });
}

// What a handler gets and returns, for editors and `tsc`. No part of it runs.

/** Second argument of every handler. */
export interface Context {
  execution_id: string;
  /** Counts from 1. */
  attempt: number;
  function_name: string;
  function_version: string;
  project: string;
  trigger: "api" | "http" | "cron" | "event";
  /** Unix time in milliseconds. */
  deadline_ms: number;
  /** The nominal time of a scheduled run, as RFC 3339. */
  scheduled_at: string | null;
  memory_limit_mb: number;
  remaining_time_ms(): number;
}

/** First argument of a handler that is called by HTTP. */
export interface HttpEvent {
  httpMethod: string;
  path: string;
  headers: Record<string, string>;
  queryStringParameters: Record<string, string> | null;
  pathParameters: Record<string, string> | null;
  body: string | null;
  isBase64Encoded: boolean;
  requestContext: Record<string, unknown>;
}

/** What such a handler returns; any other value becomes the body of a 200. */
export interface HttpResponse {
  statusCode?: number;
  headers?: Record<string, string>;
  body?: string;
  isBase64Encoded?: boolean;
}

declare global {
  /** Adds a rich result: one thing in one or more formats. */
  function display(formats: Record<string, unknown>): void;
  const process: { env: Record<string, string | undefined> };
}

// Greets whoever the path names.

import type { HttpEvent, HttpResponse } from "./hks";

export function handler(event: HttpEvent): HttpResponse {
  const { name } = event.pathParameters ?? {};
  const greeting = event.queryStringParameters?.greeting ?? "Hello";
  return {
    statusCode: 200,
    headers: { "cache-control": "no-store" },
    body: `${greeting}, ${name}!`,
  };
}

// Greets whoever the path names.

export function handler(event) {
  const { name } = event.pathParameters;
  const greeting = event.queryStringParameters?.greeting ?? "Hello";
  return {
    statusCode: 200,
    headers: { "cache-control": "no-store" },
    body: `${greeting}, ${name}!`,
  };
}

// Adds up an order: {"items": [{"cents": 990, "count": 2}]}.

export function handler(event) {
  const cents = event.items.reduce((sum, item) => sum + item.cents * item.count, 0);
  return { total: (cents / 100).toFixed(2), items: event.items.length };
}

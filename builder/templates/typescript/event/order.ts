// Adds up an order: {"items": [{"price": "9.90", "count": 2}]}.

interface Order {
  items: { price: string; count: number }[];
}

export function handler(event: Order) {
  const cents = event.items.reduce((sum, item) => sum + Math.round(Number(item.price) * 100) * item.count, 0);
  return { total: (cents / 100).toFixed(2), items: event.items.length };
}

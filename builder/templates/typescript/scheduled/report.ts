// Sums up the numbers that the schedule hands in.

import dayjs from "dayjs";
import type { Context } from "./hks";

interface Regions {
  regions: Record<string, number>;
}

export function handler(event: Regions, context: Context) {
  const counts = Object.values(event.regions);
  console.log(`${counts.length} regions, due at ${context.scheduled_at}`);
  return {
    day: dayjs(context.scheduled_at ?? undefined).format("YYYY-MM-DD"),
    total: counts.reduce((total, count) => total + count, 0),
  };
}

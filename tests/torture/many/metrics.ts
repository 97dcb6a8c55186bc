/** A server's metrics, read as Prometheus does. */

/** Each value by its name with its labels. */
export type Scrape = Map<string, number>;

export async function scrape(url: string): Promise<Scrape> {
  const text = await (await fetch(`${url}/metrics`)).text();
  return new Map(
    text.matchAll(/^(\w+(?:\{.*\})?) (\S+)$/gm).map(([, name, value]) => [name!, Number(value)]),
  );
}

/** Registered agents, now. */
export function connected(metrics: Scrape): number {
  return metrics.get('converge_agents{state="connected"}')!;
}

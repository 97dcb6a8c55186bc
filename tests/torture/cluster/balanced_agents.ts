/**
 * Agents without SSH behind a balancer of their own, as one for all would need more descriptors than
 * a process gets: balanced_agents.ts PREFIX COUNT PORT…
 */
import { Balancer } from "../../support/balancer.ts";
import { startAgents } from "../many/fake_agents.ts";

const [prefix, count, ...ports] = Deno.args;
const balancer = new Balancer(ports.map(Number));
await startAgents(balancer.ws, prefix!, Number(count));

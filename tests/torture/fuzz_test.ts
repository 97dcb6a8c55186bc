import { fuzzAll } from "./fuzz.ts";
import { requires } from "../support/requires.ts";

requires("ssh")("20,000 inputs that are nearly right break nothing", async () => {
  await fuzzAll(20_000, Math.floor(Math.random() * 2 ** 31));
});

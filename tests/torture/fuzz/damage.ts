/** Inputs that are nearly right, which reach further than noise does. */
import fc from "fast-check";

/** One change to a sample; places are parts of its length. */
type Edit = {
  kind: "change" | "insert" | "remove" | "repeat";
  at: number;
  length: number;
  bytes: Uint8Array;
};

/** A place as a part of a length. */
export const place = fc.double({ min: 0, max: 1, noNaN: true });

const edits: fc.Arbitrary<Edit[]> = fc.array(
  fc.record({
    kind: fc.constantFrom("change", "insert", "remove", "repeat"),
    at: place,
    length: fc.nat(12),
    // What lengths and numbers break at, beside noise.
    bytes: fc.oneof(
      fc.uint8Array({ minLength: 1, maxLength: 4 }),
      fc.constantFrom([255, 255, 255, 255], [0, 0, 0, 0], [127, 255, 255, 255], [0], [13, 10])
        .map((bytes) => Uint8Array.from(bytes)),
    ),
  }),
  { maxLength: 5 },
);

function apply(bytes: Uint8Array, { kind, at, length, bytes: put }: Edit): Uint8Array {
  const from = Math.floor(at * bytes.length);
  const [before, after] = [bytes.subarray(0, from), bytes.subarray(from)];
  switch (kind) {
    case "change":
      return Uint8Array.from([...before, ...put, ...after.subarray(put.length)]);
    case "insert":
      return Uint8Array.from([...before, ...put, ...after]);
    case "remove":
      return Uint8Array.from([...before, ...after.subarray(length)]);
    case "repeat":
      return Uint8Array.from([...before, ...after.subarray(0, length), ...after]);
  }
}

/** One of the samples with a few changes, or noise. */
export function damaged(samples: Uint8Array[]): fc.Arbitrary<Uint8Array> {
  return fc.oneof(
    { weight: 1, arbitrary: fc.uint8Array({ maxLength: 200 }) },
    {
      weight: 9,
      arbitrary: fc.tuple(fc.constantFrom(...samples), edits)
        .map(([sample, list]) => list.reduce(apply, sample)),
    },
  );
}

/** The same as text; half of the noise is any Unicode. */
export function damagedText(samples: string[]): fc.Arbitrary<string> {
  const encoder = new TextEncoder();
  const decoder = new TextDecoder();
  return fc.oneof(
    { weight: 1, arbitrary: fc.string({ unit: "binary", maxLength: 100 }) },
    {
      weight: 19,
      arbitrary: damaged(samples.map((sample) => encoder.encode(sample)))
        .map((bytes) => decoder.decode(bytes)),
    },
  );
}

/** The input in pieces, as reads cut it. */
export function inPieces(bytes: Uint8Array, cuts: number[]): Uint8Array[] {
  const places = [0, ...cuts.map((cut) => Math.floor(cut * bytes.length)), bytes.length]
    .sort((a, b) => a - b);
  return places.slice(1).map((to, i) => bytes.slice(places[i], to));
}

/** Bytes with the places where reads cut them. */
export function damagedStream(samples: Uint8Array[]): fc.Arbitrary<Uint8Array[]> {
  return fc.tuple(damaged(samples), fc.array(place, { maxLength: 3 }))
    .map(([bytes, cuts]) => inPieces(bytes, cuts));
}

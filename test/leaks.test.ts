import { expect } from "chai";
import fc from "fast-check";
import { leaksIn } from "./leaks";

describe("the search for leaked secrets", () => {
  const secret = 'Mark"0<1>2&3\\4/5é6';

  it("finds a secret in every form that Pulumi, Go, JSON or a URL could give it", () => {
    const go = '{"value":"Mark\\"0\\u003c1\\u003e2\\u00263\\\\4/5\\u00e96"}';
    const places = [
      secret,
      JSON.stringify({ value: secret }),
      JSON.stringify({ inner: JSON.stringify({ value: secret }) }),
      go,
      JSON.stringify({ inner: go }),
      `https://example.org/?${new URLSearchParams({ value: secret }).toString()}`,
      Buffer.from(secret).toString("hex"),
    ];
    for (const place of places) expect(leaksIn(place, { secret }), place).to.deep.equal(["secret"]);
  });

  it("finds it in base64, whatever stands before and behind it", () => {
    fc.assert(
      fc.property(
        fc.string(),
        fc.string(),
        fc.constantFrom("base64", "base64url"),
        (before, behind, form) => {
          const text = Buffer.from(before + secret + behind).toString(form);
          return leaksIn(text, { secret }).length === 1;
        },
      ),
    );
  });

  it("finds no leak in text without the secret", () => {
    expect(leaksIn("Mark 0 1 2 3 4 5 6", { secret })).to.deep.equal([]);
  });
});

/** Says at the end of `npm test` what it has not run, and where that can be run. */
import { missing } from "./commands";

const lacks = missing();
console.log(
  [
    "",
    "The engine suite, whole lifecycles on the real Pulumi engine, is skipped here: it takes about an hour.",
    ...(lacks.length === 0
      ? ["This machine can run it: npm run test:engine"]
      : [
          "Run it where the Pulumi CLI is, as the job `engine` of .github/workflows/ci.yml does: npm run test:engine. This machine lacks:",
          ...lacks.map((what) => `- ${what}`),
        ]),
  ].join("\n"),
);

/** Says at the end of `npm test` that the engine suite was not run, and how to run it. */
import { missingEngine } from "./commands";

console.log(
  [
    "",
    "Not run: the tests on the real Pulumi engine. npm run test:engine:short takes about 10 minutes, npm run test:engine an hour.",
    missingEngine() ?? "",
  ].join("\n"),
);

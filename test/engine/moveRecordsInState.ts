import { PulumiCli } from "../../database/pulumiState";
import { moveRecordsInState } from "../../move/cutover/recordsInState";

// The last step of a cutover, on a real state: moveRecordsInState.ts <stack> <former host>=<new host>...
const [stack = "", ...hosts] = process.argv.slice(2);
void moveRecordsInState(
  new PulumiCli(stack),
  hosts.map((host) => {
    const [from = "", to = ""] = host.split("=");
    return { from, to };
  }),
);

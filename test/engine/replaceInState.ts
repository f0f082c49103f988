import { PulumiCli, replaceInState } from "../../database/pulumiState";

// The last step of a restore, on a real state: replaceInState.ts <stack> <old resource id> <new resource id>
const [stack = "", oldId = "", newId = ""] = process.argv.slice(2);
void replaceInState(new PulumiCli(stack), stack, oldId, newId);

import { main } from "../../../deploy/deploy";
import { ScaledTime, scaledClock } from "./clocks";

// The command line as it is, in a process of its own, on a clock that runs faster:
// process.ts <factor> <began> <arguments of the deploy tool>
const [factor, began, ...args] = process.argv.slice(2);
void main(["node", "deploy", ...args], scaledClock(new ScaledTime(Number(factor), Number(began))));

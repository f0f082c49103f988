import { main } from "../../../move/cli";
import { ScaledTime, scaledClock } from "../../deploy/double/clocks";

// The command line as it is, in a process of its own, on a clock that runs faster:
// process.ts <factor> <began> <arguments of the tool>
const [factor, began, ...args] = process.argv.slice(2);
void main(["node", "move", ...args], {
  clock: scaledClock(new ScaledTime(Number(factor), Number(began))),
  // The doubles have no certificate.
  reach: () => Promise.resolve(200),
});

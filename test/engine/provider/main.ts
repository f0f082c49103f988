/**
 * The simulated AWS as a process: `main.ts ACCOUNT_FILE [FAULTS_FILE]` prints the port that goes into
 * PULUMI_DEBUG_PROVIDERS as `aws:PORT`. The account lives in its file and survives the process.
 */
import { Account } from "./account";
import { Faults } from "./faults";
import { serve } from "./server";
import { SimulatedAws } from "./simulatedAws";

const [accountFile, faultsFile] = process.argv.slice(2);
if (accountFile === undefined) {
  console.error("Name the file of the simulated account: main.ts ACCOUNT_FILE [FAULTS_FILE]");
  process.exit(2);
}

const account = new Account(accountFile);
const faults = new Faults(faultsFile, account, (line) => {
  console.log(line);
});
const place = { accountId: "123456789012", region: "eu-central-1" };
void serve(new SimulatedAws(account, faults, place)).then((port) => {
  console.log(port);
});

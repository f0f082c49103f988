/**
 * Serves the simulated AWS: `main.ts ACCOUNT_FILE [FAULTS_FILE]` prints the port for PULUMI_DEBUG_PROVIDERS=aws:PORT.
 * The account is kept in its file when the process ends.
 */
import { Account } from "./account";
import { Faults } from "./faults";
import { serve } from "./server";
import { SimulatedAws } from "./simulatedAws";

const [accountFile, faultsFile] = process.argv.slice(2);
if (accountFile === undefined) {
  console.error("The file of the simulated account is missing: main.ts ACCOUNT_FILE [FAULTS_FILE]");
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

import { drawDouble, play } from "./scenario";
void (async () => {
  const [from, to] = [Number(process.argv[2]), Number(process.argv[3])];
  let bad = 0; const outcomes: Record<string, number> = {};
  for (let seed = from; seed < to; seed++) {
    const double = drawDouble(seed);
    const t = setTimeout(() => { console.log("HANG", seed, double.calls.length); process.exit(1); }, 10000);
    const r = await play(double, seed % 2 === 0 ? 'repair' : 'deploy', 'shortcut');
    clearTimeout(t);
    const o = (r.end === "killed" ? "killed" : r.end.outcome) + (r.repairs.length ? "+" + r.repairs.map(e => e === "killed" ? "killed" : e.outcome).join("+") : "");
    outcomes[o] = (outcomes[o] ?? 0) + 1;
    if (r.mismatches.length > 0) { bad++; console.log(seed, o, JSON.stringify(r.mismatches), JSON.stringify([...double.faults].map(([k, v]) => k + ":" + v + ":" + (double.calls[k]?.operation ?? "-"))), [double.web.updates, double.worker.updates].join("|"), r.end === "killed" ? "" : r.end.summary); }
  }
  console.log(outcomes, "runs", to - from, "mismatches", bad);
})();

import { drawDouble, play } from "./scenario";
void (async () => {
  const seen: Record<string, number> = {};
  for (let seed = 1001; seed < 1200; seed += 2) {
    const r = await play(drawDouble(seed), "deploy");
    for (const e of r.repairs) if (e !== "killed" && e.outcome === "refused") { seen[e.summary] = (seen[e.summary] ?? 0) + 1; if (seen[e.summary] === 1) console.log(seed, e, r.repairs.map(x => x === "killed" ? x : x.outcome)); }
  }
  console.log(seen);
})();

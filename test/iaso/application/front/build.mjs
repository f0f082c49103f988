// Writes what Iaso's webpack writes: bundles with digests in their names, source maps, and the statistics.
import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";

const source = readFileSync("front/dashboard.js", "utf8");
const name = `dashboard-${createHash("sha256").update(source).digest("hex").slice(0, 20)}.js`;
mkdirSync("hat/assets/webpack", { recursive: true });
writeFileSync(`hat/assets/webpack/${name}`, source);
writeFileSync(`hat/assets/webpack/${name}.map`, JSON.stringify({ version: 3, sources: [process.cwd()] }));
writeFileSync("hat/assets/webpack/webpack-stats-prod.json", JSON.stringify({ dashboard: name }));

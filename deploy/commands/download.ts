import { type Report } from "../output/report";
import { downloadRunningVersion } from "../promotion/download";
import { type Session } from "../session";

/** Downloads the version that an environment runs, for `promote --downloaded`. Changes nothing in AWS. */
export async function download(session: Session, directory: string): Promise<Report> {
  const { env, progress } = session;
  const { bytes, files, label, sha256 } = await progress.step(`Download the version of ${env}`, (log) =>
    downloadRunningVersion(session, directory, log),
  );
  return {
    env,
    outcome: "shown",
    summary: `${label}, which ${env} runs, is in ${directory}: ${files} files, ${(bytes / 1e6).toFixed(1)} MB.`,
    notes: [
      `To deploy it: npm run deploy -- promote ${env} <env> --downloaded ${directory} --sha256 ${sha256}`,
    ],
    details: { version: label, sha256 },
  };
}

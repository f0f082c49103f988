import { UserError } from "../cli/userError";
import { mapParallel } from "./mapParallel";
import { downloadBundle } from "./promotion/download";
import { readRecord } from "./promotion/downloaded";
import { type Session } from "./session";
import { type Artifact, digestOf, type VersionRecord } from "./source/artifact";
import { writeEntries } from "./source/files";
import { requireNothingBelowLinks } from "./source/overlay";
import { readZipFiles } from "./source/unzip";
import { type ZipEntry } from "./source/zip";

type FrontEndRecord = NonNullable<VersionRecord["frontEnd"]>;

const MODES = { executable: 0o100755, file: 0o100644 };
/** Files that are read at the same time. */
const PARALLEL = 32;

/** A built front end on this machine. */
export interface FrontEnd {
  /** The directory of its files. */
  directory: string;
  /** Undefined for one that later versions cannot take, because it has links. */
  record?: FrontEndRecord;
}

/**
 * Takes the front end out of the bundle of an earlier version that has the same inputs, and says from which, or why none.
 *
 * @param label the version; undefined if none has it
 * @param directory a new directory for the files
 * @returns undefined if no version has it, or the version is no longer complete
 */
export async function earlierFrontEnd(
  session: Session,
  label: string | undefined,
  inputs: string,
  directory: string,
  log: (line: string) => void,
): Promise<FrontEnd | undefined> {
  if (label === undefined) {
    log(
      `The front end is built: no version of ${session.env} has one from the same files, plugins and tools`,
    );
    return undefined;
  }
  try {
    const bundle = `${directory}.zip`;
    await downloadBundle(session, label, bundle);
    const record = (await readRecord(bundle, label)).frontEnd;
    if (record?.inputs !== inputs) throw differs(session, label);
    await writeEntries(directory, await readFrontEnd(session, label, bundle, record));
    log(`The front end is not built: that of ${label} was built from the same files, plugins and tools`);
    return { directory, record };
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    session.progress.warn(`The front end of ${label} cannot be used, and is built again: ${error.message}`);
    return undefined;
  }
}

async function readFrontEnd(
  session: Session,
  label: string,
  bundle: string,
  { files }: FrontEndRecord,
): Promise<ZipEntry[]> {
  const contents = await readZipFiles(bundle, new Set(files.map(({ path }) => path)));
  return mapParallel(files, PARALLEL, async ({ executable, path, sha256 }) => {
    const content = contents.get(path);
    if (content === undefined || (await digestOf(content)) !== sha256) throw differs(session, label);
    return { path, mode: executable ? MODES.executable : MODES.file, content };
  });
}

function differs({ env }: Session, label: string): UserError {
  return new UserError(
    `The bundle of ${label} does not have the front end that builds/ in the artifacts bucket names.`,
    `Find out who wrote it (CloudTrail), and deploy to ${env} again`,
  );
}

/**
 * Writes the files of a front end that was built alone.
 *
 * @param directory a new directory for the files
 */
export async function writeFrontEnd(
  { application }: Pick<Artifact, "application">,
  inputs: string,
  directory: string,
): Promise<FrontEnd> {
  requireNothingBelowLinks(application);
  await writeEntries(directory, application);
  if (application.some(({ mode }) => mode !== MODES.file && mode !== MODES.executable)) return { directory };
  const files = await mapParallel(application, PARALLEL, async ({ content, mode, path }) => ({
    path,
    sha256: await digestOf(content),
    bytes: Buffer.isBuffer(content) ? content.length : content.bytes,
    executable: mode === MODES.executable,
  }));
  return { directory, record: { inputs, files } };
}

/** True if a build has the files of a front end unchanged. Code of the back end ran after them, and could change them. */
export async function hasFrontEnd(
  { application }: Pick<Artifact, "application">,
  { files }: FrontEndRecord,
): Promise<boolean> {
  const entries = new Map(application.map((entry) => [entry.path, entry]));
  const same = await mapParallel(files, PARALLEL, async ({ executable, path, sha256 }) => {
    const entry = entries.get(path);
    const mode = executable ? MODES.executable : MODES.file;
    return entry?.mode === mode && (await digestOf(entry.content)) === sha256;
  });
  return same.every(Boolean);
}

import { open, readFile, writeFile } from "node:fs/promises";
import { Readable } from "node:stream";
import {
  BatchCheckLayerAvailabilityCommand,
  BatchDeleteImageCommand,
  BatchGetImageCommand,
  CompleteLayerUploadCommand,
  GetDownloadUrlForLayerCommand,
  InitiateLayerUploadCommand,
  paginateListImages,
  PutImageCommand,
  UploadLayerPartCommand,
} from "@aws-sdk/client-ecr";
import { describeError, errorName, isRefusal } from "../cli/awsErrors";
import { UserError } from "../cli/userError";
import { backoff } from "../coordination/clients";
import { download, type Downloaded } from "./aws/download";
import { mapParallel } from "./mapParallel";
import { type Session } from "./session";
import {
  digestOf as sha256Of,
  fileOf,
  type ImageFile,
  type ImageRecord,
  type LocalImage,
} from "./source/artifact";

/** Layers that are copied at the same time. */
const PARALLEL = 4;
/** Attempts to upload one layer. */
const ATTEMPTS = 4;
/** Bytes of one part of a layer. ECR takes from 5 to 20 MiB; a small part also gets through a slow line in time. */
const PART = 5 * 1024 * 1024;
/** Layers or images that one request of ECR takes. */
const PAGE = 100;
/** The services of the compose file; see `ImageRecord`. */
const SERVICES: readonly ImageRecord["service"][] = ["iaso", "nginx"];

/** The tag of a version's image. The version needs the image as long as it exists. */
export function imageTag(service: ImageRecord["service"], label: string): string {
  // A label may contain a character that a tag may not. Its digest keeps labels apart.
  return `${service}-${label.replaceAll("+", "_")}`;
}

const digestOf = ({ sha256 }: { sha256: string }): string => `sha256:${sha256}`;

/**
 * The name of the environment's repository.
 *
 * @throws UserError if it has none
 */
export function requireRepository({ env, target }: Pick<Session, "env" | "target">): string {
  if (target.imageRepository !== undefined) return target.imageRepository;
  throw new UserError(
    `${env} has no repository for the images of its instances.`,
    `Create it with an administrator's credentials: pulumi up --stack ${env}`,
  );
}

/**
 * Copies the images of a version into the environment's repository: first the layers that it lacks, then each manifest
 * with the version's tag, so that no image is ever incomplete. ECR refuses bytes that differ from their digests.
 *
 * Layers without a manifest, of a run that was killed, are not uploaded again by the next one, and ECR deletes them later.
 *
 * An index of several platforms would need all of its images in the repository, so only the image for the instances'
 * platform is copied.
 *
 * @throws UserError if there is no repository, or somebody gave the version's tag to another image
 * @see https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_PutImage.html
 */
export async function copyImages(
  session: Session,
  label: string,
  images: readonly LocalImage[],
  log: (line: string) => void,
): Promise<void> {
  const repositoryName = requireRepository(session);
  const blobs = [...new Map(images.flatMap((image) => image.blobs).map((one) => [one.sha256, one])).values()];
  const missing = await findMissing(session, repositoryName, blobs);
  await mapParallel(missing, PARALLEL, (blob) => uploadBlob(session, repositoryName, blob));
  for (const image of images) await putImage(session, repositoryName, label, image);
  const bytes = missing.reduce((sum, blob) => sum + blob.bytes, 0);
  log(`${missing.length} of ${blobs.length} layers were new (${(bytes / 1e6).toFixed(1)} MB)`);
}

async function findMissing(
  { clients }: Session,
  repositoryName: string,
  blobs: readonly ImageFile[],
): Promise<ImageFile[]> {
  const present = new Set<string>();
  for (const page of pagesOf(blobs)) {
    const { layers } = await clients.ecr.send(
      new BatchCheckLayerAvailabilityCommand({ repositoryName, layerDigests: page.map(digestOf) }),
    );
    for (const { layerAvailability, layerDigest } of layers ?? []) {
      if (layerAvailability === "AVAILABLE" && layerDigest !== undefined) present.add(layerDigest);
    }
  }
  return blobs.filter((blob) => !present.has(digestOf(blob)));
}

/** The errors of an upload whose state in ECR is not what this tool knows, because an answer was lost. */
const OUT_OF_STEP = ["InvalidLayerPartException", "UploadNotFoundException"];

async function uploadBlob(session: Session, repositoryName: string, blob: ImageFile): Promise<void> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      await uploadParts(session, repositoryName, blob);
      return;
    } catch (error) {
      if (errorName(error) === "LayerAlreadyExistsException") return;
      const startsAgain = OUT_OF_STEP.includes(errorName(error));
      if (attempt === ATTEMPTS || (isRefusal(error) && !startsAgain)) throw error;
      session.progress.warn(`Retrying the upload of a layer: ${describeError(error)}`);
      await session.clock.sleep(backoff(attempt));
    }
  }
}

async function uploadParts(
  { clients }: Session,
  repositoryName: string,
  { bytes, path, sha256 }: ImageFile,
): Promise<void> {
  const { uploadId } = await clients.ecr.send(new InitiateLayerUploadCommand({ repositoryName }));
  for (let start = 0; start < bytes; start += PART) {
    const layerPartBlob = await readPart(path, start, Math.min(PART, bytes - start));
    const range = { partFirstByte: start, partLastByte: start + layerPartBlob.length - 1 };
    await clients.ecr.send(new UploadLayerPartCommand({ repositoryName, uploadId, ...range, layerPartBlob }));
  }
  const layerDigests = [digestOf({ sha256 })];
  await clients.ecr.send(new CompleteLayerUploadCommand({ repositoryName, uploadId, layerDigests }));
}

async function readPart(path: string, start: number, bytes: number): Promise<Buffer> {
  const part = Buffer.alloc(bytes);
  const file = await open(path);
  try {
    await file.read(part, 0, bytes, start);
  } finally {
    await file.close();
  }
  return part;
}

async function putImage(
  { clients }: Session,
  repositoryName: string,
  label: string,
  { manifest, mediaType, service }: LocalImage,
): Promise<void> {
  const tag = imageTag(service, label);
  try {
    await clients.ecr.send(
      new PutImageCommand({
        repositoryName,
        imageTag: tag,
        imageDigest: digestOf(manifest),
        imageManifest: await readFile(manifest.path, "utf8"),
        imageManifestMediaType: mediaType,
      }),
    );
  } catch (error) {
    // The image has the tag already. Where tags are immutable, the second error can mean the same.
    if (errorName(error) === "ImageAlreadyExistsException") return;
    if (errorName(error) !== "ImageTagAlreadyExistsException") throw error;
    const { images } = await clients.ecr.send(
      new BatchGetImageCommand({ repositoryName, imageIds: [{ imageTag: tag }] }),
    );
    if (images?.[0]?.imageId?.imageDigest === digestOf(manifest)) return;
    throw new UserError(
      `The tag ${tag} in the repository ${repositoryName} belongs to another image.`,
      `Find out who pushed it (CloudTrail), delete it, and deploy again: aws ecr batch-delete-image ` +
        `--repository-name ${repositoryName} --image-ids imageTag=${tag}`,
    );
  }
}

/**
 * Deletes the tags of versions that are not in `keepVersions`. ECR deletes an image with its last tag. Runs under the lock,
 * so no deployment is between its images and its version.
 *
 * @returns the number of tags deleted
 * @see https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_BatchDeleteImage.html
 */
export async function pruneImages(session: Session, keepVersions: readonly string[]): Promise<number> {
  const { clients, target } = session;
  const repositoryName = target.imageRepository;
  if (repositoryName === undefined) return 0;
  const kept = new Set(keepVersions.flatMap((label) => SERVICES.map((service) => imageTag(service, label))));
  const old: string[] = [];
  const filter = { tagStatus: "TAGGED" } as const;
  for await (const { imageIds } of paginateListImages({ client: clients.ecr }, { repositoryName, filter })) {
    for (const { imageTag: tag = "" } of imageIds ?? []) {
      if (!kept.has(tag) && SERVICES.some((service) => tag.startsWith(`${service}-`))) old.push(tag);
    }
  }
  for (const page of pagesOf(old)) {
    const imageIds = page.map((tag) => ({ imageTag: tag }));
    const { failures } = await clients.ecr.send(new BatchDeleteImageCommand({ repositoryName, imageIds }));
    const failure = failures?.find(({ failureCode }) => failureCode !== "ImageNotFound");
    if (failure !== undefined) {
      throw new Error(
        `ECR did not delete the tag ${failure.imageId?.imageTag ?? ""}: ${failure.failureReason ?? failure.failureCode ?? ""}`,
      );
    }
  }
  return old.length;
}

/** The errors for a part of an image that ECR does not have. */
const GONE = ["LayerInaccessibleException", "LayersNotFoundException", "RepositoryNotFoundException"];

/**
 * Downloads the images of a version from the environment's repository, each part into the file that its digest names.
 *
 * @throws UserError if a part is gone or differs from its digest
 */
export async function downloadImages(
  session: Session,
  label: string,
  images: readonly ImageRecord[],
  directory: string,
): Promise<void> {
  if (images.length === 0) return;
  const repositoryName = requireRepository(session);
  for (const { blobs, manifest, mediaType } of images) {
    const text = await readManifest(session, label, repositoryName, digestOf(manifest), mediaType);
    if ((await sha256Of(Buffer.from(text))) !== manifest.sha256) throw differs(session, label, manifest);
    await writeFile(fileOf(directory, manifest), text);
    await mapParallel(blobs, PARALLEL, async (blob) => {
      const path = fileOf(directory, blob);
      const { sha256 } = await downloadBlob(session, label, repositoryName, digestOf(blob), path);
      if (sha256 !== blob.sha256) throw differs(session, label, blob);
    });
  }
}

function differs({ env }: Session, label: string, part: { sha256: string }): UserError {
  return new UserError(
    `ECR returned other bytes than ${digestOf(part)} of version ${label}.`,
    `Deploy the version to ${env} again from its commit, which uploads it`,
  );
}

async function readManifest(
  session: Session,
  label: string,
  repositoryName: string,
  imageDigest: string,
  mediaType: string,
): Promise<string> {
  const { images } = await session.clients.ecr.send(
    new BatchGetImageCommand({
      repositoryName,
      imageIds: [{ imageDigest }],
      acceptedMediaTypes: [mediaType],
    }),
  );
  const text = images?.[0]?.imageManifest;
  if (text === undefined) throw gone(session, label, repositoryName);
  return text;
}

async function downloadBlob(
  session: Session,
  label: string,
  repositoryName: string,
  layerDigest: string,
  path: string,
): Promise<Downloaded> {
  const { ecr } = session.clients;
  try {
    return await download(
      session,
      async () => {
        const { downloadUrl = "" } = await ecr.send(
          new GetDownloadUrlForLayerCommand({ repositoryName, layerDigest }),
        );
        const { body, ok, status } = await fetch(downloadUrl);
        if (ok && body !== null) return { body: Readable.fromWeb(body) };
        const message = `The storage of ECR answered ${status} to a layer of ${label}`;
        throw Object.assign(new Error(message), { $metadata: { httpStatusCode: status } });
      },
      path,
    );
  } catch (error) {
    throw GONE.includes(errorName(error)) ? gone(session, label, repositoryName) : error;
  }
}

function gone({ env }: Session, label: string, repositoryName: string): UserError {
  return new UserError(
    `An image of version ${label} is no longer in the repository ${repositoryName}.`,
    `Deploy the version to ${env} again from its commit, which uploads it`,
  );
}

function pagesOf<T>(items: readonly T[]): T[][] {
  const count = Math.ceil(items.length / PAGE);
  return Array.from({ length: count }, (_, page) => items.slice(page * PAGE, (page + 1) * PAGE));
}

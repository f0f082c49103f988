import { REGIONS } from "../../policies/facts/regions";
import type { ExistingBucket } from "../existing/buckets";
import type { Note, Part } from "../note";

/** The variable with the bucket of media. */
const MEDIA = "AWS_STORAGE_BUCKET_NAME";

export const storage: Part = {
  judge: ({ buckets, region, unread, web: { variables } }) => {
    const isRead = !unread.some(({ what }) => what === "the buckets");
    if (isRead && !buckets.some(({ variable }) => variable === MEDIA)) {
      return {
        notes: [
          {
            kind: "decide",
            what: "The web environment has no variable AWS_STORAGE_BUCKET_NAME.",
            why: "Media are on the disks of the instances, or at another provider: they must be copied by hand.",
          },
        ],
      };
    }
    const acceptsVersion2 = REGIONS[region]?.acceptsSignatureVersion2 === true;
    const notes = buckets.flatMap(notesOf);
    if (acceptsVersion2 && buckets.length > 0) {
      notes.push({
        kind: "changes",
        what: `The buckets accept Signature Version 2. The new media bucket refuses it.`,
        why: "Such links have no limit of their age that a policy could check.",
      });
    }
    if ((variables["AWS_S3_ENDPOINT_URL"] ?? "") !== "") {
      notes.push({
        kind: "decide",
        what: "AWS_S3_ENDPOINT_URL is set: media are not, or not only, on Amazon S3.",
        why: "Media of another server must be copied by hand.",
      });
    }
    return { notes };
  },
};

function notesOf(bucket: ExistingBucket): Note[] {
  if (bucket.variable !== MEDIA) {
    return [
      {
        kind: "decide",
        what: `The polio plugin publishes documents from ${bucket.name}.`,
        why: "The new buckets refuse public ACLs, so that upload fails there.",
      },
    ];
  }
  const notes: Note[] = [
    {
      kind: "changes",
      what: `Media move from ${bucket.name} to a bucket of their own.`,
      why: "The new bucket is private, versioned and readable through signed links only.",
    },
  ];
  if (bucket.hasStaticFiles) {
    notes.push({
      kind: "changes",
      what: `${bucket.name} holds static files and media together. The new platform separates them.`,
      why: "Static files are public and media are patients' data. Each deployment publishes static files anew, so they stay behind.",
    });
  }
  if (bucket.allowsPublicAcls) {
    notes.push({
      kind: "changes",
      what: `${bucket.name} allows public ACLs. The new bucket has no ACLs.`,
      why: "One upload with a wrong ACL would publish a photograph of a patient.",
    });
  }
  if (bucket.hasPublicPolicy) {
    notes.push({
      kind: "changes",
      what: `${bucket.name} has a policy that lets everybody in. The new bucket lets in Iaso's roles only.`,
      why: "Media are patients' data.",
    });
  }
  if (!bucket.hasVersions) {
    notes.push({
      kind: "changes",
      what: `${bucket.name} keeps no versions. The new bucket does.`,
      why: "Deleted and overwritten media can be restored.",
    });
  }
  if (!bucket.isEncrypted) {
    notes.push({ kind: "changes", what: `${bucket.name} is not encrypted. The new bucket is.` });
  }
  return notes;
}

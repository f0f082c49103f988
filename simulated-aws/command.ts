import { awsId, digest, ResourceTypes } from "./model";

/** The command provider is not part of AWS. Its only command here, which the simulation does not run, builds an image. */
export const resourceTypes: ResourceTypes = {
  "command:local:Command": (creation) => ({
    id: `command${digest(creation.name, 8)}`,
    outputs: { stdout: JSON.stringify({ imageId: awsId("ami", creation) }), stderr: "" },
  }),
};

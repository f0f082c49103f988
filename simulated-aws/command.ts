import { awsId, digest, ResourceTypes } from "./model";

/** Not AWS, but beside it: commands are not run by a simulation; the one of this platform builds an image. */
export const resourceTypes: ResourceTypes = {
  "command:local:Command": (creation) => ({
    id: `command${digest(creation.name, 8)}`,
    outputs: { stdout: JSON.stringify({ imageId: awsId("ami", creation) }), stderr: "" },
  }),
};

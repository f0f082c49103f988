import { expect } from "chai";
import { ImageRepository } from "../../components/imageRepository";
import { PreviewDocument } from "../../graph/document";
import { simulate } from "../../preview/simulate";
import { find, naming, previewWith, textOf } from "../support";

const REPOSITORY = "aws:ecr/repository:Repository";
const LIFECYCLE = "aws:ecr/lifecyclePolicy:LifecyclePolicy";

describe("components/imageRepository", () => {
  let document: PreviewDocument;
  before(async () => {
    document = await simulate(() => {
      new ImageRepository("images", { naming });
    });
  });

  it("keeps the images of a version as they are, and scans them", () => {
    const { inputs, outputs } = find(document, REPOSITORY);
    expect(inputs).to.deep.include({
      name: "iaso-test",
      imageTagMutability: "IMMUTABLE",
      imageScanningConfiguration: { scanOnPush: true },
      encryptionConfigurations: [{ encryptionType: "AES256" }],
    });
    expect(inputs.forceDelete).to.equal(undefined);
    expect(outputs.repositoryUrl).to.equal(naming.imageRepositoryUrl);
    expect(outputs.arn).to.equal(naming.imageRepositoryArn);
  });

  it("deletes only images that no version names", () => {
    const { inputs } = find(document, LIFECYCLE);
    const { rules } = JSON.parse(textOf(inputs.policy)) as { rules: { selection: object }[] };
    expect(rules.map(({ selection }) => selection)).to.deep.equal([
      { tagStatus: "untagged", countType: "sinceImagePushed", countUnit: "days", countNumber: 7 },
    ]);
  });

  it("exists on the Docker platform only, where Iaso's instances get its address", async () => {
    for (const platform of ["python", "docker"]) {
      const { resources } = await previewWith({ "iaso:platform": platform });
      const repositories = resources.filter(({ type }) => type === REPOSITORY);
      expect(repositories).to.have.length(platform === "docker" ? 1 : 0);
      const named = resources
        .filter(({ inputs }) => JSON.stringify(inputs.settings ?? "").includes("IMAGE_REPOSITORY"))
        .map(({ name }) => name);
      expect(named).to.have.members(platform === "docker" ? ["web", "worker"] : []);
    }
  });
});

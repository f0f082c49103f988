import { Naming } from "../../common/naming";
import { IMAGE_PULL_ACTIONS, PolicyStatement } from "../policyDocument";

/**
 * Permissions of the `up` role on the repository for images. An administrator deletes the repository, because with it go
 * the images from which instances start.
 *
 * @see https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonelasticcontainerregistry.html
 */
export function repositoryStatements(naming: Naming): PolicyStatement[] {
  return [
    {
      Sid: "ManageImageRepository",
      Effect: "Allow",
      Action: [
        "ecr:CreateRepository",
        "ecr:DeleteLifecyclePolicy",
        "ecr:PutImageScanningConfiguration",
        "ecr:PutImageTagMutability",
        "ecr:PutLifecyclePolicy",
        "ecr:TagResource",
        "ecr:UntagResource",
      ],
      Resource: naming.imageRepositoryArn,
    },
  ];
}

/** Permissions of the `deploy` role to copy the images of a version, to read them for a promotion, and to delete them. */
export function imageStatements(naming: Naming): PolicyStatement[] {
  return [
    {
      Sid: "CopyImages",
      Effect: "Allow",
      Action: [
        "ecr:BatchCheckLayerAvailability",
        "ecr:BatchDeleteImage",
        ...IMAGE_PULL_ACTIONS,
        "ecr:CompleteLayerUpload",
        "ecr:InitiateLayerUpload",
        "ecr:ListImages",
        "ecr:PutImage",
        "ecr:UploadLayerPart",
      ],
      Resource: naming.imageRepositoryArn,
    },
  ];
}

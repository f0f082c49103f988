import { idFromInputs, nameOrGenerated, ResourceTypes, requiredText } from "./model";

export const resourceTypes: ResourceTypes = {
  "aws:s3/bucket:Bucket": (creation) => {
    const id = nameOrGenerated(creation, "bucket");
    return {
      id,
      outputs: {
        bucket: id,
        arn: `arn:aws:s3:::${id}`,
        bucketDomainName: `${id}.s3.amazonaws.com`,
        bucketRegionalDomainName: `${id}.s3.${creation.region}.amazonaws.com`,
        region: creation.region,
      },
    };
  },
  "aws:s3/bucketLogging:BucketLogging": idFromInputs("bucket"),
  "aws:s3/bucketOwnershipControls:BucketOwnershipControls": idFromInputs("bucket"),
  "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock": idFromInputs("bucket"),
  "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration":
    idFromInputs("bucket"),
  "aws:s3/bucketVersioning:BucketVersioning": idFromInputs("bucket"),
  "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration": idFromInputs("bucket"),
  "aws:s3/bucketCorsConfiguration:BucketCorsConfiguration": idFromInputs("bucket"),
  "aws:s3/bucketPolicy:BucketPolicy": idFromInputs("bucket"),
  "aws:s3/bucketObjectv2:BucketObjectv2": ({ inputs }) => {
    const bucket = requiredText(inputs, "bucket");
    const key = requiredText(inputs, "key");
    return { id: `${bucket}/${key}`, outputs: { arn: `arn:aws:s3:::${bucket}/${key}` } };
  },
};
